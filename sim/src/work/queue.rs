//! One stream's tasks: first in, first out, each done when the device gets to it.
//!
//! Nothing runs by itself: whoever submits, waits or is the driver's thread moves the queue along.
//! Times are the device's own (a task starts when the one before it ended), not those of the look.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::host;
use super::locked;
use super::moment::Moment;
use crate::machine;

/// What happens when a task's turn comes.
pub enum Step {
    /// Keeps so many SMs of the device busy for so many nanoseconds.
    Busy {
        ns: u64,
        sms: u32,
    },
    /// Takes no time. Skipped once the context is broken. Must not touch the queue it is in.
    Do(Box<dyn FnOnce() + Send>),
    /// Program code, on the driver's own thread; told the context's error, 0 for none.
    Host(Box<dyn FnOnce(u32) + Send>),
    /// Waits until there is an answer: the moment it became true, 0 for long ago.
    Until(Box<dyn FnMut() -> Option<u64> + Send>),
    Mark(Arc<Moment>),
}

struct Task {
    step: Step,
    /// Work of other queues that comes first.
    after: Vec<Point>,
    /// No earlier than this may it start.
    ready: u64,
}

/// A task's place in its queue.
#[derive(Clone)]
pub struct Point {
    queue: Arc<Queue>,
    number: u64,
}

impl Point {
    pub fn passed(&self) -> bool {
        self.queue.done.load(Ordering::Acquire) >= self.number
    }
}

/// What the next look at a queue depends on, most pressing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outlook {
    /// The device is busy until then.
    At(u64),
    /// Only looking again can tell.
    Poll,
    /// Something else has to happen first.
    Blocked,
    Idle,
}

pub struct Queue {
    /// The card whose account the work goes to.
    card: usize,
    state: Mutex<State>,
    given: AtomicU64,
    done: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Task>,
    /// When the task at the front ends, once it has begun.
    ends: Option<u64>,
    /// Set while the task at the front is on the driver's thread.
    hosted: Option<Arc<Moment>>,
    /// When the device finished the last task.
    free_at: u64,
    /// Whether the engine knows of this queue.
    listed: bool,
}

impl Queue {
    pub fn new(card: usize) -> Queue {
        Queue { card, state: Mutex::default(), given: AtomicU64::new(0), done: AtomicU64::new(0) }
    }

    pub fn idle(&self) -> bool {
        self.done.load(Ordering::Acquire) >= self.given.load(Ordering::Acquire)
    }

    pub fn length(&self) -> usize {
        locked(&self.state).waiting.len()
    }

    /// The place after everything submitted so far.
    pub fn end(self: &Arc<Queue>) -> Point {
        Point { queue: self.clone(), number: self.given.load(Ordering::Acquire) }
    }

    /// Adds steps that belong together and does what can be done at once. True if the engine has to be told.
    pub fn push(
        &self,
        steps: impl IntoIterator<Item = Step>,
        after: Vec<Point>,
        now: u64,
        error: u32,
    ) -> bool {
        let mut state = locked(&self.state);
        let mut after = Some(after);
        for step in steps {
            state.waiting.push_back(Task {
                step,
                after: after.take().unwrap_or_default(),
                ready: now,
            });
            self.given.fetch_add(1, Ordering::Release);
        }
        let outlook = self.advance(&mut state, now, error);
        outlook != Outlook::Idle && !std::mem::replace(&mut state.listed, true)
    }

    /// Does what can be done by `now`; says whether anything was, and what comes next.
    pub fn look(&self, now: u64, error: u32) -> (bool, Outlook) {
        let before = self.done.load(Ordering::Acquire);
        let outlook = self.advance(&mut locked(&self.state), now, error);
        (self.done.load(Ordering::Acquire) != before, outlook)
    }

    /// True if the queue is empty and the engine may forget it.
    pub fn unlist(&self) -> bool {
        let mut state = locked(&self.state);
        state.listed = !state.waiting.is_empty();
        !state.listed
    }

    fn advance(&self, state: &mut State, now: u64, error: u32) -> Outlook {
        loop {
            let Some(task) = state.waiting.front_mut() else { return Outlook::Idle };
            if !task.after.is_empty() {
                task.after.retain(|point| !point.passed());
                if !task.after.is_empty() {
                    return Outlook::Blocked;
                }
                task.ready = task.ready.max(now);
            }
            let start = task.ready.max(state.free_at);
            let end = match &mut task.step {
                Step::Busy { .. } if error != 0 => start,
                Step::Busy { ns, sms } => {
                    let end = *state.ends.get_or_insert(start.saturating_add(*ns));
                    if end > now {
                        return Outlook::At(end);
                    }
                    machine::current().worked(
                        self.card,
                        *ns,
                        ns.saturating_mul(u64::from(*sms)),
                        1,
                    );
                    end
                }
                Step::Until(_) if error != 0 => start,
                Step::Until(came) => match came() {
                    Some(at) => start.max(at),
                    None => return Outlook::Poll,
                },
                Step::Host(_) if state.hosted.is_none() => {
                    let finished = Arc::<Moment>::default();
                    let Step::Host(job) =
                        std::mem::replace(&mut task.step, Step::Host(Box::new(|_| ())))
                    else {
                        continue;
                    };
                    state.hosted = Some(finished.clone());
                    host::run(Box::new(move || job(error)), finished);
                    return Outlook::Blocked;
                }
                Step::Host(_) => {
                    match state.hosted.as_ref().and_then(|finished| finished.reached()) {
                        Some(at) => start.max(at),
                        None => return Outlook::Blocked,
                    }
                }
                Step::Mark(moment) => {
                    moment.reach(start);
                    start
                }
                Step::Do(_) => start,
            };
            state.ends = None;
            state.hosted = None;
            state.free_at = end;
            // Off the queue before it runs, and done whatever it does: should it panic, all else goes on.
            let task = state.waiting.pop_front();
            let _done = Done(&self.done);
            if let Some(Task { step: Step::Do(job), .. }) = task
                && error == 0
            {
                job();
            }
        }
    }
}

/// Counts a task as done once it is out of scope.
struct Done<'a>(&'a AtomicU64);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
