//! Moves along the streams that could not finish at once: work that takes time, waits, host code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, Once, PoisonError};
use std::thread;
use std::time::Duration;

use super::locked;
use super::queue::Outlook;
use super::stream::Stream;
use crate::clock::clock;

/// Streams with work that is not done.
static BUSY: Mutex<Vec<Arc<Stream>>> = Mutex::new(Vec::new());
static MORE: Condvar = Condvar::new();

/// Counts what happened, for those who wait for something to happen.
static NEWS: Mutex<u64> = Mutex::new(0);
static CAME: Condvar = Condvar::new();

/// How often a condition only the program can make true is looked at.
const POLL: Duration = Duration::from_micros(20);
/// Waits are cut to this, so that no lost notice can hang a program.
const PATIENCE: Duration = Duration::from_millis(2);
/// While the device is busy, it is looked at no later than this: what one waits for may come first elsewhere.
const SLICE: u64 = 100_000;
/// How late a sleeping thread may wake up.
const WAKING: u64 = 80_000;

/// Takes charge of a stream until it is idle.
pub fn take(stream: Arc<Stream>) {
    static THREAD: Once = Once::new();
    THREAD.call_once(|| {
        // Without the thread, whoever waits still moves everything along.
        let _ = thread::Builder::new().name("sim-driver".into()).spawn(drive);
    });
    locked(&BUSY).push(stream);
    MORE.notify_one();
    announce();
}

/// Wakes those who wait: something happened that is not a look.
pub fn announce() {
    *locked(&NEWS) += 1;
    CAME.notify_all();
}

/// Returns once `done` is true, moving work along meanwhile.
pub fn wait(done: impl Fn() -> bool) {
    wait_by(done, sleep_briefly_then_watch);
}

/// The same with a choice of how to spend the time while the device is busy.
fn wait_by(done: impl Fn() -> bool, pass: fn(u64)) {
    while !done() {
        let seen = *locked(&NEWS);
        let (moved, next) = look();
        if moved {
            continue;
        }
        let patience = match next {
            Outlook::At(end) => {
                pass(end);
                continue;
            }
            Outlook::Poll => POLL,
            Outlook::Blocked | Outlook::Idle => PATIENCE,
        };
        let news = locked(&NEWS);
        if *news == seen && !done() {
            drop(CAME.wait_timeout(news, patience).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

fn sleep_briefly(end: u64) {
    clock().wait_until(end.min(clock().now().saturating_add(SLICE)));
}

/// For a program that waits for a result: it is not made to wait for a thread to wake up.
fn sleep_briefly_then_watch(end: u64) {
    if end.saturating_sub(clock().now()) <= WAKING {
        clock().watch_until(end);
    } else {
        sleep_briefly(end - WAKING);
    }
}

/// Does what can be done by now.
pub fn glance() {
    look();
}

/// Looks at every busy stream once: whether anything moved, and the most pressing thing to come.
fn look() -> (bool, Outlook) {
    let busy = locked(&BUSY).clone();
    let (mut moved, mut next, mut idle) = (false, Outlook::Idle, false);
    for stream in &busy {
        let (this_moved, this_next) = stream.look();
        moved |= this_moved;
        idle |= this_next == Outlook::Idle;
        next = next.min(this_next);
    }
    if idle {
        locked(&BUSY).retain(|stream| !stream.unlist());
    }
    if moved {
        announce();
    }
    (moved, next)
}

fn drive() {
    loop {
        let mut busy = locked(&BUSY);
        while busy.is_empty() {
            busy = MORE.wait(busy).unwrap_or_else(PoisonError::into_inner);
        }
        drop(busy);
        // A task that panics is gone from its queue; the rest goes on.
        let _ =
            catch_unwind(AssertUnwindSafe(|| wait_by(|| locked(&BUSY).is_empty(), sleep_briefly)));
    }
}
