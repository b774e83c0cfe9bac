//! Changing single nodes of an executable graph, named by their handles in the graph it was made of.

use std::ffi::c_uint;

use cudarc::driver::sys::{
    CUDA_BATCH_MEM_OP_NODE_PARAMS_v1, CUDA_HOST_NODE_PARAMS_v1, CUDA_KERNEL_NODE_PARAMS_v1,
    CUDA_KERNEL_NODE_PARAMS_v2, CUDA_MEMCPY3D, CUDA_MEMSET_NODE_PARAMS_v1, CUcontext, CUevent,
    CUgraph, CUgraphExec, CUgraphNode,
};

use super::exec::{ExecNode, exec};
use super::update::{adopt, allowed, compare};
use super::{Kind, add, named, node};
use crate::api::{Call, E, R, given, put};
use crate::work::locked;

fn find(nodes: &mut [ExecNode], handle: usize) -> Option<&mut ExecNode> {
    for node in nodes {
        if node.node == handle {
            return Some(node);
        }
        if let Some(found) = node.inside.iter_mut().find_map(|inside| find(inside, handle)) {
            return Some(found);
        }
    }
    None
}

fn change<T>(
    exec_handle: CUgraphExec,
    handle: CUgraphNode,
    how: impl FnOnce(&mut ExecNode) -> Result<T, E>,
) -> Result<T, E> {
    let exec = exec(exec_handle)?;
    let handle = node(handle)?.handle;
    how(find(&mut locked(&exec.nodes), handle).ok_or(E::INVALID_VALUE)?)
}

/// Gives the node other parameters of its own kind.
pub(super) fn replace(exec_handle: CUgraphExec, handle: CUgraphNode, new: Result<Kind, E>) -> R {
    let new = new?;
    change(exec_handle, handle, |node| {
        allowed(&node.kind, &new).or(Err(E::INVALID_VALUE))?;
        node.kind = new;
        Ok(())
    })
}

pub fn exec_set_kernel_v1(
    _: &Call,
    exec: CUgraphExec,
    node: CUgraphNode,
    params: *const CUDA_KERNEL_NODE_PARAMS_v1,
) -> R {
    replace(exec, node, add::kernel_v1(params))
}

pub fn exec_set_kernel(
    _: &Call,
    exec: CUgraphExec,
    node: CUgraphNode,
    params: *const CUDA_KERNEL_NODE_PARAMS_v2,
) -> R {
    replace(exec, node, add::kernel(params))
}

pub fn exec_set_copy(
    _: &Call,
    exec: CUgraphExec,
    node: CUgraphNode,
    params: *const CUDA_MEMCPY3D,
    ctx: CUcontext,
) -> R {
    given(params)?;
    replace(exec, node, add::copy(params, ctx))
}

pub fn exec_set_fill(
    _: &Call,
    exec: CUgraphExec,
    node: CUgraphNode,
    params: *const CUDA_MEMSET_NODE_PARAMS_v1,
    ctx: CUcontext,
) -> R {
    replace(exec, node, add::fill(params, ctx))
}

pub fn exec_set_host(
    _: &Call,
    exec: CUgraphExec,
    node: CUgraphNode,
    params: *const CUDA_HOST_NODE_PARAMS_v1,
) -> R {
    replace(exec, node, add::host(params))
}

pub fn exec_set_record(_: &Call, exec: CUgraphExec, node: CUgraphNode, event: CUevent) -> R {
    replace(exec, node, add::record(event))
}

pub fn exec_set_wait(_: &Call, exec: CUgraphExec, node: CUgraphNode, event: CUevent) -> R {
    replace(exec, node, add::wait(event))
}

pub fn exec_set_memory_ops(
    _: &Call,
    exec: CUgraphExec,
    node: CUgraphNode,
    params: *const CUDA_BATCH_MEM_OP_NODE_PARAMS_v1,
) -> R {
    replace(exec, node, add::memory_ops(params))
}

/// The child must have the shape of the one that is there.
pub fn exec_set_child(_: &Call, exec: CUgraphExec, node: CUgraphNode, child: CUgraph) -> R {
    let new = named(child)?.compile().or(Err(E::INVALID_VALUE))?;
    change(exec, node, |node| {
        let inside = node
            .inside
            .first_mut()
            .filter(|_| matches!(node.kind, Kind::Child(_)))
            .ok_or(E::INVALID_VALUE)?;
        compare(inside, &new).or(Err(E::INVALID_VALUE))?;
        adopt(inside, &new);
        Ok(())
    })
}

pub fn set_enabled(_: &Call, exec: CUgraphExec, node: CUgraphNode, enabled: c_uint) -> R {
    change(exec, node, |node| {
        if !node.kind.can_be_disabled() {
            return Err(E::INVALID_VALUE);
        }
        node.enabled = enabled != 0;
        Ok(())
    })
}

pub fn get_enabled(_: &Call, exec: CUgraphExec, node: CUgraphNode, out: *mut c_uint) -> R {
    given(out)?;
    let enabled = change(exec, node, |node| {
        if node.kind.can_be_disabled() { Ok(node.enabled) } else { Err(E::INVALID_VALUE) }
    })?;
    put(out, c_uint::from(enabled))
}
