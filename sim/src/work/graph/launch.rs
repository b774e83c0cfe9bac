//! Running an executable graph in a stream.

use std::sync::Arc;

use cudarc::driver::sys::{CUgraphExec, CUstream};

use super::exec::{AUTO_FREE, Exec, ExecNode, exec};
use super::memory;
use super::{EdgeData, Graph, Holder, Kind};
use crate::api::{Call, E, R};
use crate::context::Context;
use crate::memory::graph_mem;
use crate::work::capture;
use crate::work::locked;
use crate::work::queue::Step;
use crate::work::stream::named;

/// Behind what is in the stream, and behind the graph's own last launch.
pub fn launch(call: &Call, handle: CUgraphExec, stream: CUstream) -> R {
    let exec = exec(handle)?;
    let stream = named(call, stream)?;
    if let Some(capture) = capture::route(&stream)? {
        let graph = exec.as_graph()?;
        return capture.add(&stream, Kind::Child(graph)).map(|_| ());
    }
    exec.back()?;
    let mut steps = Vec::new();
    collect(&locked(&exec.nodes), &stream.ctx, &mut steps);
    let objects = exec.objects.clone();
    steps.push(Step::Do(Box::new(move || drop(objects))));
    let mut last = locked(&exec.last);
    stream.submit_after(steps, std::mem::take(&mut last));
    *last = stream.ends();
    Ok(())
}

/// Puts in place what the first launch would have to.
pub fn upload(call: &Call, handle: CUgraphExec, stream: CUstream) -> R {
    let exec = exec(handle)?;
    let stream = named(call, stream)?;
    capture::refuse(&stream)?;
    for ptr in exec.allocations() {
        if !graph_mem::live(ptr) {
            graph_mem::back(ptr)?;
            graph_mem::idle(ptr);
        }
    }
    Ok(())
}

fn collect(nodes: &[ExecNode], ctx: &Arc<Context>, steps: &mut Vec<Step>) {
    for node in nodes.iter().filter(|node| node.enabled) {
        match &node.kind {
            Kind::Child(_) => node.inside.iter().for_each(|inside| collect(inside, ctx, steps)),
            Kind::Conditional(conditional) => {
                let body = conditional.chosen().and_then(|body| node.inside.get(body));
                body.into_iter().for_each(|inside| collect(inside, ctx, steps));
            }
            other => steps.extend(other.steps(ctx)),
        }
    }
}

impl Exec {
    fn allocations(&self) -> Vec<u64> {
        let nodes = locked(&self.nodes);
        nodes
            .iter()
            .filter_map(
                |node| if let Kind::Alloc(made) = &node.kind { Some(made.ptr) } else { None },
            )
            .collect()
    }

    /// Gives the allocations their memory. What an earlier launch left unfreed stands in the way.
    fn back(&self) -> R {
        for ptr in self.allocations() {
            if memory::outlives_graph(ptr) && graph_mem::live(ptr) {
                if self.flags & AUTO_FREE == 0 {
                    return Err(E::INVALID_VALUE);
                }
                graph_mem::idle(ptr);
            }
        }
        for ptr in self.allocations() {
            graph_mem::back(ptr)?;
        }
        Ok(())
    }

    /// What it does, as a graph to be embedded in one under capture.
    fn as_graph(&self) -> Result<Arc<Graph>, E> {
        let graph = Graph::new(Holder::Parent);
        let nodes = locked(&self.nodes);
        let mut handles = vec![0; nodes.len()];
        for node in nodes.iter() {
            let after: Vec<_> =
                node.after.iter().map(|place| (handles[*place], EdgeData::default())).collect();
            let added = node.kind.copied().and_then(|kind| graph.add(kind, &after));
            if added.is_err() {
                graph.dissolve();
            }
            handles[node.place] = added?;
        }
        Ok(graph)
    }
}
