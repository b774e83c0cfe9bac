//! Events: marks in streams, and the times at which the device passed them.

use std::ffi::c_uint;
use std::sync::{Arc, Mutex};

use cudarc::driver::sys::{CUevent, CUstream};

use super::capture::{self, Capture, Dependency};
use super::event_share::Shared;
use super::moment::Moment;
use super::queue::Step;
use super::stream;
use super::{engine, locked};
use crate::api::{Call, E, R, given, put};
use crate::clock::clock;
use crate::context::Context;
use crate::done::{Done, did};
use crate::handles::Table;
use crate::memory;

pub struct Event {
    pub handle: usize,
    pub ctx: Arc<Context>,
    timing: bool,
    pub last: Mutex<Last>,
    /// Its state for other processes too, once it has been shared.
    pub(super) shared: Option<Shared>,
}

/// What was recorded last.
#[derive(Clone)]
pub enum Last {
    Never,
    /// One mark, or one in each stream of a context.
    Recorded(Vec<Arc<Moment>>),
    /// No work, but a place in a graph.
    Captured(Arc<Capture>, Vec<Dependency>),
}

static EVENTS: Table<Event> = Table::new(11);

const BLOCKING_SYNC: c_uint = 1;
const DISABLE_TIMING: c_uint = 2;
const INTERPROCESS: c_uint = 4;
/// Record and wait: as a node of the graph rather than an edge.
const EXTERNAL: c_uint = 1;

impl Event {
    pub(super) fn make(ctx: &Arc<Context>, timing: bool, shared: Option<Shared>) -> CUevent {
        let handle = EVENTS.reserve();
        let event =
            Event { handle, ctx: ctx.clone(), timing, last: Mutex::new(Last::Never), shared };
        EVENTS.insert_at(handle, Arc::new(event));
        handle as CUevent
    }

    /// A mark to be submitted; from here on the event means it.
    pub fn record_step(&self) -> Step {
        let (moment, step) = self.shared.as_ref().map_or_else(
            || {
                let moment = Arc::<Moment>::default();
                (moment.clone(), Step::Mark(moment))
            },
            Shared::record_step,
        );
        *locked(&self.last) = Last::Recorded(vec![moment]);
        step
    }

    /// Waits for what is recorded now; `None` if there is nothing left to wait for.
    pub fn wait_step(&self) -> Option<Step> {
        if let Some(shared) = &self.shared {
            return shared.wait_step();
        }
        let Last::Recorded(moments) = locked(&self.last).clone() else { return None };
        Some(Step::Until(Box::new(move || when(&moments))))
    }

    /// Whether the work recorded is done; an error if it never will be, being captured.
    fn passed(&self) -> Result<bool, E> {
        if let Some(shared) = &self.shared {
            return Ok(shared.passed());
        }
        match &*locked(&self.last) {
            Last::Never => Ok(true),
            Last::Recorded(moments) => Ok(when(moments).is_some()),
            Last::Captured(capture, _) => {
                capture.disturb();
                Err(E::CAPTURED_EVENT)
            }
        }
    }

    fn time(&self) -> Result<u64, E> {
        if !self.timing {
            return Err(E::INVALID_HANDLE);
        }
        match &*locked(&self.last) {
            Last::Never => Err(E::INVALID_HANDLE),
            Last::Recorded(moments) => when(moments).ok_or(E::NOT_READY),
            Last::Captured(..) => Err(E::CAPTURED_EVENT),
        }
    }
}

/// When the last of them was reached, if all were.
fn when(moments: &[Arc<Moment>]) -> Option<u64> {
    moments.iter().try_fold(0, |latest, moment| Some(moment.reached()?.max(latest)))
}

pub fn named(handle: CUevent) -> Result<Arc<Event>, E> {
    EVENTS.get(handle as usize).ok_or(E::INVALID_HANDLE)
}

pub(super) fn context_ended(ctx: &Context) {
    EVENTS.remove_where(|event| event.ctx.id == ctx.id);
}

pub fn create(call: &Call, out: *mut CUevent, flags: c_uint) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    if flags & !(BLOCKING_SYNC | DISABLE_TIMING | INTERPROCESS) != 0 {
        return Err(E::INVALID_VALUE);
    }
    let timing = flags & DISABLE_TIMING == 0;
    if flags & INTERPROCESS == 0 {
        return put(out, Event::make(&ctx, timing, None));
    }
    if timing {
        return Err(E::INVALID_VALUE);
    }
    put(out, Event::make(&ctx, timing, Some(Shared::create()?)))
}

