//! What every entry point does around its body: fault injection, the check for `cuInit`, and no panic out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::context::{self, Context};
use crate::work::host;
use crate::{faults, init};

pub use crate::errors::E;

pub type R = Result<(), E>;

/// One call of one entry point.
#[derive(Clone, Copy)]
pub struct Call {
    /// Stream 0 means the calling thread's default stream, not the legacy one.
    pub per_thread: bool,
}

impl Call {
    const fn new(name: &str) -> Call {
        let n = name.as_bytes();
        let per_thread = n.len() > 5
            && n[n.len() - 5] == b'_'
            && n[n.len() - 4] == b'p'
            && n[n.len() - 3] == b't'
            && (n[n.len() - 2] == b's' || n[n.len() - 2] == b'd');
        Call { per_thread }
    }

    /// The calling thread's current context, if it is usable.
    pub fn ctx(&self) -> Result<Arc<Context>, E> {
        let ctx = context::current()?;
        ctx.check()?;
        Ok(ctx)
    }
}

/// These answer before `cuInit`, and to host functions, which may call nothing else.
const ANY_TIME: [&str; 7] = [
    "cuInit",
    "cuDriverGetVersion",
    "cuGetProcAddress",
    "cuGetProcAddress_v2",
    "cuGetErrorName",
    "cuGetErrorString",
    "cuGetExportTable",
];

pub fn enter(name: &'static str, body: impl FnOnce(&Call) -> R) -> u32 {
    let run = || {
        let after = faults::before(name)?;
        if !init::done() && !ANY_TIME.contains(&name) {
            return Err(E::NOT_INITIALIZED);
        }
        if host::calling() && !ANY_TIME.contains(&name) {
            return Err(E::NOT_PERMITTED);
        }
        body(&Call::new(name))?;
        after.apply()
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => 0,
        Ok(Err(E(code))) => code,
        Err(_) => E::UNKNOWN.0,
    }
}

/// Where the stubs of names without a row end up.
#[unsafe(export_name = "sim_not_supported")]
extern "C" fn not_supported() -> u32 {
    E::NOT_SUPPORTED.0
}

/// Writes a result through the caller's pointer; null is refused.
///
/// A body checks its out-pointers with [`given`] before it changes anything.
pub fn put<T>(to: *mut T, value: T) -> R {
    given(to)?;
    // SAFETY: not null, and the API makes the caller pass room for a T; unaligned is tolerated.
    unsafe { to.write_unaligned(value) };
    Ok(())
}

/// Writes through a pointer that may be null.
pub fn put_opt<T>(to: *mut T, value: T) {
    let _ = put(to, value);
}

/// Reads what the caller's pointer names; null is refused.
pub fn take<T: Copy>(from: *const T) -> Result<T, E> {
    given(from)?;
    // SAFETY: not null, and the API makes the caller pass an initialised T; unaligned is tolerated.
    Ok(unsafe { from.read_unaligned() })
}

/// Copies `count` items from the caller's array; null is refused unless the count is 0.
pub fn take_many<T: Copy>(from: *const T, count: usize) -> Result<Vec<T>, E> {
    if count == 0 {
        return Ok(Vec::new());
    }
    given(from)?;
    // SAFETY: not null, and the API makes the caller pass `count` initialised items.
    Ok((0..count).map(|i| unsafe { from.add(i).read_unaligned() }).collect())
}

/// The caller's C string, if it is one.
pub fn text<'a>(from: *const std::ffi::c_char) -> Result<&'a str, E> {
    given(from)?;
    // SAFETY: not null, and the API makes the caller pass a NUL-terminated string that lives through the call.
    unsafe { std::ffi::CStr::from_ptr(from) }.to_str().or(Err(E::INVALID_VALUE))
}

/// Refuses null.
pub fn given<T>(p: *const T) -> R {
    if p.is_null() { Err(E::INVALID_VALUE) } else { Ok(()) }
}
