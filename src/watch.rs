//! An idle victim of a fault makes no call, and so never learns of it; and while it lives the MPS server
//! takes nobody new. Where the process is to leave after a fault, a thread asks in its place.
//!
//! It records nothing on the device, and its questions break no capture: they are about its own default
//! stream, in the mode that no other thread's capture minds.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::time::Duration;

use crate::driver::{process, query};
use crate::fault;
use crate::member;

const PERIOD: Duration = Duration::from_millis(200);
/// How long the end of the process waits for a question that is being asked.
const PATIENCE: u32 = 100;
const RELAXED: u32 = 2;
/// The calling thread's own default stream.
const OWN_STREAM: u64 = 2;

/// The process that has the thread: children made by fork have not.
static WATCHED: AtomicU32 = AtomicU32::new(0);
static ENDING: AtomicBool = AtomicBool::new(false);
static ASKING: AtomicBool = AtomicBool::new(false);

/// From now on, once.
pub fn begin() {
    let own = process::id();
    if WATCHED.swap(own, Ordering::AcqRel) == own {
        return;
    }
    process::before_exit(at_exit);
    process::without_signals(|| {
        let thread = std::thread::Builder::new().name("cuota-watch".into()).stack_size(256 << 10);
        if thread.spawn(watch).is_err() {
            WATCHED.store(0, Ordering::Release);
        }
    });
}

/// Nobody is in the driver while it goes down.
extern "C" fn at_exit(_: *mut core::ffi::c_void) {
    ENDING.store(true, Ordering::SeqCst);
    if WATCHED.load(Ordering::Acquire) != process::id() {
        return;
    }
    for _ in 0..PATIENCE {
        if !ASKING.load(Ordering::SeqCst) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn watch() {
    let mut mode = RELAXED;
    if !query::cuThreadExchangeStreamCaptureMode(&mut mode).ok() {
        return;
    }
    loop {
        std::thread::sleep(PERIOD);
        ASKING.store(true, Ordering::SeqCst);
        if ENDING.load(Ordering::SeqCst) {
            ASKING.store(false, Ordering::SeqCst);
            return;
        }
        if let Some(member) = member::current() {
            member.devices().filter_map(member::OnDevice::watched).for_each(ask);
        }
        ASKING.store(false, Ordering::SeqCst);
    }
}

fn ask(context: u64) {
    if !query::cuCtxPushCurrent_v2(context).ok() {
        return;
    }
    fault::met("cuStreamQuery", query::cuStreamQuery(OWN_STREAM));
    let mut popped = 0;
    let _ = query::cuCtxPopCurrent_v2(&mut popped);
}
