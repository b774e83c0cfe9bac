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
static HAS_STOPPED: AtomicBool = AtomicBool::new(false);

/// For the one that keeps time.
static TIMER: Bell = Bell::new();
const TERMINATED: u32 = 1;
/// For the one that asks the driver.
static WORK: Bell = Bell::new();
const LOOK: u32 = 1;
const FINISH: u32 = 2;
const STOP: u32 = 4;
/// Whoever ends the process by `exit`, and by SIGTERM: each waits at a bell of its own for the answer.
const FOR_EXIT: u32 = 8;
const FOR_TERM: u32 = 16;
static EXIT: Bell = Bell::new();
static TERM: Bell = Bell::new();
/// All is done, or it will not be.
const DONE: u32 = 1;
const NOT_DONE: u32 = 2;
/// Nobody asks the driver any more.
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
    // Before there is a context to submit anything to.
    if let Some(member) = member::current() {
        obey(member);
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
            drain::say(is_drained(FOR_TERM, &TERM), most());
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

/// Whether all is done before time is over. Where nobody asks the driver any more it was looked after.
fn is_drained(what: u32, answer: &Bell) -> bool {
    answer.wait(Duration::ZERO);
    WORK.ring(what);
    let end = Instant::now() + most();
    loop {
        if HAS_STOPPED.load(Ordering::Acquire) {
            return true;
        }
        let left = end.saturating_duration_since(Instant::now());
        match answer.wait(left) {
            0 if left.is_zero() => return false,
            0 => {}
            said => return said & NOT_DONE == 0,
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
    if term::is_called() {
        // The other thread ends us, as SIGTERM does.
        std::thread::sleep(most() + PATIENCE);
    }
    let busy = member::current().is_some_and(Member::may_be_busy);
    if busy && !most().is_zero() {
        drain::ends_here();
        drain::close(most());
        drain::say(is_drained(FOR_EXIT, &EXIT), most());
        // A handler behind this one may wait for a thread that has work to submit.
        drain::close_only(PATIENCE);
    }
    // Nobody is in the driver while it goes down.
    EXIT.wait(Duration::ZERO);
    WORK.ring(STOP);
    let end = Instant::now() + PATIENCE;
    while EXIT.wait(end.saturating_duration_since(Instant::now())) & STOPPED == 0 {
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
        if let Some(member) = member::current() {
            answer(member, wanted);
        }
        if wanted & STOP != 0 {
            HAS_STOPPED.store(true, Ordering::Release);
            EXIT.ring(STOPPED);
            TERM.ring(STOPPED);
            return;
        }
    }
}

/// The context that is being asked something; 0 if none is.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// Runs `ask` with the context current, unless it is no more. Whether it said yes.
pub fn with_context(device: &OnDevice, context: u64, ask: impl FnOnce() -> bool) -> bool {
    ASKED.store(context, Ordering::SeqCst);
    // SYNC POINT: whoever destroys it takes it off the list first, and looks here then; the other end is in
    // `lets_go_of`.
    let mut said = false;
    if device.contexts().contains(&context) && query::cuCtxPushCurrent_v2(context).ok() {
        said = ask();
        let mut popped = 0;
        let _ = query::cuCtxPopCurrent_v2(&mut popped);
    }
    ASKED.store(0, Ordering::SeqCst);
    said
}

/// The context is about to be destroyed: waits until nobody asks it anything, but not for ever.
pub fn lets_go_of(context: u64) {
    let end = Instant::now() + PATIENCE;
    while ASKED.load(Ordering::SeqCst) == context && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn answer(member: &Member, wanted: u32) {
    if wanted & (FOR_EXIT | FOR_TERM | FINISH) == 0 {
        if wanted & LOOK != 0 {
            member.devices().for_each(look);
        }
        return;
    }
    let done = drain::synchronize(member);
    if done && wanted & FINISH != 0 {
        member.has_stopped();
    }
    for (who, bell) in [(FOR_EXIT, &EXIT), (FOR_TERM, &TERM)] {
        if wanted & who != 0 {
            bell.ring(if done { DONE } else { NOT_DONE });
        }
    }
}

/// Whether the device still works, by one of its contexts.
fn look(device: &OnDevice) {
    /// The calling thread's own default stream.
    const OWN: u64 = 2;
    let Some(context) = device.contexts().first().copied() else { return };
    with_context(device, context, || {
        fault::met("cuStreamQuery", query::cuStreamQuery(OWN));
        true
    });
}
