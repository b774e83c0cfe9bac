//! Stream capture: work given to a stream becomes nodes of a graph instead.
//!
//! A capture spreads to every stream that waits for one of its events. Whatever would tie captured
//! work to work that really runs is refused, and invalidates the captures concerned.

mod control;
mod info;
mod join;
mod modes;

pub use control::*;
pub use info::*;
pub use join::{events_wait, record, wait};
pub use modes::{Mode, exchange, unsafe_call};

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use super::graph::{EdgeData, Graph, Kind};
use super::locked;
use super::stream::{self, Stream};
use crate::api::{E, R};
use crate::context::Context;
use crate::device::Device;
use crate::memory::graph_mem;

/// A node the next one depends on, and how.
pub type Dependency = (usize, EdgeData);

pub struct Capture {
    pub id: u64,
    mode: Mode,
    thread: ThreadId,
    /// The stream it was begun on, by its id.
    origin: u64,
    pub graph: Arc<Graph>,
    /// The program gave the graph, and keeps it whatever happens.
    given: bool,
    invalid: AtomicBool,
    ended: AtomicBool,
    branches: Mutex<HashMap<u64, Branch>>,
}

/// One stream's part in a capture.
struct Branch {
    stream: Arc<Stream>,
    after: Vec<Dependency>,
    /// What the program was last shown of `after`; the arrays are the driver's.
    shown: info::Shown,
}

/// A stream's place to note that it is being captured.
#[derive(Default)]
pub struct Slot(Mutex<Option<Arc<Capture>>>);

static ACTIVE: Mutex<Vec<Arc<Capture>>> = Mutex::new(Vec::new());
/// How many are in `ACTIVE`; nearly always none, and then no call has to look further.
static COUNT: AtomicUsize = AtomicUsize::new(0);
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

fn active() -> Vec<Arc<Capture>> {
    if COUNT.load(Ordering::Acquire) == 0 { Vec::new() } else { locked(&ACTIVE).clone() }
}

impl Capture {
    pub fn valid(&self) -> bool {
        !self.invalid.load(Ordering::Acquire)
    }

    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn invalidate(&self) {
        self.invalid.store(true, Ordering::Release);
    }

    /// Something asked after work that only exists as a graph.
    pub fn disturb(&self) {
        if !self.ended() {
            self.invalidate();
        }
    }

    /// Invalidates the capture and says why.
    fn spoil<T>(&self, why: E) -> Result<T, E> {
        self.invalidate();
        Err(why)
    }

    fn touches(&self, concerned: impl Fn(&Stream) -> bool) -> bool {
        locked(&self.branches).values().any(|branch| concerned(&branch.stream))
    }

    fn after(&self, stream: &Stream) -> Vec<Dependency> {
        locked(&self.branches)
            .get(&stream.id)
            .map(|branch| branch.after.clone())
            .unwrap_or_default()
    }

    fn set_after(&self, stream: &Arc<Stream>, after: Vec<Dependency>) {
        let mut branches = locked(&self.branches);
        let branch = branches.entry(stream.id).or_insert_with(|| Branch {
            stream: stream.clone(),
            after: Vec::new(),
            shown: info::Shown::default(),
        });
        branch.after = after;
    }

    /// The stream's next piece of work, as a node behind its last ones.
    pub fn add(&self, stream: &Arc<Stream>, kind: Kind) -> Result<usize, E> {
        let node = match self.graph.add(kind, &self.after(stream)) {
            Ok(node) => node,
            Err(why) => return self.spoil(why),
        };
        self.set_after(stream, vec![(node, EdgeData::default())]);
        Ok(node)
    }

    /// Takes its streams out of capture mode.
    fn close(&self) {
        self.ended.store(true, Ordering::Release);
        let mut all = locked(&ACTIVE);
        all.retain(|other| other.id != self.id);
        COUNT.store(all.len(), Ordering::Release);
        drop(all);
        for branch in locked(&self.branches).drain().map(|(_, branch)| branch) {
            *locked(&branch.stream.capture.0) = None;
        }
    }
}

/// The capture the stream is part of, whatever its state.
pub fn of(stream: &Stream) -> Option<Arc<Capture>> {
    if COUNT.load(Ordering::Acquire) == 0 {
        return None;
    }
    locked(&stream.capture.0).clone()
}

/// Where work given to this stream goes: into a capture, or nowhere special.
///
/// The legacy stream stands for every blocking one, so it is out of use while one of them is captured.
pub fn route(stream: &Stream) -> Result<Option<Arc<Capture>>, E> {
    if stream.kind == stream::Kind::Legacy {
        legacy_use(&stream.ctx)?;
    }
    match of(stream) {
        Some(capture) if !capture.valid() => Err(E::STREAM_CAPTURE_INVALIDATED),
        capture => Ok(capture),
    }
}

/// For work that no graph can hold.
pub fn refuse(stream: &Stream) -> R {
    match route(stream)? {
        Some(capture) => capture.spoil(E::STREAM_CAPTURE_UNSUPPORTED),
        None => Ok(()),
    }
}

fn in_the_way_of_legacy(ctx: &Context) -> Vec<Arc<Capture>> {
    let mut found = active();
    found.retain(|capture| capture.touches(|stream| stream.ctx.id == ctx.id && stream.blocking()));
    found
}

/// Refuses use of the legacy stream while a blocking stream of the context is captured.
pub fn legacy_use(ctx: &Context) -> R {
    refuse_all(in_the_way_of_legacy(ctx), E::STREAM_CAPTURE_IMPLICIT)
}

/// Refuses what stands for the whole context while any of its streams is captured.
pub fn context_use(ctx: &Context) -> R {
    let mut found = active();
    found.retain(|capture| capture.touches(|stream| stream.ctx.id == ctx.id));
    refuse_all(found, E::STREAM_CAPTURE_UNSUPPORTED)
}

fn refuse_all(captures: Vec<Arc<Capture>>, why: E) -> R {
    captures.iter().for_each(|capture| capture.invalidate());
    if captures.is_empty() { Ok(()) } else { Err(why) }
}

/// The stream is gone: without the one it was begun on, a capture cannot be ended.
pub fn stream_ended(stream: &Stream) {
    if let Some(capture) = of(stream)
        && capture.origin == stream.id
    {
        capture.abandon();
    }
}

pub fn context_ended(ctx: &Context) {
    for capture in active() {
        if capture.touches(|stream| stream.ctx.id == ctx.id) {
            capture.abandon();
        }
    }
}

/// A stream-ordered allocation of a captured stream; `None` if it is not captured.
pub fn alloc(stream: &Arc<Stream>, device: &Device, bytes: usize) -> Option<Result<u64, E>> {
    let capture = match route(stream) {
        Ok(None) => return None,
        Ok(Some(capture)) => capture,
        Err(why) => return Some(Err(why)),
    };
    Some(graph_mem::reserve(device, bytes).and_then(|ptr| {
        let added = capture.add(stream, Kind::alloc(device, ptr, bytes));
        added.map(|_| ptr).inspect_err(|_| graph_mem::forget(ptr))
    }))
}

/// The same for a free.
pub fn free(stream: &Arc<Stream>, ptr: u64) -> Option<R> {
    match route(stream) {
        Ok(None) => None,
        Ok(Some(capture)) => Some(capture.add(stream, Kind::Free(ptr)).map(|_| ())),
        Err(why) => Some(Err(why)),
    }
}
