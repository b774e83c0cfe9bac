//! The calls about streams themselves.

use std::ffi::{c_int, c_uint, c_void};
use std::ptr;

use cudarc::driver::sys::{CUcontext, CUdevice, CUdeviceptr, CUgreenCtx, CUstream};

use super::capture;
use super::graph::{HostCall, Kind};
use super::queue::Step;
use super::stream::{self, Kind as StreamKind, Stream, named};
use super::submit::{drain, submit};
use crate::api::{Call, E, R, given, put, put_opt};
use crate::context::{self, GREATEST_PRIORITY, LEAST_PRIORITY};
use crate::done::{Done, did};
use crate::memory;

const NON_BLOCKING: c_uint = 1;

pub fn create(call: &Call, out: *mut CUstream, flags: c_uint) -> R {
    create_with_priority(call, out, flags, LEAST_PRIORITY)
}

/// A priority out of range is brought into it.
pub fn create_with_priority(call: &Call, out: *mut CUstream, flags: c_uint, priority: c_int) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    let kind = match flags {
        0 => StreamKind::Blocking,
        NON_BLOCKING => StreamKind::NonBlocking,
        _ => return Err(E::INVALID_VALUE),
    };
    let priority = priority.clamp(GREATEST_PRIORITY, LEAST_PRIORITY);
    put(out, Stream::create(&ctx, kind, priority, 0).handle as CUstream)
}

/// Streams of green contexts are always non-blocking.
pub fn create_green(
    _: &Call,
    out: *mut CUstream,
    green: CUgreenCtx,
    flags: c_uint,
    priority: c_int,
) -> R {
    given(out)?;
    let ctx = context::green(green)?.context.clone();
    if flags != NON_BLOCKING {
        return Err(E::INVALID_VALUE);
    }
    let priority = priority.clamp(GREATEST_PRIORITY, LEAST_PRIORITY);
    put(
        out,
        Stream::create(&ctx, StreamKind::NonBlocking, priority, green as usize).handle as CUstream,
    )
}

pub fn destroy(_: &Call, stream: CUstream) -> R {
    Stream::destroy(stream)
}

/// A stream under capture has no state to ask after.
fn asked(call: &Call, stream: CUstream) -> Result<std::sync::Arc<Stream>, E> {
    let stream = named(call, stream)?;
    capture::refuse(&stream)?;
    Ok(stream)
}

pub fn query(call: &Call, stream: CUstream) -> R {
    let stream = asked(call, stream)?;
    let finished = stream.finished();
    stream.ctx.check()?;
    if finished { Ok(()) } else { Err(E::NOT_READY) }
}

pub fn synchronize(call: &Call, stream: CUstream) -> R {
    let stream = asked(call, stream)?;
    drain(&stream)?;
    memory::synchronized(stream.ctx.device.number);
    did(Done::Waits);
    Ok(())
}

pub fn flags(call: &Call, stream: CUstream, out: *mut c_uint) -> R {
    given(out)?;
    put(out, c_uint::from(named(call, stream)?.kind == StreamKind::NonBlocking))
}

pub fn priority(call: &Call, stream: CUstream, out: *mut c_int) -> R {
    given(out)?;
    put(out, named(call, stream)?.priority)
}

pub fn id(call: &Call, stream: CUstream, out: *mut u64) -> R {
    given(out)?;
    put(out, named(call, stream)?.id)
}

pub fn device(call: &Call, stream: CUstream, out: *mut CUdevice) -> R {
    given(out)?;
    put(out, named(call, stream)?.ctx.device.ordinal)
}

pub fn ctx(call: &Call, stream: CUstream, out: *mut CUcontext) -> R {
    given(out)?;
    put(out, named(call, stream)?.ctx.raw())
}

/// One of the two: the context, or the green context the stream was made for.
pub fn ctx_v2(call: &Call, stream: CUstream, out: *mut CUcontext, green: *mut CUgreenCtx) -> R {
    given(out)?;
    let stream = named(call, stream)?;
    put_opt(green, stream.green as CUgreenCtx);
    put(out, if stream.green == 0 { stream.ctx.raw() } else { ptr::null_mut() })
}

pub fn green_ctx(call: &Call, stream: CUstream, out: *mut CUgreenCtx) -> R {
    given(out)?;
    put(out, named(call, stream)?.green as CUgreenCtx)
}

type HostFunction = Option<unsafe extern "C" fn(*mut c_void)>;

pub fn host_function(
    call: &Call,
    stream: CUstream,
    function: HostFunction,
    data: *mut c_void,
) -> R {
    let function = HostCall::new(function, data)?;
    submit(&named(call, stream)?, Kind::Host(function))
}

/// The mode says how the device waits for the host; both wait here.
pub fn host_function_v2(
    call: &Call,
    stream: CUstream,
    function: HostFunction,
    data: *mut c_void,
    mode: c_uint,
) -> R {
    if mode > 1 {
        return Err(E::INVALID_VALUE);
    }
    host_function(call, stream, function, data)
}

type Callback = Option<unsafe extern "C" fn(CUstream, c_uint, *mut c_void)>;

/// Unlike a host function it is called even if the context is broken, and cannot be captured.
pub fn callback(
    call: &Call,
    handle: CUstream,
    callback: Callback,
    data: *mut c_void,
    flags: c_uint,
) -> R {
    let callback = callback.filter(|_| flags == 0).ok_or(E::INVALID_VALUE)?;
    let stream = named(call, handle)?;
    capture::refuse(&stream)?;
    let (handle, data) = (handle as usize, data as usize);
    stream.submit([Step::Host(Box::new(move |error| {
        // SAFETY: the program gave this function to be called so, once its turn comes.
        unsafe { callback(handle as CUstream, error, data as *mut c_void) };
    }))]);
    Ok(())
}

/// `cuStreamAttachMemAsync`: checked, then nothing to do, since all memory is the host's too.
pub fn attach_memory(
    call: &Call,
    handle: CUstream,
    ptr: CUdeviceptr,
    length: usize,
    flags: c_uint,
) -> R {
    const GLOBAL: c_uint = 1;
    const HOST: c_uint = 2;
    const SINGLE: c_uint = 4;
    let stream = named(call, handle)?;
    if !matches!(flags, GLOBAL | HOST | SINGLE)
        || (flags == SINGLE && stream.kind == stream::Kind::Legacy)
    {
        return Err(E::INVALID_VALUE);
    }
    memory::attachable(ptr, length)?;
    capture::refuse(&stream)?;
    Ok(())
}
