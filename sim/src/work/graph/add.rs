//! Adding nodes, one call per kind.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use cudarc::driver::sys::{
    CUDA_BATCH_MEM_OP_NODE_PARAMS_v1, CUDA_HOST_NODE_PARAMS_v1, CUDA_KERNEL_NODE_PARAMS_v1,
    CUDA_KERNEL_NODE_PARAMS_v2, CUDA_MEM_ALLOC_NODE_PARAMS_v1, CUDA_MEMCPY3D,
    CUDA_MEMSET_NODE_PARAMS_v1, CUcontext, CUdeviceptr, CUevent, CUgraph, CUgraphEdgeData,
    CUgraphNode,
};

use super::params::AllocParams;
use super::{Graph, Holder, HostCall, Kind, named};
use crate::api::{Call, E, R, given, put, take};
use crate::context;
use crate::device;
use crate::memory::{copy, fill, graph_mem};
use crate::module::Launch;
use crate::work::event;
use crate::work::values::MemoryOp;

/// Adds the node if graph, dependencies and parameters are all in order.
pub(super) fn insert(
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: *const CUgraphNode,
    edges: *const CUgraphEdgeData,
    count: usize,
    kind: impl FnOnce(&Graph) -> Result<Kind, E>,
) -> R {
    given(out)?;
    let graph = named(graph)?;
    let after = graph.dependencies(nodes, edges, count)?;
    let node = graph.add(kind(&graph)?, &after)?;
    put(out, node as CUgraphNode)
}

type Nodes = *const CUgraphNode;

pub fn add_kernel_v1(
    _: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: Nodes,
    count: usize,
    params: *const CUDA_KERNEL_NODE_PARAMS_v1,
) -> R {
    given(params)?;
    insert(out, graph, nodes, ptr::null(), count, |_| kernel_v1(params))
}

pub fn add_kernel(
    _: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: Nodes,
    count: usize,
    params: *const CUDA_KERNEL_NODE_PARAMS_v2,
) -> R {
    given(params)?;
    insert(out, graph, nodes, ptr::null(), count, |_| kernel(params))
}

pub(super) fn kernel_v1(params: *const CUDA_KERNEL_NODE_PARAMS_v1) -> Result<Kind, E> {
    let p = take(params)?;
    launch(
        p.func as usize,
        ptr::null_mut(),
        [p.gridDimX, p.gridDimY, p.gridDimZ],
        [p.blockDimX, p.blockDimY, p.blockDimZ],
        p.sharedMemBytes,
        p.kernelParams,
        p.extra,
    )
}

/// Function and kernel are alternatives; the context says where a kernel runs.
pub(super) fn kernel(params: *const CUDA_KERNEL_NODE_PARAMS_v2) -> Result<Kind, E> {
    let p = take(params)?;
    let function = if p.func.is_null() { p.kern as usize } else { p.func as usize };
    launch(
        function,
        p.ctx,
        [p.gridDimX, p.gridDimY, p.gridDimZ],
        [p.blockDimX, p.blockDimY, p.blockDimZ],
        p.sharedMemBytes,
        p.kernelParams,
        p.extra,
    )
}

