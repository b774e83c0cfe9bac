//! What a thread may not do while captures go on, its own or others'.

use std::cell::Cell;
use std::ffi::c_uint;
use std::thread;

use super::{Capture, active, refuse_all};
use crate::api::{Call, E, R, put, take};
use crate::context::Context;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Global,
    ThreadLocal,
    Relaxed,
}

impl Mode {
    pub fn read(number: c_uint) -> Result<Mode, E> {
        match number {
            0 => Ok(Mode::Global),
            1 => Ok(Mode::ThreadLocal),
            2 => Ok(Mode::Relaxed),
            _ => Err(E::INVALID_VALUE),
        }
    }
}

thread_local! {
    /// How the calling thread gets on with captures.
    static MODE: Cell<Mode> = const { Cell::new(Mode::Global) };
}

/// Whether this capture forbids a thread in `mode` the unsafe calls.
fn forbids(capture_mode: Mode, mine: bool, mode: Mode) -> bool {
    match mode {
        Mode::Relaxed => false,
        _ if mine => capture_mode != Mode::Relaxed,
        Mode::ThreadLocal => false,
        Mode::Global => capture_mode == Mode::Global,
    }
}

/// For calls that are not safe during a capture, allocation above all: refused, and the captures
/// that forbid them are invalidated. One that already is forbids nothing more.
pub fn unsafe_call(_: &Context) -> R {
    let mut captures = active();
    if captures.is_empty() {
        return Ok(());
    }
    let (me, mode) = (thread::current().id(), MODE.get());
    captures.retain(|capture: &std::sync::Arc<Capture>| {
        capture.valid() && forbids(capture.mode, capture.thread == me, mode)
    });
    refuse_all(captures, E::STREAM_CAPTURE_UNSUPPORTED)
}

/// `cuThreadExchangeStreamCaptureMode`
pub fn exchange(_: &Call, mode: *mut c_uint) -> R {
    let new = Mode::read(take(mode)?)?;
    put(mode, MODE.replace(new) as c_uint)
}

#[cfg(test)]
mod tests {
    use super::Mode::{Global, Relaxed, ThreadLocal};
    use super::*;

    #[test]
    fn who_forbids_whom() {
        // (capture begun in, by this thread, thread's mode) → forbidden
        for (capture, mine, mode, forbidden) in [
            (Global, true, Global, true),
            (ThreadLocal, true, Global, true),
            (Relaxed, true, Global, false),
            (Global, false, Global, true),
            (ThreadLocal, false, Global, false),
            (Relaxed, false, Global, false),
            (Global, true, ThreadLocal, true),
            (ThreadLocal, true, ThreadLocal, true),
            (Relaxed, true, ThreadLocal, false),
            (Global, false, ThreadLocal, false),
            (Global, true, Relaxed, false),
            (Global, false, Relaxed, false),
        ] {
            assert_eq!(forbids(capture, mine, mode), forbidden, "{capture:?} {mine} {mode:?}");
        }
    }
}
