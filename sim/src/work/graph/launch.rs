//! Running an executable graph in a stream.

use std::sync::Arc;

use cudarc::driver::sys::{CUgraphExec, CUstream};

use super::exec::{AUTO_FREE, Exec, ExecNode, allocations, exec};
use super::memory;
use super::{EdgeData, Graph, Holder, Kind};
use crate::api::{Call, E, R};
use crate::context::Context;
use crate::done::{Done, did};
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
    did(Done::Graphs);
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
    let mut all: Vec<u64> = allocations(&locked(&exec.nodes)).collect();
    all.retain(|ptr| !graph_mem::live(*ptr));
    back_all(&all)?;
    all.iter().for_each(|ptr| graph_mem::idle(*ptr));
    Ok(())
}

/// A launch has the memory of all its allocations at once, or of none.
fn back_all(all: &[u64]) -> R {
    for (at, ptr) in all.iter().enumerate() {
        if let Err(why) = graph_mem::back(*ptr) {
            all[..at].iter().for_each(|given| graph_mem::idle(*given));
            return Err(why);
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
            other => {
                if matches!(other, Kind::Kernel(_)) {
                    did(Done::GraphKernels);
                }
                steps.extend(other.steps(ctx));
            }
        }
    }
}

impl Exec {
    /// Gives the allocations their memory. What an earlier launch left unfreed stands in the way.
    fn back(&self) -> R {
        let all: Vec<u64> = allocations(&locked(&self.nodes)).collect();
        for ptr in &all {
            if memory::outlives_graph(*ptr) && graph_mem::live(*ptr) {
                if self.flags & AUTO_FREE == 0 {
                    return Err(E::INVALID_VALUE);
                }
                graph_mem::idle(*ptr);
            }
        }
        back_all(&all)
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
