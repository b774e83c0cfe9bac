//! Streams: what one is, which one a handle means, and what is submitted to it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, ThreadId};

use cudarc::driver::sys::CUstream;

use super::attributes::Attributes;
use super::queue::{Outlook, Point, Queue, Step};
use super::{capture, engine, locked};
use crate::api::{Call, E, R};
use crate::clock::clock;
use crate::context::Context;
use crate::handles::Table;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Stream 0: waits for every blocking stream, and they wait for it.
    Legacy,
    /// Each thread's own default stream; blocking.
    PerThread,
    Blocking,
    NonBlocking,
}

pub struct Stream {
    /// 0 for default streams, which have no handle of their own.
    pub handle: usize,
    /// Unique for the life of the program.
    pub id: u64,
    pub ctx: Arc<Context>,
    pub kind: Kind,
    pub priority: i32,
    /// The green context it was made for, as a handle; 0 for none.
    pub green: usize,
    pub attributes: Mutex<Attributes>,
    pub capture: capture::Slot,
    queue: Arc<Queue>,
}

static STREAMS: Table<Stream> = Table::new(10);
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// More unfinished tasks than this and submitting waits, as in the driver.
const DEPTH: usize = 1024;

/// The streams of a context.
#[derive(Default)]
pub struct Streams {
    legacy: RwLock<Option<Arc<Stream>>>,
    per_thread: Mutex<HashMap<ThreadId, Arc<Stream>>>,
    created: Mutex<Vec<Arc<Stream>>>,
}

impl Streams {
    /// Stops the work and drops all streams and events: the context is destroyed or reset.
    pub fn destroy(&self, ctx: &Context) {
        capture::context_ended(ctx);
        super::event::context_ended(ctx);
        // What it waits for in vain is skipped: the context is no longer fit to be waited in.
        let all = self.all();
        STREAMS.remove_where(|stream| stream.ctx.id == ctx.id);
        locked(&self.created).clear();
        locked(&self.per_thread).clear();
        *self.legacy.write().unwrap_or_else(PoisonError::into_inner) = None;
        engine::wait(|| all.iter().all(|stream| stream.queue.idle()));
    }

    pub fn all(&self) -> Vec<Arc<Stream>> {
        let mut all = locked(&self.created).clone();
        all.extend(locked(&self.per_thread).values().cloned());
        all.extend(self.legacy());
        all
    }

    fn legacy(&self) -> Option<Arc<Stream>> {
        self.legacy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those that the legacy stream waits for, and that wait for it.
    pub fn blocking(&self) -> Vec<Arc<Stream>> {
        let mut all = locked(&self.created).clone();
        all.retain(|stream| stream.kind == Kind::Blocking);
        all.extend(locked(&self.per_thread).values().cloned());
        all
    }
}

impl Stream {
    fn new(
        ctx: &Arc<Context>,
        kind: Kind,
        priority: i32,
        handle: usize,
        green: usize,
    ) -> Arc<Stream> {
        Arc::new(Stream {
            handle,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            ctx: ctx.clone(),
            kind,
            priority,
            green,
            attributes: Mutex::default(),
            capture: capture::Slot::default(),
            queue: Arc::new(Queue::new(ctx.device.number)),
        })
    }

    pub fn create(ctx: &Arc<Context>, kind: Kind, priority: i32, green: usize) -> Arc<Stream> {
        let stream = Stream::new(ctx, kind, priority, STREAMS.reserve(), green);
        STREAMS.insert_at(stream.handle, stream.clone());
        locked(&ctx.streams.created).push(stream.clone());
        stream
    }

    /// The handle is gone at once; work under way is still done.
    pub fn destroy(handle: CUstream) -> R {
        let stream = STREAMS.remove(handle as usize).ok_or(E::INVALID_HANDLE)?;
        capture::stream_ended(&stream);
        let rest = stream.clone();
        locked(&stream.ctx.streams.created).retain(|other| other.id != rest.id);
        Ok(())
    }

    pub fn is_capturing(&self) -> bool {
        capture::of(self).is_some()
    }

