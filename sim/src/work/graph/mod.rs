//! Graphs: work described by nodes and edges, kept to be run later, any number of times.

mod add;
mod clone;
mod conditional;
mod dot;
mod edges;
mod exec;
mod exec_params;
mod generic;
mod kind;
mod launch;
mod memory;
mod objects;
mod params;
mod query;
mod update;

pub use add::*;
pub use clone::*;
pub use conditional::*;
pub use dot::*;
pub use edges::*;
pub use exec::*;
pub use exec_params::*;
pub use generic::*;
pub use kind::{HostCall, Kind, fallible};
pub use launch::*;
pub use memory::outlives_graph;
pub use objects::*;
pub use params::*;
pub use query::*;
pub use update::*;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use cudarc::driver::sys::{CUgraph, CUgraphNode};

use super::capture::Dependency;
use super::locked;
use crate::api::{Call, E, R, given, put};
use crate::handles::Table;

pub struct Graph {
    pub handle: usize,
    pub id: u32,
    held_by: Mutex<Holder>,
    parts: Mutex<Parts>,
    objects: Mutex<Held>,
    /// Executable graphs made of it and not yet destroyed.
    execs: AtomicU32,
    next_node: AtomicU32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Program,
    /// Being captured into; it can neither be destroyed nor instantiated meanwhile.
    Capture,
    /// Embedded in a node of another graph, and destroyed with it.
    Parent,
}

#[derive(Default)]
struct Parts {
    /// In the order they were added.
    nodes: Vec<Arc<Node>>,
    edges: Vec<Edge>,
}

pub struct Node {
    pub handle: usize,
    pub graph: Weak<Graph>,
    /// Its number within the graph, kept by clones.
    pub local: u32,
    pub kind: Mutex<Kind>,
    /// The node it was cloned from, 0 for none.
    original: usize,
    attributes: Mutex<HashMap<u32, params::AttributeValue>>,
}

static GRAPHS: Table<Graph> = Table::new(20);
static NODES: Table<Node> = Table::new(21);
static NEXT_ID: AtomicU32 = AtomicU32::new(1);
static NEXT_CONDITION: AtomicU64 = AtomicU64::new(1);

impl Graph {
    fn new(held_by: Holder) -> Arc<Graph> {
        let graph = Arc::new(Graph {
            handle: GRAPHS.reserve(),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            held_by: Mutex::new(held_by),
            parts: Mutex::default(),
            objects: Mutex::default(),
            execs: AtomicU32::new(0),
            next_node: AtomicU32::new(0),
        });
        GRAPHS.insert_at(graph.handle, graph.clone());
        graph
    }

    /// An empty graph for a capture.
    pub fn captured() -> Arc<Graph> {
        Graph::new(Holder::Capture)
    }

    /// Lends the program's graph to a capture.
    pub fn lend(&self) -> R {
        self.pass(Holder::Program, Holder::Capture)
    }

    /// A capture's graph is the program's (again).
    pub fn hand_over(&self) {
        *locked(&self.held_by) = Holder::Program;
    }

    fn pass(&self, from: Holder, to: Holder) -> R {
        let mut held_by = locked(&self.held_by);
        if *held_by != from {
            return Err(E::INVALID_VALUE);
        }
        *held_by = to;
        Ok(())
    }

    /// Adds a node behind others of this graph.
    pub fn add(self: &Arc<Graph>, kind: Kind, after: &[Dependency]) -> Result<usize, E> {
        let local = self.next_node.fetch_add(1, Ordering::Relaxed);
        self.add_as(kind, after, local, 0)
    }

    fn add_as(
        self: &Arc<Graph>,
        kind: Kind,
        after: &[Dependency],
        local: u32,
        original: usize,
    ) -> Result<usize, E> {
        kind.admit(self)?;
        let node = Arc::new(Node {
            handle: NODES.reserve(),
            graph: Arc::downgrade(self),
            local,
            kind: Mutex::new(kind),
            original,
            attributes: Mutex::default(),
        });
        let handle = node.handle;
        let mut parts = locked(&self.parts);
        parts.edges.extend(after.iter().map(|(from, data)| Edge {
            from: *from,
            to: handle,
            data: *data,
        }));
        parts.nodes.push(node.clone());
        NODES.insert_at(handle, node);
        Ok(handle)
    }

    /// The given nodes and all that come before them.
    pub fn up_to(&self, ends: impl IntoIterator<Item = usize>) -> HashSet<usize> {
        let parts = locked(&self.parts);
        let mut before = HashMap::<usize, Vec<usize>>::new();
        for edge in &parts.edges {
            before.entry(edge.to).or_default().push(edge.from);
        }
        let mut found = HashSet::new();
        let mut left: Vec<usize> = ends.into_iter().collect();
        while let Some(node) = left.pop() {
            if found.insert(node) {
                left.extend(before.get(&node).into_iter().flatten());
            }
        }
        found
    }

    /// Whether it has nodes that allocate or free: then it may not be cloned, cut or embedded.
    fn has_memory_nodes(&self) -> bool {
        self.any_kind(|kind| matches!(kind, Kind::Alloc(_) | Kind::Free(_)))
    }

    fn any_kind(&self, is: impl Fn(&Kind) -> bool) -> bool {
        locked(&self.parts).nodes.iter().any(|node| is(&locked(&node.kind)))
    }

    /// The end of the graph and of all its nodes.
    pub fn dissolve(&self) {
        GRAPHS.remove(self.handle);
        let parts = std::mem::take(&mut *locked(&self.parts));
        for node in parts.nodes {
            NODES.remove(node.handle);
            locked(&node.kind).retire();
        }
        objects::release_all(&std::mem::take(&mut *locked(&self.objects)));
    }
}

/// The live graph a program means by this handle.
pub fn named(handle: CUgraph) -> Result<Arc<Graph>, E> {
    GRAPHS.get(handle as usize).ok_or(E::INVALID_VALUE)
}

pub fn node(handle: CUgraphNode) -> Result<Arc<Node>, E> {
    NODES.get(handle as usize).ok_or(E::INVALID_VALUE)
}

pub fn create(_: &Call, out: *mut CUgraph, flags: u32) -> R {
    given(out)?;
    if flags != 0 {
        return Err(E::INVALID_VALUE);
    }
    put(out, Graph::new(Holder::Program).handle as CUgraph)
}

pub fn destroy(_: &Call, graph: CUgraph) -> R {
    let graph = named(graph)?;
    // Passed on first, so that of two calls one is refused.
    graph.pass(Holder::Program, Holder::Parent)?;
    graph.dissolve();
    Ok(())
}

pub fn destroy_node(_: &Call, handle: CUgraphNode) -> R {
    let node = node(handle)?;
    let graph = node.graph.upgrade().ok_or(E::INVALID_VALUE)?;
    if *locked(&graph.held_by) == Holder::Capture || graph.has_memory_nodes() {
        return Err(E::INVALID_VALUE);
    }
    NODES.remove(node.handle).ok_or(E::INVALID_VALUE)?;
    let mut parts = locked(&graph.parts);
    parts.nodes.retain(|other| other.handle != node.handle);
    parts.edges.retain(|edge| edge.from != node.handle && edge.to != node.handle);
    drop(parts);
    locked(&node.kind).retire();
    Ok(())
}
