//! Which context is current on each thread.

use std::cell::RefCell;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cudarc::driver::sys::{CUcontext, CUdevice};

use super::{CONTEXTS, Context, named, named_or_current};
use crate::api::{Call, E, R, given, put, put_opt};

thread_local! {
    /// Last is current. Destroyed contexts stay until popped.
    static STACK: RefCell<Vec<Arc<Context>>> = const { RefCell::new(Vec::new()) };
}

/// The calling thread's current context, whatever its state.
pub fn current() -> Result<Arc<Context>, E> {
    let top = with_stack(|stack| stack.last().cloned()).ok_or(E::INVALID_CONTEXT)?;
    if top.live.load(Ordering::Acquire) {
        return Ok(top);
    }
    // A primary context that came back to life is current again wherever it was.
    Ok(CONTEXTS.get(top.handle).unwrap_or(top))
}

/// An ending thread has an empty stack.
fn with_stack<T: Default>(f: impl FnOnce(&mut Vec<Arc<Context>>) -> T) -> T {
    STACK.try_with(|stack| f(&mut stack.borrow_mut())).unwrap_or_default()
}

pub(super) fn make_current(context: Arc<Context>) {
    with_stack(|stack| stack.push(context));
}

/// A destroyed context leaves the top of the stack of the thread that destroyed it, only.
pub(super) fn drop_current(context: &Context) {
    with_stack(|stack| {
        if stack.last().is_some_and(|top| top.handle == context.handle) {
            stack.pop();
        }
    });
}

pub fn push(_: &Call, handle: CUcontext) -> R {
    given(handle)?;
    make_current(named(handle)?);
    Ok(())
}

pub fn pop(_: &Call, out: *mut CUcontext) -> R {
    let context = with_stack(Vec::pop).ok_or(E::INVALID_CONTEXT)?;
    put_opt(out, context.raw());
    Ok(())
}

/// Replaces the top of the stack; null removes it.
pub fn set_current(_: &Call, handle: CUcontext) -> R {
    let context = if handle.is_null() { None } else { Some(named(handle)?) };
    with_stack(|stack| {
        stack.pop();
        stack.extend(context);
    });
    Ok(())
}

pub fn get_current(_: &Call, out: *mut CUcontext) -> R {
    put(out, current().map_or(ptr::null_mut(), |context| context.raw()))
}

pub fn get_device(call: &Call, out: *mut CUdevice) -> R {
    get_device_of(call, out, ptr::null_mut())
}

pub fn get_device_of(_: &Call, out: *mut CUdevice, handle: CUcontext) -> R {
    given(out)?;
    let context = named_or_current(handle)?;
    if !context.live.load(Ordering::Acquire) {
        return Err(E::CONTEXT_IS_DESTROYED);
    }
    put(out, context.device.ordinal)
}