    pub fn blocking(&self) -> bool {
        matches!(self.kind, Kind::Blocking | Kind::PerThread)
    }

    /// Submits steps that belong together, behind what the stream's kind makes them wait for.
    pub fn submit(self: &Arc<Stream>, steps: impl IntoIterator<Item = Step>) {
        self.submit_after(steps, Vec::new());
    }

    pub fn submit_after(
        self: &Arc<Stream>,
        steps: impl IntoIterator<Item = Step>,
        mut after: Vec<Point>,
    ) {
        match self.kind {
            Kind::Legacy => after
                .extend(self.ctx.streams.blocking().iter().filter_map(|other| other.unfinished())),
            Kind::NonBlocking => {}
            Kind::Blocking | Kind::PerThread => {
                after.extend(self.ctx.streams.legacy().and_then(|legacy| legacy.unfinished()));
            }
        }
        if !self.queue.idle() && self.queue.length() >= DEPTH {
            engine::wait(|| self.queue.length() < DEPTH);
        }
        if self.queue.push(steps, after, clock().now(), self.error()) {
            engine::take(self.clone());
        }
    }

    /// The place after all its work, unless that is done.
    fn unfinished(&self) -> Option<Point> {
        if self.queue.idle() { None } else { Some(self.queue.end()) }
    }

    /// The places after all the work this stream's handle stands for.
    pub fn ends(&self) -> Vec<Point> {
        let mut ends: Vec<Point> = self.unfinished().into_iter().collect();
        if self.kind == Kind::Legacy {
            ends.extend(self.ctx.streams.blocking().iter().filter_map(|other| other.unfinished()));
        }
        ends
    }

    /// Whether all of it is done, having looked.
    pub fn finished(self: &Arc<Stream>) -> bool {
        engine::glance();
        self.ends().is_empty()
    }

    pub fn wait(&self) {
        let ends = self.ends();
        engine::wait(|| ends.iter().all(Point::passed));
    }

    pub(super) fn look(&self) -> (bool, Outlook) {
        self.queue.look(clock().now(), self.error())
    }

    pub(super) fn unlist(&self) -> bool {
        self.queue.unlist()
    }

    fn error(&self) -> u32 {
        self.ctx.check().err().map_or(0, |error| error.0)
    }
}

const LEGACY: usize = 1;
const PER_THREAD: usize = 2;

/// The stream a handle means to a caller whose current context is `ctx`.
pub fn resolve(call: &Call, ctx: &Arc<Context>, handle: CUstream) -> Result<Arc<Stream>, E> {
    match handle as usize {
        0 if call.per_thread => Ok(per_thread(ctx)),
        PER_THREAD => Ok(per_thread(ctx)),
        0 | LEGACY => Ok(legacy(ctx)),
        _ => created(handle),
    }
}

/// As [`resolve`], for calls that need a current context only if the handle means a default stream.
pub fn named(call: &Call, handle: CUstream) -> Result<Arc<Stream>, E> {
    if handle as usize <= PER_THREAD {
        resolve(call, &call.ctx()?, handle)
    } else {
        created(handle)
    }
}

fn created(handle: CUstream) -> Result<Arc<Stream>, E> {
    let stream = STREAMS.get(handle as usize).ok_or(E::INVALID_HANDLE)?;
    stream.ctx.check()?;
    Ok(stream)
}

fn legacy(ctx: &Arc<Context>) -> Arc<Stream> {
    ctx.streams.legacy().unwrap_or_else(|| {
        let mut legacy = ctx.streams.legacy.write().unwrap_or_else(PoisonError::into_inner);
        legacy.get_or_insert_with(|| Stream::new(ctx, Kind::Legacy, 0, 0, 0)).clone()
    })
}

fn per_thread(ctx: &Arc<Context>) -> Arc<Stream> {
    let mut streams = locked(&ctx.streams.per_thread);
    streams
        .entry(thread::current().id())
        .or_insert_with(|| Stream::new(ctx, Kind::PerThread, 0, 0, 0))
        .clone()
}
