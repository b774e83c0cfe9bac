//! What a program may ask of a stream's capture, and change of its dependencies.

use std::ffi::c_uint;
use std::ptr;
use std::sync::Arc;

use cudarc::driver::sys::{CUgraph, CUgraphEdgeData, CUgraphNode, CUstream};

use super::{Capture, in_the_way_of_legacy, of};
use crate::api::{Call, E, R, given, put, put_opt};
use crate::work::graph::EdgeData;
use crate::work::locked;
use crate::work::stream::{Kind, Stream, named};

const NONE: c_uint = 0;
const ACTIVE: c_uint = 1;
const INVALIDATED: c_uint = 2;

/// Arrays lent to the program until the stream is used again.
#[derive(Default)]
pub struct Shown {
    nodes: Vec<usize>,
    edges: Vec<EdgeData>,
}

struct Asked {
    stream: Arc<Stream>,
    capture: Option<Arc<Capture>>,
    status: c_uint,
}

/// Asking does no harm, but the legacy stream has no answer while a blocking one is captured.
fn asked(call: &Call, stream: CUstream) -> Result<Asked, E> {
    let stream = named(call, stream)?;
    if stream.kind == Kind::Legacy && !in_the_way_of_legacy(&stream.ctx).is_empty() {
        return Err(E::STREAM_CAPTURE_IMPLICIT);
    }
    let capture = of(&stream);
    let status = match &capture {
        None => NONE,
        Some(capture) if capture.valid() => ACTIVE,
        Some(_) => INVALIDATED,
    };
    Ok(Asked { stream, capture, status })
}

pub fn is_capturing(call: &Call, stream: CUstream, status: *mut c_uint) -> R {
    given(status)?;
    put(status, asked(call, stream)?.status)
}

pub fn info_v1(call: &Call, stream: CUstream, status: *mut c_uint, id: *mut u64) -> R {
    info_v2(call, stream, status, id, ptr::null_mut(), ptr::null_mut(), ptr::null_mut())
}

pub fn info_v2(
    call: &Call,
    stream: CUstream,
    status: *mut c_uint,
    id: *mut u64,
    graph: *mut CUgraph,
    nodes: *mut *const CUgraphNode,
    count: *mut usize,
) -> R {
    info_v3(call, stream, status, id, graph, nodes, ptr::null_mut(), count)
}

pub fn info_v3(
    call: &Call,
    stream: CUstream,
    status: *mut c_uint,
    id: *mut u64,
    graph: *mut CUgraph,
    nodes: *mut *const CUgraphNode,
    edges: *mut *const CUgraphEdgeData,
    count: *mut usize,
) -> R {
    given(status)?;
    if nodes.is_null() && !edges.is_null() {
        return Err(E::INVALID_VALUE);
    }
    let Asked { stream, capture, status: state } = asked(call, stream)?;
    put(status, state)?;
    let Some(capture) = capture.filter(|_| state == ACTIVE) else { return Ok(()) };
    put_opt(id, capture.id);
    put_opt(graph, capture.graph.handle as CUgraph);
    let mut branches = locked(&capture.branches);
    let Some(branch) = branches.get_mut(&stream.id) else { return Ok(()) };
    let annotated = branch.after.iter().any(|(_, edge)| *edge != EdgeData::default());
    if annotated && !nodes.is_null() && edges.is_null() {
        return Err(E::LOSSY_QUERY);
    }
    let (nodes_now, edges_now) = branch.after.iter().copied().unzip();
    branch.shown = Shown { nodes: nodes_now, edges: edges_now };
    put_opt(nodes, branch.shown.nodes.as_ptr().cast());
    put_opt(edges, branch.shown.edges.as_ptr().cast());
    put_opt(count, branch.after.len());
    Ok(())
}

pub fn update(
    call: &Call,
    stream: CUstream,
    nodes: *mut CUgraphNode,
    count: usize,
    flags: c_uint,
) -> R {
    update_v2(call, stream, nodes, ptr::null(), count, flags)
}

pub fn update_v2(
    call: &Call,
    stream: CUstream,
    nodes: *mut CUgraphNode,
    edges: *const CUgraphEdgeData,
    count: usize,
    flags: c_uint,
) -> R {
    const REPLACE: c_uint = 1;
    let Asked { stream, capture, status } = asked(call, stream)?;
    let capture = capture.ok_or(E::ILLEGAL_STATE)?;
    if status == INVALIDATED {
        return Err(E::STREAM_CAPTURE_INVALIDATED);
    }
    if flags > REPLACE {
        return Err(E::INVALID_VALUE);
    }
    let given = capture.graph.dependencies(nodes, edges, count)?;
    let mut after = if flags == REPLACE { Vec::new() } else { capture.after(&stream) };
    for dependency in given {
        if !after.contains(&dependency) {
            after.push(dependency);
        }
    }
    capture.set_after(&stream, after);
    Ok(())
}
