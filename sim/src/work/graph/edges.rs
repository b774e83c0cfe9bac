//! Edges: which node comes after which, and what an edge says beyond that.

use cudarc::driver::sys::{CUgraph, CUgraphEdgeData, CUgraphNode};

use super::{Graph, Kind, NODES, Node, named, node};
use crate::api::{Call, E, R, given, put, put_opt, take_many};
use crate::work::capture::Dependency;
use crate::work::locked;

/// `CUgraphEdgeData`, whatever the program wrote there.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EdgeData {
    from_port: u8,
    to_port: u8,
    kind: u8,
    reserved: [u8; 5],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub from: usize,
    pub to: usize,
    pub data: EdgeData,
}

impl EdgeData {
    /// Ports are a kernel's affair, and only a kernel can start before another has ended.
    fn check(&self, from: &Node) -> R {
        const PROGRAMMATIC: u8 = 1;
        let from_kernel = matches!(*locked(&from.kind), Kind::Kernel(_));
        let fine = self.reserved == [0; 5]
            && self.to_port == 0
            && self.kind <= PROGRAMMATIC
            && self.from_port <= 2
            && (self.from_port == 0 || from_kernel)
            && (self.kind != PROGRAMMATIC || self.from_port != 0);
        if fine { Ok(()) } else { Err(E::INVALID_VALUE) }
    }
}

fn edge_data(from: *const CUgraphEdgeData, count: usize) -> Result<Vec<EdgeData>, E> {
    if from.is_null() {
        Ok(vec![EdgeData::default(); count])
    } else {
        take_many(from.cast(), count)
    }
}

impl Graph {
    /// The caller's list of nodes to come after: all of this graph, none of them twice.
    pub fn dependencies(
        &self,
        nodes: *const CUgraphNode,
        data: *const CUgraphEdgeData,
        count: usize,
    ) -> Result<Vec<Dependency>, E> {
        let mut found = Vec::<Dependency>::with_capacity(count.min(1 << 16));
        for (handle, data) in take_many(nodes, count)?.into_iter().zip(edge_data(data, count)?) {
            data.check(&*self.own(handle)?)?;
            found.push((handle as usize, data));
        }
        let mut sorted: Vec<usize> = found.iter().map(|(node, _)| *node).collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            Err(E::INVALID_VALUE)
        } else {
            Ok(found)
        }
    }

    fn own(&self, handle: CUgraphNode) -> Result<std::sync::Arc<Node>, E> {
        NODES
            .get(handle as usize)
            .filter(|node| node.graph.as_ptr() == &raw const *self)
            .ok_or(E::INVALID_VALUE)
    }

    fn pairs(
        &self,
        from: *const CUgraphNode,
        to: *const CUgraphNode,
        data: *const CUgraphEdgeData,
        count: usize,
    ) -> Result<Vec<Edge>, E> {
        let ends = take_many(from, count)?.into_iter().zip(take_many(to, count)?);
        ends.zip(edge_data(data, count)?)
            .map(|((from, to), data)| {
                data.check(&*self.own(from)?)?;
                self.own(to)?;
                if from == to {
                    Err(E::INVALID_VALUE)
                } else {
                    Ok(Edge { from: from as usize, to: to as usize, data })
                }
            })
            .collect()
    }
}

pub fn add_dependencies(
    call: &Call,
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    count: usize,
) -> R {
    add_dependencies_v2(call, graph, from, to, std::ptr::null(), count)
}

pub fn add_dependencies_v2(
    _: &Call,
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    data: *const CUgraphEdgeData,
    count: usize,
) -> R {
    let graph = named(graph)?;
    let more = graph.pairs(from, to, data, count)?;
    let mut parts = locked(&graph.parts);
    let known = |edge: &Edge, edges: &[Edge]| {
        edges.iter().any(|old| (old.from, old.to) == (edge.from, edge.to))
    };
    if more
        .iter()
        .enumerate()
        .any(|(at, edge)| known(edge, &parts.edges) || known(edge, &more[..at]))
    {
        return Err(E::INVALID_VALUE);
    }
    parts.edges.extend(more);
    Ok(())
}

pub fn remove_dependencies(
    call: &Call,
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    count: usize,
) -> R {
    remove_dependencies_v2(call, graph, from, to, std::ptr::null(), count)
}

