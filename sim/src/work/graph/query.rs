//! What a program may ask of a graph and its nodes.

use std::ffi::c_uint;

use cudarc::driver::sys::{CUgraph, CUgraphNode};

use super::edges::list;
use super::{Graph, named, node};
use crate::api::{Call, E, R, given, put, take};
use crate::work::locked;

pub fn get_nodes(_: &Call, graph: CUgraph, out: *mut CUgraphNode, count: *mut usize) -> R {
    answer(graph, out, count, |_, _| true)
}

pub fn get_root_nodes(_: &Call, graph: CUgraph, out: *mut CUgraphNode, count: *mut usize) -> R {
    answer(graph, out, count, |graph, node| {
        locked(&graph.parts).edges.iter().all(|edge| edge.to != node)
    })
}

fn answer(
    graph: CUgraph,
    out: *mut CUgraphNode,
    count: *mut usize,
    wanted: impl Fn(&Graph, usize) -> bool,
) -> R {
    given(count)?;
    let graph = named(graph)?;
    let mut nodes: Vec<usize> = locked(&graph.parts).nodes.iter().map(|node| node.handle).collect();
    nodes.retain(|node| wanted(&graph, *node));
    let room = if out.is_null() { None } else { Some(take(count)?) };
    list(out, room, nodes.iter().map(|node| *node as CUgraphNode))?;
    put(count, room.map_or(nodes.len(), |room| room.min(nodes.len())))
}

pub fn node_type(_: &Call, handle: CUgraphNode, out: *mut c_uint) -> R {
    given(out)?;
    let number = locked(&node(handle)?.kind).number();
    put(out, number)
}

pub fn get_id(_: &Call, graph: CUgraph, out: *mut c_uint) -> R {
    given(out)?;
    put(out, named(graph)?.id)
}

pub fn node_local_id(_: &Call, handle: CUgraphNode, out: *mut c_uint) -> R {
    given(out)?;
    put(out, node(handle)?.local)
}

/// Graph and node in one number, as tools see it.
pub fn node_tools_id(_: &Call, handle: CUgraphNode, out: *mut u64) -> R {
    given(out)?;
    let node = node(handle)?;
    let graph = node.graph.upgrade().ok_or(E::INVALID_VALUE)?;
    put(out, u64::from(graph.id) << 32 | u64::from(node.local))
}

pub fn node_graph(_: &Call, handle: CUgraphNode, out: *mut CUgraph) -> R {
    given(out)?;
    let graph = node(handle)?.graph.upgrade().ok_or(E::INVALID_VALUE)?;
    put(out, graph.handle as CUgraph)
}