fn launch(
    function: usize,
    ctx: CUcontext,
    grid: [u32; 3],
    block: [u32; 3],
    shared: u32,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> Result<Kind, E> {
    let ctx = context::named_or_current(ctx)?;
    let launch = Launch::checked(&ctx, function, grid, block, shared)?;
    Ok(Kind::Kernel(launch.with_arguments(params, extra)?))
}

pub fn add_copy(
    _: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: Nodes,
    count: usize,
    params: *const CUDA_MEMCPY3D,
    ctx: CUcontext,
) -> R {
    given(params)?;
    insert(out, graph, nodes, ptr::null(), count, |_| copy(params, ctx))
}

pub(super) fn copy(params: *const CUDA_MEMCPY3D, ctx: CUcontext) -> Result<Kind, E> {
    context::named_or_current(ctx)?.check()?;
    copy::Job::of_3d(params).map(|job| Kind::Copy(Box::new(job)))
}

pub fn add_fill(
    _: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: Nodes,
    count: usize,
    params: *const CUDA_MEMSET_NODE_PARAMS_v1,
    ctx: CUcontext,
) -> R {
    given(params)?;
    insert(out, graph, nodes, ptr::null(), count, |_| fill(params, ctx))
}

pub(super) fn fill(params: *const CUDA_MEMSET_NODE_PARAMS_v1, ctx: CUcontext) -> Result<Kind, E> {
    context::named_or_current(ctx)?.check()?;
    let p = take(params)?;
    fill::Job::of(p.dst, p.pitch, p.value, p.elementSize, p.width, p.height).map(Kind::Fill)
}

pub fn add_host(
    _: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: Nodes,
    count: usize,
    params: *const CUDA_HOST_NODE_PARAMS_v1,
) -> R {
    given(params)?;
    insert(out, graph, nodes, ptr::null(), count, |_| host(params))
}

pub(super) fn host(params: *const CUDA_HOST_NODE_PARAMS_v1) -> Result<Kind, E> {
    let p = take(params)?;
    HostCall::new(p.fn_, p.userData).map(Kind::Host)
}

pub fn add_child(
    _: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: Nodes,
    count: usize,
    child: CUgraph,
) -> R {
    insert(out, graph, nodes, ptr::null(), count, |parent| embed(parent, child))
}

/// The node gets a copy; what comes later to the child does not reach it.
pub(super) fn embed(parent: &Graph, child: CUgraph) -> Result<Kind, E> {
    let child = named(child)?;
    if child.handle == parent.handle {
        return Err(E::INVALID_VALUE);
    }
    child.copy(Holder::Parent).map(Kind::Child)
}

pub fn add_empty(_: &Call, out: *mut CUgraphNode, graph: CUgraph, nodes: Nodes, count: usize) -> R {
    insert(out, graph, nodes, ptr::null(), count, |_| Ok(Kind::Empty))
}

pub fn add_record(
    _: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: Nodes,
    count: usize,
    event: CUevent,
) -> R {
    insert(out, graph, nodes, ptr::null(), count, |_| record(event))
}

pub fn add_wait(
    _: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: Nodes,
    count: usize,
    event: CUevent,
) -> R {
    insert(out, graph, nodes, ptr::null(), count, |_| wait(event))
}

pub(super) fn record(event: CUevent) -> Result<Kind, E> {
    event::named(event).map(Kind::Record).or(Err(E::INVALID_VALUE))
}

pub(super) fn wait(event: CUevent) -> Result<Kind, E> {
    event::named(event).map(Kind::Wait).or(Err(E::INVALID_VALUE))
}

pub fn add_alloc(
    _: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: Nodes,
    count: usize,
    params: *mut CUDA_MEM_ALLOC_NODE_PARAMS_v1,
) -> R {
    given(params)?;
    insert(out, graph, nodes, ptr::null(), count, |_| alloc(params.cast()))
}

/// The address is settled here and told through the parameters.
pub(super) fn alloc(params: *mut AllocParams) -> Result<Kind, E> {
    let mut p = take(params)?;
    let device = p.device()?;
    p.ptr = graph_mem::reserve(device::of(device)?, p.bytes)?;
    put(params, p)?;
    Ok(Kind::alloc(device::of(device)?, p.ptr, p.bytes))
}

pub fn add_free(
    _: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: Nodes,
    count: usize,
    ptr: CUdeviceptr,
) -> R {
    insert(out, graph, nodes, std::ptr::null(), count, |_| Ok(Kind::Free(ptr)))
}

pub fn add_memory_ops(
    _: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: Nodes,
    count: usize,
    params: *const CUDA_BATCH_MEM_OP_NODE_PARAMS_v1,
) -> R {
    given(params)?;
    insert(out, graph, nodes, ptr::null(), count, |_| memory_ops(params))
}

pub(super) fn memory_ops(params: *const CUDA_BATCH_MEM_OP_NODE_PARAMS_v1) -> Result<Kind, E> {
    let p = take(params)?;
    context::named_or_current(p.ctx)?.check()?;
    MemoryOp::list(p.count, p.paramArray, p.flags).map(Kind::MemoryOps)
}

pub fn child_graph(_: &Call, node: CUgraphNode, out: *mut CUgraph) -> R {
    given(out)?;
    match super::kind::of(&*super::node(node)?) {
        Kind::Child(graph) => put(out, Arc::as_ref(&graph).handle as CUgraph),
        _ => Err(E::INVALID_VALUE),
    }
}
