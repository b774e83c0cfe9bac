//! The driver's thread for the program's host functions and callbacks.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;

use super::moment::Moment;
use super::{engine, locked};
use crate::clock::clock;

type Job = Box<dyn FnOnce() + Send>;
type Jobs = Mutex<Sender<(Job, Arc<Moment>)>>;

thread_local! {
    static HERE: Cell<bool> = const { Cell::new(false) };
}

/// One at a time, in the order in which they came up: independent ones may be serialised.
static JOBS: LazyLock<Option<Jobs>> = LazyLock::new(|| {
    let (give, take) = channel::<(Job, Arc<Moment>)>();
    let serve = move || {
        HERE.set(true);
        while let Ok((job, finished)) = take.recv() {
            finish(job, &finished);
        }
    };
    thread::Builder::new().name("sim-callbacks".into()).spawn(serve).ok()?;
    Some(Mutex::new(give))
});

/// Runs the job on the driver's thread and marks when it was finished.
pub fn run(job: Job, finished: Arc<Moment>) {
    let refused = match &*JOBS {
        Some(jobs) => locked(jobs).send((job, finished)).err().map(|back| back.0),
        None => Some((job, finished)),
    };
    // No thread could be had: better late here than never.
    if let Some((job, finished)) = refused {
        finish(job, &finished);
    }
}

/// Whether the caller is a host function or callback, which may not call the driver.
pub fn calling() -> bool {
    HERE.try_with(Cell::get).unwrap_or(false)
}

fn finish(job: Job, finished: &Moment) {
    let _ = catch_unwind(AssertUnwindSafe(job));
    finished.reach(clock().now());
    engine::announce();
}
