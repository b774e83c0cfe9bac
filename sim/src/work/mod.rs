//! Work submitted to a context: streams, events, captures, graphs.

pub mod attributes;
pub mod capture;
mod engine;
pub mod event;
pub mod event_share;
pub mod graph;
pub mod host;
mod moment;
pub mod queue;
pub mod stream;
pub mod stream_calls;
mod submit;
pub mod sync;
pub mod values;

pub use stream::{Stream, Streams};
pub use submit::{Op, drain, enqueue, run_sync};
pub use sync::synchronize;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::sys::CUstream;

use crate::api::{Call, E};
use crate::context::Context;

/// The stream a handle means to a caller whose current context is `ctx`.
pub fn stream(call: &Call, ctx: &Arc<Context>, handle: CUstream) -> Result<Arc<Stream>, E> {
    stream::resolve(call, ctx, handle)
}

/// Whether an allocation node's memory is left to others to free: no node of its own graph does.
pub fn graph_allocation_outlives(ptr: u64) -> bool {
    graph::outlives_graph(ptr)
}

/// A panic while a lock was held is answered to its own caller; to the others the state is still good.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
