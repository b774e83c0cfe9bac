//! Two threads that look after a process under MPS, where it asked for something they are needed for: to be
//! drained before it ends (`drain`), and to leave after a fault even if it is idle (`fault`).
//!
//! One keeps time, and never calls the driver, which may hang. The other asks the driver: it records
//! nothing on the device, and its questions break no capture, for they are about its own default stream, in
//! the mode that no other thread's capture minds. Both run with all signals blocked.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use std::time::Instant;

use crate::driver::bell::Bell;
use crate::driver::{process, query, term};
use crate::member::{self, Member, OnDevice};
use crate::{drain, fault, hooks};

/// What is wanted of the two.
#[derive(Clone, Copy)]
pub struct Duties {
    /// How long the end may wait for work in flight; nothing if it does not.
    pub drain: Duration,
    /// Leave after a fault.
    pub leaves: bool,
}

/// How often it is asked whether the device still works, and whether the client is to stop.
const OFTEN: Duration = Duration::from_millis(200);
const SELDOM: Duration = Duration::from_secs(1);
/// How long the end of the process waits for a question that is being asked.
const PATIENCE: Duration = Duration::from_millis(100);

/// The process that has the threads: children made by fork have not.
static GUARDED: AtomicU32 = AtomicU32::new(0);
static LEAVES: AtomicBool = AtomicBool::new(false);
/// Nanoseconds.
static MOST: AtomicU64 = AtomicU64::new(0);

/// For the one that keeps time.
static TIMER: Bell = Bell::new();
const TERMINATED: u32 = 1;
/// For the one that asks the driver.
static WORK: Bell = Bell::new();
const LOOK: u32 = 1;
const DRAIN: u32 = 2;
const STOP: u32 = 4;
const FINISH: u32 = 8;
/// For whoever waits for it: all is done, or it will not be.
static ANSWER: Bell = Bell::new();
const DONE: u32 = 1;
const NOT_DONE: u32 = 2;
const STOPPED: u32 = 4;

fn most() -> Duration {
    Duration::from_nanos(MOST.load(Ordering::Acquire))
}

/// From now on, once; where there is something to do.
pub fn begin(duties: Duties) {
    let own = process::id();
    let idle = duties.drain.is_zero() && !duties.leaves;
    if idle || GUARDED.swap(own, Ordering::AcqRel) == own {
        return;
    }
    LEAVES.store(duties.leaves, Ordering::Release);
    let most = u64::try_from(duties.drain.as_nanos()).unwrap_or(u64::MAX);
    MOST.store(most, Ordering::Release);
    let threads: [(&str, fn()); 2] = [("cuota-time", keep_time), ("cuota-ask", ask_driver)];
    if !threads.into_iter().all(|(name, act)| process::begin_thread(name, act)) {
        GUARDED.store(0, Ordering::Release);
        return;
    }
    // After the driver's own: it runs before them.
    process::before_exit(at_exit);
    if most > 0 {
        term::when_terminated(at_term, hooks::are_signals_watched());
    }
}

fn keep_time() {
    let leaves = LEAVES.load(Ordering::Acquire);
    loop {
        let rung = TIMER.wait(if leaves { OFTEN } else { SELDOM });
        if rung & TERMINATED != 0 {
            drain::close(most());
            drain::say(is_drained(), most());
            if let Some(member) = member::current() {
                member.say_goodbye();
            }
            term::die();
        }
        if leaves {
            WORK.ring(LOOK);
        }
        if let Some(member) = member::current() {
            obey(member);
        }
    }
}

/// Whoever watches the ledger may have it that the client stops.
fn obey(member: &Member) {
    static OBEYED: AtomicU64 = AtomicU64::new(0);
    let asked = member.is_to_stop();
    if OBEYED.swap(asked, Ordering::AcqRel) == asked {
        return;
    }
    if asked == 0 {
        drain::open();
    } else {
        drain::close_for_good();
        member.say_that_it_stops();
        WORK.ring(FINISH);
    }
}

/// Whether all is done before time is over.
fn is_drained() -> bool {
    ANSWER.wait(Duration::ZERO);
    WORK.ring(DRAIN);
    let end = Instant::now() + most();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match ANSWER.wait(left) {
            0 if left.is_zero() => return false,
            0 => {}
            said => return said & DONE != 0,
        }
    }
}

/// In a signal handler: whether the interrupted thread may go on. It may where it is in the driver, which
/// may have to let go of a lock first.
fn at_term() -> bool {
    TIMER.ring(TERMINATED);
    hooks::is_in_driver()
}

/// At `exit`, which may have been called anywhere: waits for no lock, and not for ever.
extern "C" fn at_exit(_: *mut core::ffi::c_void) {
    if GUARDED.load(Ordering::Acquire) != process::id() {
        return;
    }
    let busy = member::current().is_some_and(Member::may_be_busy);
    if busy && !most().is_zero() && !term::is_called() {
        drain::ends_here();
        drain::close(most());
        drain::say(is_drained(), most());
    }
    // Nobody is in the driver while it goes down.
    WORK.ring(STOP);
    let end = Instant::now() + PATIENCE;
    while ANSWER.wait(end.saturating_duration_since(Instant::now())) & STOPPED == 0 {
        if Instant::now() >= end {
            break;
        }
    }
}

fn ask_driver() {
    const RELAXED: u32 = 2;
    let mut mode = RELAXED;
    let _ = query::cuThreadExchangeStreamCaptureMode(&mut mode);
    loop {
        let wanted = WORK.wait(Duration::MAX);
        if wanted & STOP != 0 {
            ANSWER.ring(STOPPED);
            return;
        }
        let Some(member) = member::current() else { continue };
        if wanted & (DRAIN | FINISH) != 0 {
            let done = drain::synchronize(member);
            if done && wanted & FINISH != 0 {
                member.has_stopped();
            }
            if wanted & DRAIN != 0 {
                ANSWER.ring(if done { DONE } else { NOT_DONE });
            }
        } else if wanted & LOOK != 0 {
            member.devices().for_each(look);
        }
    }
}

/// Whether the device still works, by one of its contexts.
fn look(device: &OnDevice) {
    /// The calling thread's own default stream.
    const OWN: u64 = 2;
    let Some(context) = device.contexts().first().copied() else { return };
    if query::cuCtxPushCurrent_v2(context).ok() {
        fault::met("cuStreamQuery", query::cuStreamQuery(OWN));
        let mut popped = 0;
        let _ = query::cuCtxPopCurrent_v2(&mut popped);
    }
}