pub fn remove_dependencies_v2(
    _: &Call,
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    data: *const CUgraphEdgeData,
    count: usize,
) -> R {
    let graph = named(graph)?;
    let fewer = graph.pairs(from, to, data, count)?;
    if count > 0 && graph.has_memory_nodes() {
        return Err(E::INVALID_VALUE);
    }
    let mut parts = locked(&graph.parts);
    if fewer.iter().any(|edge| !parts.edges.contains(edge)) {
        return Err(E::INVALID_VALUE);
    }
    parts.edges.retain(|edge| !fewer.contains(edge));
    Ok(())
}

pub fn get_edges(
    call: &Call,
    graph: CUgraph,
    from: *mut CUgraphNode,
    to: *mut CUgraphNode,
    count: *mut usize,
) -> R {
    get_edges_v2(call, graph, from, to, std::ptr::null_mut(), count)
}

pub fn get_edges_v2(
    _: &Call,
    graph: CUgraph,
    from: *mut CUgraphNode,
    to: *mut CUgraphNode,
    data: *mut CUgraphEdgeData,
    count: *mut usize,
) -> R {
    given(count)?;
    let edges = locked(&named(graph)?.parts).edges.clone();
    if from.is_null() != to.is_null() || (from.is_null() && !data.is_null()) {
        return Err(E::INVALID_VALUE);
    }
    lossless(&edges, from.is_null(), data)?;
    let room = if from.is_null() { None } else { Some(crate::api::take(count)?) };
    list(from, room, edges.iter().map(|edge| edge.from as CUgraphNode))?;
    list(to, room, edges.iter().map(|edge| edge.to as CUgraphNode))?;
    list(data.cast::<EdgeData>(), room, edges.iter().map(|edge| edge.data))?;
    put(count, room.map_or(edges.len(), |room| room.min(edges.len())))
}

/// Edge data may be left out only where there is none.
fn lossless(edges: &[Edge], only_counting: bool, data: *mut CUgraphEdgeData) -> R {
    let some = edges.iter().any(|edge| edge.data != EdgeData::default());
    if some && data.is_null() && !only_counting { Err(E::LOSSY_QUERY) } else { Ok(()) }
}

/// Fills the caller's array, the rest of it with nulls.
pub(super) fn list<T: Copy>(to: *mut T, room: Option<usize>, items: impl Iterator<Item = T>) -> R {
    let Some(room) = room.filter(|_| !to.is_null()) else { return Ok(()) };
    // SAFETY: all-zero bytes are a value of the plain types listed here: null handles and edge data.
    let none = || unsafe { std::mem::zeroed::<T>() };
    for (at, item) in items.chain(std::iter::repeat_with(none)).take(room).enumerate() {
        put(to.wrapping_add(at), item)?;
    }
    Ok(())
}

pub fn dependencies(
    call: &Call,
    handle: CUgraphNode,
    out: *mut CUgraphNode,
    count: *mut usize,
) -> R {
    dependencies_v2(call, handle, out, std::ptr::null_mut(), count)
}

pub fn dependencies_v2(
    _: &Call,
    handle: CUgraphNode,
    out: *mut CUgraphNode,
    data: *mut CUgraphEdgeData,
    count: *mut usize,
) -> R {
    neighbours(handle, out, data, count, |edge| (edge.to, edge.from))
}

pub fn dependents(call: &Call, handle: CUgraphNode, out: *mut CUgraphNode, count: *mut usize) -> R {
    dependents_v2(call, handle, out, std::ptr::null_mut(), count)
}

pub fn dependents_v2(
    _: &Call,
    handle: CUgraphNode,
    out: *mut CUgraphNode,
    data: *mut CUgraphEdgeData,
    count: *mut usize,
) -> R {
    neighbours(handle, out, data, count, |edge| (edge.from, edge.to))
}

fn neighbours(
    handle: CUgraphNode,
    out: *mut CUgraphNode,
    data: *mut CUgraphEdgeData,
    count: *mut usize,
    ends: impl Fn(&Edge) -> (usize, usize),
) -> R {
    given(count)?;
    let node = node(handle)?;
    let graph = node.graph.upgrade().ok_or(E::INVALID_VALUE)?;
    let mut edges = locked(&graph.parts).edges.clone();
    edges.retain(|edge| ends(edge).0 == node.handle);
    if out.is_null() && !data.is_null() {
        return Err(E::INVALID_VALUE);
    }
    lossless(&edges, out.is_null(), data)?;
    let room = if out.is_null() { None } else { Some(crate::api::take(count)?) };
    list(out, room, edges.iter().map(|edge| ends(edge).1 as CUgraphNode))?;
    list(data.cast::<EdgeData>(), room, edges.iter().map(|edge| edge.data))?;
    put_opt(count, room.map_or(edges.len(), |room| room.min(edges.len())));
    Ok(())
}
