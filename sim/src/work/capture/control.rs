//! Beginning and ending a capture.

use std::collections::{HashMap, HashSet};
use std::ffi::c_uint;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use cudarc::driver::sys::{CUgraph, CUgraphEdgeData, CUgraphNode, CUstream};

use super::{ACTIVE, COUNT, Capture, Dependency, Mode, NEXT_ID, of};
use crate::api::{Call, E, R, given, put};
use crate::work::graph::{self, Graph};
use crate::work::locked;
use crate::work::stream::{Kind, Stream, named};

/// CUDA 10.0 knew one mode.
pub fn begin_v1(call: &Call, stream: CUstream) -> R {
    begin(call, stream, Mode::Global as c_uint)
}

pub fn begin(call: &Call, stream: CUstream, mode: c_uint) -> R {
    let mode = Mode::read(mode)?;
    let stream = capturable(call, stream)?;
    start(&stream, mode, Graph::captured(), false, Vec::new());
    Ok(())
}

pub fn begin_to_graph(
    call: &Call,
    stream: CUstream,
    graph: CUgraph,
    nodes: *const CUgraphNode,
    edges: *const CUgraphEdgeData,
    count: usize,
    mode: c_uint,
) -> R {
    let mode = Mode::read(mode)?;
    let graph = graph::named(graph)?;
    let after = graph.dependencies(nodes, edges, count)?;
    let stream = capturable(call, stream)?;
    graph.lend()?;
    start(&stream, mode, graph, true, after);
    Ok(())
}

fn capturable(call: &Call, stream: CUstream) -> Result<Arc<Stream>, E> {
    let stream = named(call, stream)?;
    if stream.kind == Kind::Legacy {
        return Err(E::STREAM_CAPTURE_UNSUPPORTED);
    }
    if of(&stream).is_some() {
        return Err(E::ILLEGAL_STATE);
    }
    Ok(stream)
}

fn start(stream: &Arc<Stream>, mode: Mode, graph: Arc<Graph>, given: bool, after: Vec<Dependency>) {
    let capture = Arc::new(Capture {
        id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        mode,
        thread: thread::current().id(),
        origin: stream.id,
        graph,
        given,
        invalid: AtomicBool::new(false),
        ended: AtomicBool::new(false),
        branches: Mutex::new(HashMap::new()),
    });
    capture.set_after(stream, after);
    *locked(&stream.capture.0) = Some(capture.clone());
    let mut all = locked(&ACTIVE);
    all.push(capture);
    COUNT.store(all.len(), Ordering::Release);
}

pub fn end(call: &Call, stream: CUstream, out: *mut CUgraph) -> R {
    given(out)?;
    let stream = named(call, stream)?;
    put(out, ptr::null_mut())?;
    let capture = of(&stream).ok_or(E::ILLEGAL_STATE)?;
    if capture.origin != stream.id {
        return capture.spoil(E::STREAM_CAPTURE_UNMATCHED);
    }
    if capture.mode != Mode::Relaxed && capture.thread != thread::current().id() {
        return Err(E::STREAM_CAPTURE_WRONG_THREAD);
    }
    let valid = capture.valid();
    let joined = capture.joined(&stream);
    capture.close();
    if valid && joined {
        capture.graph.hand_over();
        return put(out, capture.graph.handle as CUgraph);
    }
    capture.drop_graph();
    Err(if valid { E::STREAM_CAPTURE_UNJOINED } else { E::STREAM_CAPTURE_INVALIDATED })
}

impl Capture {
    /// Whether all work of the other streams comes before the end of the one it began on.
    fn joined(&self, origin: &Stream) -> bool {
        let before: HashSet<usize> =
            self.graph.up_to(self.after(origin).into_iter().map(|(node, _)| node));
        let branches = locked(&self.branches);
        let mut ends = branches.values().flat_map(|branch| &branch.after);
        ends.all(|(node, _)| before.contains(node))
    }

    fn drop_graph(&self) {
        if self.given {
            self.graph.hand_over();
        } else {
            self.graph.dissolve();
        }
    }

    /// Ends it without a graph: nobody is left who could.
    pub(super) fn abandon(&self) {
        self.invalidate();
        self.close();
        self.drop_graph();
    }
}