/// Work that still waits for it goes on waiting.
pub fn destroy(_: &Call, event: CUevent) -> R {
    EVENTS.remove(event as usize).ok_or(E::INVALID_HANDLE).map(|_| ())
}

pub fn record(call: &Call, event: CUevent, stream: CUstream) -> R {
    record_with_flags(call, event, stream, 0)
}

pub fn record_with_flags(call: &Call, event: CUevent, stream: CUstream, flags: c_uint) -> R {
    if flags > EXTERNAL {
        return Err(E::INVALID_VALUE);
    }
    let event = named(event)?;
    let stream = stream::named(call, stream)?;
    if event.ctx.id != stream.ctx.id {
        return Err(E::INVALID_HANDLE);
    }
    if !capture::record(&stream, &event, flags == EXTERNAL)? {
        stream.submit([event.record_step()]);
    }
    Ok(())
}

/// `cuStreamWaitEvent`
pub fn wait(call: &Call, stream: CUstream, event: CUevent, flags: c_uint) -> R {
    if flags > EXTERNAL {
        return Err(E::INVALID_VALUE);
    }
    let event = named(event)?;
    let stream = stream::named(call, stream)?;
    if !capture::wait(&stream, &event, flags == EXTERNAL)? {
        stream.submit(event.wait_step());
    }
    Ok(())
}

/// Marks every stream of the context.
pub fn record_context(ctx: &Arc<Context>, event: CUevent) -> R {
    let event = named(event)?;
    if event.ctx.id != ctx.id {
        return Err(E::INVALID_HANDLE);
    }
    capture::context_use(ctx)?;
    let mut moments = Vec::new();
    for stream in ctx.streams.all() {
        let moment = Arc::<Moment>::default();
        stream.submit([Step::Mark(moment.clone())]);
        moments.push(moment);
    }
    if moments.is_empty() {
        let now = Moment::default();
        now.reach(clock().now());
        moments.push(Arc::new(now));
    }
    *locked(&event.last) = Last::Recorded(moments);
    Ok(())
}

/// Makes every stream of the context wait.
pub fn wait_context(ctx: &Arc<Context>, event: CUevent) -> R {
    let event = named(event)?;
    capture::events_wait(ctx, &event)?;
    for stream in ctx.streams.all() {
        stream.submit(event.wait_step());
    }
    Ok(())
}

/// Asking after the work itself is unsafe while captures go on; see [`capture::unsafe_call`].
fn asked(event: CUevent) -> Result<Arc<Event>, E> {
    let event = named(event)?;
    event.ctx.check()?;
    event.passed()?;
    capture::unsafe_call(&event.ctx)?;
    Ok(event)
}

pub fn query(_: &Call, event: CUevent) -> R {
    let event = asked(event)?;
    engine::glance();
    let passed = event.passed()?;
    event.ctx.check()?;
    if passed { Ok(()) } else { Err(E::NOT_READY) }
}

pub fn synchronize(_: &Call, event: CUevent) -> R {
    let event = asked(event)?;
    engine::wait(|| event.passed().unwrap_or(true));
    event.ctx.check()?;
    memory::synchronized(event.ctx.device.number);
    did(Done::Waits);
    Ok(())
}

/// The device's clock ticks every half microsecond.
const TICK: u64 = 500;

pub fn elapsed(_: &Call, out: *mut f32, start: CUevent, end: CUevent) -> R {
    given(out)?;
    let (start, end) = (named(start)?, named(end)?);
    if start.ctx.id != end.ctx.id {
        return Err(E::INVALID_HANDLE);
    }
    start.ctx.check()?;
    engine::glance();
    // A missing record outweighs one that is not done.
    let (first, last) = match (start.time(), end.time()) {
        (Err(E::NOT_READY), Err(why)) => return Err(why),
        (first, last) => (first?, last?),
    };
    put(out, milliseconds(first, last))
}

fn milliseconds(first: u64, last: u64) -> f32 {
    let ticks = (last / TICK) as i64 - (first / TICK) as i64;
    (ticks as f64 * TICK as f64 / 1e6) as f32
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn time_is_counted_in_half_microseconds() {
        assert_eq!(milliseconds(0, 499), 0.0);
        assert_eq!(milliseconds(499, 500), 0.0005);
        assert_eq!(milliseconds(1_000_000, 3_250_700), 2.2505);
        assert_eq!(milliseconds(2_000_000, 1_000_000), -1.0);
    }

    #[test]
    fn long_times_are_as_coarse_as_a_float() {
        // 24 bits: past 8192 s a millisecond is no longer exact to a tick.
        assert_eq!(milliseconds(0, 16_777_217_000_000), 16_777_216.0);
    }
}
