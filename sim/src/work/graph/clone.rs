//! Copies of graphs, and which node of a copy was made of which.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cudarc::driver::sys::{CUgraph, CUgraphNode};

use super::{Edge, Graph, Holder, named, node, objects};
use crate::api::{Call, E, R, given, put};
use crate::work::locked;

impl Graph {
    pub(super) fn copy(&self, held_by: Holder) -> Result<Arc<Graph>, E> {
        let copy = Graph::new(held_by);
        let done = self.copy_into(&copy);
        if done.is_err() {
            copy.dissolve();
        }
        done.map(|()| copy)
    }

    fn copy_into(&self, copy: &Arc<Graph>) -> R {
        let (nodes, edges) = {
            let parts = locked(&self.parts);
            (parts.nodes.clone(), parts.edges.clone())
        };
        let mut new = HashMap::with_capacity(nodes.len());
        for node in &nodes {
            let kind = locked(&node.kind).copied()?;
            let handle = copy.add_as(kind, &[], node.local, node.handle)?;
            if let Ok(twin) = super::node(handle as CUgraphNode) {
                *locked(&twin.attributes) = locked(&node.attributes).clone();
            }
            new.insert(node.handle, handle);
        }
        copy.next_node.store(self.next_node.load(Ordering::Relaxed), Ordering::Relaxed);
        let moved = edges.iter().filter_map(|edge| {
            Some(Edge { from: *new.get(&edge.from)?, to: *new.get(&edge.to)?, data: edge.data })
        });
        locked(&copy.parts).edges.extend(moved);
        let objects = locked(&self.objects).clone();
        objects::retain_all(&objects);
        *locked(&copy.objects) = objects;
        Ok(())
    }
}

pub fn clone(_: &Call, out: *mut CUgraph, graph: CUgraph) -> R {
    given(out)?;
    put(out, named(graph)?.copy(Holder::Program)?.handle as CUgraph)
}

pub fn find_in_clone(_: &Call, out: *mut CUgraphNode, original: CUgraphNode, clone: CUgraph) -> R {
    given(out)?;
    let original = node(original)?;
    let clone = named(clone)?;
    let parts = locked(&clone.parts);
    let twin =
        parts.nodes.iter().find(|node| node.original == original.handle).ok_or(E::INVALID_VALUE)?;
    put(out, twin.handle as CUgraphNode)
}
