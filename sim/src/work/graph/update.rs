//! Changing a whole executable graph to what another graph of the same shape says.

use std::ffi::c_uint;
use std::ptr;

use cudarc::driver::sys::{CUgraph, CUgraphExec, CUgraphNode};

use super::exec::{ExecNode, exec};
use super::{Kind, named};
use crate::api::{Call, E, R, given, put, put_opt};
use crate::work::locked;

/// `CUgraphExecUpdateResult`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Success = 0,
    Error = 1,
    TopologyChanged = 2,
    NodeTypeChanged = 3,
    ParametersChanged = 5,
    NotSupported = 6,
    FunctionChanged = 7,
}

/// What stands in the way, and between which nodes.
pub struct Obstacle {
    verdict: Verdict,
    node: usize,
    from: usize,
}

impl Obstacle {
    fn at(verdict: Verdict, node: usize) -> Obstacle {
        Obstacle { verdict, node, from: 0 }
    }
}

/// `CUgraphExecUpdateResultInfo`, its result as a number.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UpdateInfo {
    result: c_uint,
    node: CUgraphNode,
    from: CUgraphNode,
}

/// Pairs nodes by the order in which they were added, and says where new differs too much from old.
pub(super) fn compare(old: &[ExecNode], new: &[ExecNode]) -> Result<(), Obstacle> {
    if old.len() != new.len() {
        return Err(Obstacle::at(Verdict::TopologyChanged, 0));
    }
    let mut by_place: Vec<&ExecNode> = old.iter().collect();
    by_place.sort_by_key(|node| node.place);
    for node in new {
        let was = by_place[node.place];
        if was.after.len() != node.after.len() {
            return Err(Obstacle::at(Verdict::TopologyChanged, node.node));
        }
        if let Some(from) = node.after.iter().find(|place| !was.after.contains(place)) {
            let from = new.iter().find(|other| other.place == *from).map_or(0, |other| other.node);
            return Err(Obstacle { verdict: Verdict::TopologyChanged, node: node.node, from });
        }
        allowed(&was.kind, &node.kind).map_err(|verdict| Obstacle::at(verdict, node.node))?;
        for (was, now) in was.inside.iter().zip(&node.inside) {
            compare(was, now)?;
        }
    }
    Ok(())
}

/// Whether an executable node may become the other.
pub(super) fn allowed(old: &Kind, new: &Kind) -> Result<(), Verdict> {
    if old.number() != new.number() {
        return Err(Verdict::NodeTypeChanged);
    }
    match (old, new) {
        (Kind::Kernel(old), Kind::Kernel(new))
            if old.function.ctx_id() != new.function.ctx_id() =>
        {
            Err(Verdict::FunctionChanged)
        }
        (Kind::Kernel(old), Kind::Kernel(new)) if old.cooperative != new.cooperative => {
            Err(Verdict::ParametersChanged)
        }
        (Kind::Copy(old), Kind::Copy(new)) if !old.same_memory(new) => {
            Err(Verdict::ParametersChanged)
        }
        (Kind::Fill(old), Kind::Fill(new)) => {
            let ((_, _, _, old_size, old_width, old_height), (_, _, _, size, width, height)) =
                (old.describe(), new.describe());
            let same = (old_size, old_width, old_height) == (size, width, height);
            if same || (old_height == 1 && height == 1) {
                Ok(())
            } else {
                Err(Verdict::ParametersChanged)
            }
        }
        (Kind::MemoryOps(old), Kind::MemoryOps(new)) if old.len() != new.len() => {
            Err(Verdict::ParametersChanged)
        }
        (Kind::Alloc(old), Kind::Alloc(new)) if old.ptr != new.ptr => Err(Verdict::NotSupported),
        (Kind::Free(old), Kind::Free(new)) if old != new => Err(Verdict::NotSupported),
        _ => Ok(()),
    }
}

/// Keeps what belongs to the executable graph (its handles, what is switched off), takes the rest.
pub(super) fn adopt(old: &mut [ExecNode], new: &[ExecNode]) {
    for node in old {
        if let Some(now) = new.iter().find(|now| now.place == node.place) {
            node.kind = now.kind.clone();
            for (was, now) in node.inside.iter_mut().zip(&now.inside) {
                adopt(was, now);
            }
        }
    }
}

fn attempt(exec_handle: CUgraphExec, graph: CUgraph) -> Result<(), Obstacle> {
    let invalid = || Obstacle::at(Verdict::Error, 0);
    let exec = exec(exec_handle).or(Err(invalid()))?;
    let new = named(graph).or(Err(invalid()))?.compile().or(Err(invalid()))?;
    let mut nodes = locked(&exec.nodes);
    compare(&nodes, &new)?;
    adopt(&mut nodes, &new);
    Ok(())
}

pub fn update_v1(
    _: &Call,
    exec_handle: CUgraphExec,
    graph: CUgraph,
    node: *mut CUgraphNode,
    result: *mut c_uint,
) -> R {
    exec(exec_handle)?;
    named(graph)?;
    let obstacle = attempt(exec_handle, graph).err();
    put_opt(node, obstacle.as_ref().map_or(ptr::null_mut(), |why| why.node as CUgraphNode));
    put_opt(result, obstacle.as_ref().map_or(Verdict::Success, |why| why.verdict) as c_uint);
    if obstacle.is_some() { Err(E::GRAPH_EXEC_UPDATE_FAILURE) } else { Ok(()) }
}

pub fn update(_: &Call, exec_handle: CUgraphExec, graph: CUgraph, info: *mut UpdateInfo) -> R {
    given(info)?;
    exec(exec_handle)?;
    named(graph)?;
    let (answer, why) = match attempt(exec_handle, graph) {
        Ok(()) => (Ok(()), Obstacle::at(Verdict::Success, 0)),
        Err(why) => (Err(E::GRAPH_EXEC_UPDATE_FAILURE), why),
    };
    put(
        info,
        UpdateInfo {
            result: why.verdict as c_uint,
            node: why.node as CUgraphNode,
            from: why.from as CUgraphNode,
        },
    )?;
    answer
}
