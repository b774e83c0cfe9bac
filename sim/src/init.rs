//! `cuInit`: the driver of this process, its version, and what fork leaves of it.

use std::ffi::{c_int, c_uint};
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::api::{Call, E, R, put};
use crate::{device, machine, mps};

unsafe extern "C" {
    /// Which driver this library plays: a weak default in the stubs, replaced at link time.
    static sim_generation: u32;
}

pub fn generation() -> u32 {
    // SAFETY: a constant of the linked library, never written.
    unsafe { sim_generation }
}

/// The CUDA version this generation supports.
pub fn cuda_version() -> c_int {
    match generation() {
        470 => 11040,
        525 => 12000,
        535 => 12020,
        550 => 12040,
        555 => 12050,
        580 => 13000,
        595 => 13020,
        _ => 13040,
    }
}

const NOT_YET: u8 = 0;
const DONE: u8 = 1;
/// A child forked after the parent's `cuInit`: nothing works in it, not even `cuInit`.
const FORKED: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(NOT_YET);

pub fn done() -> bool {
    STATE.load(Ordering::Acquire) == DONE
}

pub fn init(_: &Call, flags: c_uint) -> R {
    if flags != 0 {
        return Err(E::INVALID_VALUE);
    }
    match STATE.load(Ordering::Acquire) {
        DONE => return Ok(()),
        FORKED => return Err(E::NOT_INITIALIZED),
        _ => {}
    }
    if let Err(why) = machine::open() {
        eprintln!("simulated driver: {why}");
        return Err(E::UNKNOWN);
    }
    mps::connect()?;
    if device::visible().is_empty() {
        return Err(E::NO_DEVICE);
    }
    static WATCH_FORK: Once = Once::new();
    WATCH_FORK.call_once(|| {
        // SAFETY: the handler only stores to an atomic.
        unsafe { libc::pthread_atfork(None, None, Some(forked)) };
    });
    STATE.store(DONE, Ordering::Release);
    Ok(())
}

unsafe extern "C" fn forked() {
    let _ = STATE.compare_exchange(DONE, FORKED, Ordering::AcqRel, Ordering::Relaxed);
}

pub fn driver_version(_: &Call, version: *mut c_int) -> R {
    put(version, cuda_version())
}
