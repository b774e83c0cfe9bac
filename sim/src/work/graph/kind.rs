//! What a node does when its graph runs.

use std::ffi::c_void;
use std::sync::Arc;

use super::conditional::Conditional;
use super::memory::{self, Allocation};
use super::{Graph, Holder};
use crate::api::{E, R};
use crate::context::Context;
use crate::memory::{copy, fill};
use crate::module::Launch;
use crate::work::event::Event;
use crate::work::locked;
use crate::work::queue::Step;
use crate::work::values::MemoryOp;

#[derive(Clone)]
pub enum Kind {
    Kernel(Launch),
    Copy(Box<copy::Job>),
    Fill(fill::Job),
    Host(HostCall),
    Child(Arc<Graph>),
    Empty,
    Wait(Arc<Event>),
    Record(Arc<Event>),
    Alloc(Allocation),
    Free(u64),
    MemoryOps(Vec<MemoryOp>),
    Conditional(Conditional),
}

/// A function of the program, and what it is called with.
#[derive(Clone, Copy)]
pub struct HostCall {
    pub function: unsafe extern "C" fn(*mut c_void),
    pub data: usize,
}

impl HostCall {
    pub fn new(
        function: Option<unsafe extern "C" fn(*mut c_void)>,
        data: *mut c_void,
    ) -> Result<HostCall, E> {
        Ok(HostCall { function: function.ok_or(E::INVALID_VALUE)?, data: data as usize })
    }

    pub fn call(self) {
        // SAFETY: the program gave this function to be called with this argument, once its turn comes.
        unsafe { (self.function)(self.data as *mut c_void) };
    }
}

impl Kind {
    /// The number of the node's type in the API.
    pub fn number(&self) -> u32 {
        match self {
            Kind::Kernel(_) => 0,
            Kind::Copy(_) => 1,
            Kind::Fill(_) => 2,
            Kind::Host(_) => 3,
            Kind::Child(_) => 4,
            Kind::Empty => 5,
            Kind::Wait(_) => 6,
            Kind::Record(_) => 7,
            Kind::Alloc(_) => 10,
            Kind::Free(_) => 11,
            Kind::MemoryOps(_) => 12,
            Kind::Conditional(_) => 13,
        }
    }

    /// Whether such a node may be added to the graph; notes what the node then holds.
    pub(super) fn admit(&self, graph: &Arc<Graph>) -> R {
        match self {
            Kind::Alloc(allocation) => memory::adopt(graph, allocation),
            Kind::Free(ptr) => memory::plan_free(graph, *ptr),
            _ => Ok(()),
        }
    }

    /// The node is gone.
    pub(super) fn retire(&self) {
        match self {
            Kind::Child(graph) => graph.dissolve(),
            Kind::Alloc(allocation) => memory::let_go(allocation.ptr),
            Kind::Free(ptr) => memory::unplan_free(*ptr),
            Kind::Conditional(conditional) => conditional.retire(),
            _ => {}
        }
    }

    /// A copy for another graph; embedded graphs are copied too.
    pub(super) fn copied(&self) -> Result<Kind, E> {
        match self {
            Kind::Child(graph) => Ok(Kind::Child(graph.copy(Holder::Parent)?)),
            Kind::Alloc(_) | Kind::Free(_) | Kind::Conditional(_) => Err(E::INVALID_VALUE),
            other => Ok(other.clone()),
        }
    }

    /// Nodes that can be switched off in an executable graph.
    pub(super) fn can_be_disabled(&self) -> bool {
        matches!(self, Kind::Kernel(_) | Kind::Copy(_) | Kind::Fill(_))
    }

    /// What is done when the node's turn comes in a stream of `ctx`.
    pub fn steps(&self, ctx: &Arc<Context>) -> Vec<Step> {
        match self {
            Kind::Kernel(launch) => vec![launch.step()],
            Kind::Copy(job) => {
                let job = job.clone();
                vec![fallible(ctx, move || job.run())]
            }
            Kind::Fill(job) => {
                let job = job.clone();
                vec![fallible(ctx, move || job.run())]
            }
            Kind::Host(call) => vec![host(*call)],
            Kind::Wait(event) => event.wait_step().into_iter().collect(),
            Kind::Record(event) => vec![event.record_step()],
            Kind::Free(ptr) => {
                let ptr = *ptr;
                vec![Step::Do(Box::new(move || memory::freed(ptr)))]
            }
            Kind::MemoryOps(ops) => ops.iter().map(|op| op.step(ctx)).collect(),
            // Run as part of the executable graph that holds their nodes.
            Kind::Child(_) | Kind::Conditional(_) | Kind::Empty | Kind::Alloc(_) => Vec::new(),
        }
    }

    /// The graphs embedded in the node.
    pub(super) fn embedded(&self) -> Vec<Arc<Graph>> {
        match self {
            Kind::Child(graph) => vec![graph.clone()],
            Kind::Conditional(conditional) => conditional.bodies.clone(),
            _ => Vec::new(),
        }
    }
}

/// Work that can still go wrong when its turn comes; then the context is lost.
pub fn fallible(ctx: &Arc<Context>, job: impl FnOnce() -> R + Send + 'static) -> Step {
    let ctx = ctx.clone();
    Step::Do(Box::new(move || {
        if let Err(why) = job() {
            ctx.fault(why);
        }
    }))
}

/// A host function is not called once the context is broken.
pub fn host(call: HostCall) -> Step {
    Step::Host(Box::new(move |error| {
        if error == 0 {
            call.call();
        }
    }))
}

/// The kind of a node, as it is now.
pub fn of(node: &super::Node) -> Kind {
    locked(&node.kind).clone()
}
