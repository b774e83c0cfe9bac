//! Nodes of any kind, described by one tagged union (CUDA 12.2).

use std::ffi::c_uint;
use std::ptr;

use cudarc::driver::sys::{
    CUDA_BATCH_MEM_OP_NODE_PARAMS_v1, CUDA_HOST_NODE_PARAMS_v1, CUDA_KERNEL_NODE_PARAMS_v2,
    CUDA_MEMCPY3D, CUDA_MEMSET_NODE_PARAMS_v1, CUcontext, CUevent, CUgraph, CUgraphEdgeData,
    CUgraphExec, CUgraphNode,
};

use super::conditional::Conditional;
use super::kind::of;
use super::{Graph, Kind, add, exec_params, node, params};
use crate::api::{Call, E, R, given, put, take};

/// `CUgraphNodeParams`: the kind's number, then its parameters.
#[repr(C)]
pub struct NodeParams {
    kind: c_uint,
    reserved: [c_uint; 3],
    body: [u64; 29],
    reserved_end: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct CopyParams {
    flags: c_uint,
    reserved: c_uint,
    ctx: CUcontext,
    copy: CUDA_MEMCPY3D,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct FillParams {
    fill: CUDA_MEMSET_NODE_PARAMS_v1,
    ctx: CUcontext,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct ConditionalParams {
    handle: u64,
    kind: c_uint,
    size: c_uint,
    bodies: *const CUgraph,
    ctx: CUcontext,
}

/// The parts of the caller's union, by address: only the part that counts may be read as what it is.
struct Parts(*mut NodeParams);

impl Parts {
    fn checked(params: *mut NodeParams) -> Result<Parts, E> {
        given(params)?;
        // SAFETY: not null; the fields before the union are plain numbers.
        let reserved = unsafe { (&raw const (*params).reserved).read_unaligned() };
        if reserved == [0; 3] { Ok(Parts(params)) } else { Err(E::INVALID_VALUE) }
    }

    fn kind(&self) -> c_uint {
        // SAFETY: checked above.
        unsafe { (&raw const (*self.0).kind).read_unaligned() }
    }

    fn body<T>(&self) -> *mut T {
        // SAFETY: an address within the struct the caller passed; nothing is read.
        unsafe { (&raw mut (*self.0).body).cast() }
    }

    /// The node asked for. A conditional node's bodies are told through the parameters, as is an
    /// allocation's address.
    fn read(&self, graph: Option<&Graph>) -> Result<Kind, E> {
        match (self.kind(), graph) {
            (0, _) => add::kernel(self.body::<CUDA_KERNEL_NODE_PARAMS_v2>()),
            (1, _) => {
                let params = self.body::<CopyParams>();
                // SAFETY: addresses within the caller's struct; the copy's enums are read as numbers by their owner.
                let (ctx, copy) = unsafe {
                    ((&raw const (*params).ctx).read_unaligned(), &raw const (*params).copy)
                };
                add::copy(copy, ctx)
            }
            (2, _) => {
                let params = self.body::<FillParams>();
                add::fill(params.cast(), take(params)?.ctx)
            }
            (3, _) => add::host(self.body::<CUDA_HOST_NODE_PARAMS_v1>()),
            (4, Some(graph)) => add::embed(graph, take(self.body::<CUgraph>())?),
            (5, _) => Ok(Kind::Empty),
            (6, _) => add::wait(take(self.body::<CUevent>())?),
            (7, _) => add::record(take(self.body::<CUevent>())?),
            (8 | 9, _) => Err(E::NOT_SUPPORTED),
            (10, Some(_)) => add::alloc(self.body()),
            (11, Some(_)) => Ok(Kind::Free(take(self.body::<u64>())?)),
            (10 | 11, None) => Err(E::NOT_SUPPORTED),
            (12, _) => add::memory_ops(self.body::<CUDA_BATCH_MEM_OP_NODE_PARAMS_v1>()),
            (13, Some(_)) => self.conditional(),
            _ => Err(E::INVALID_VALUE),
        }
    }

    fn conditional(&self) -> Result<Kind, E> {
        let params = self.body::<ConditionalParams>();
        let mut p = take(params)?;
        let conditional = Conditional::new(p.handle, p.kind, p.size)?;
        p.bodies = conditional.handles();
        put(params, p)?;
        Ok(Kind::Conditional(conditional))
    }
}

pub fn add_node(
    call: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: *const CUgraphNode,
    count: usize,
    params: *mut NodeParams,
) -> R {
    add_node_v2(call, out, graph, nodes, ptr::null(), count, params)
}

pub fn add_node_v2(
    _: &Call,
    out: *mut CUgraphNode,
    graph: CUgraph,
    nodes: *const CUgraphNode,
    edges: *const CUgraphEdgeData,
    count: usize,
    params: *mut NodeParams,
) -> R {
    let parts = Parts::checked(params)?;
    add::insert(out, graph, nodes, edges, count, |graph| parts.read(Some(graph)))
}

pub fn set_params(_: &Call, handle: CUgraphNode, params: *mut NodeParams) -> R {
    let parts = Parts::checked(params)?;
    super::params::set(handle, parts.read(None))
}

pub fn exec_set_params(
    call: &Call,
    exec: CUgraphExec,
    handle: CUgraphNode,
    params: *mut NodeParams,
) -> R {
    let parts = Parts::checked(params)?;
    if parts.kind() == 4 {
        return exec_params::exec_set_child(call, exec, handle, take(parts.body::<CUgraph>())?);
    }
    exec_params::replace(exec, handle, parts.read(None))
}

/// What describes the node, other parts of the union zeroed.
pub fn get_params(_: &Call, handle: CUgraphNode, out: *mut NodeParams) -> R {
    given(out)?;
    let kind = of(&*node(handle)?);
    put(out, NodeParams { kind: kind.number(), reserved: [0; 3], body: [0; 29], reserved_end: 0 })?;
    let parts = Parts(out);
    match &kind {
        Kind::Kernel(launch) => put(parts.body(), params::kernel_of(launch)),
        Kind::Copy(job) => put(
            parts.body(),
            CopyParams { flags: 0, reserved: 0, ctx: ptr::null_mut(), copy: job.describe() },
        ),
        Kind::Host(_) => params::host_of(&kind).map_or(Ok(()), |host| put(parts.body(), host)),
        Kind::Fill(_) => params::fill_of(&kind).map_or(Ok(()), |fill| put(parts.body(), fill)),
        Kind::Child(graph) => put(parts.body(), graph.handle as CUgraph),
        Kind::Wait(event) | Kind::Record(event) => put(parts.body(), event.handle as CUevent),
        Kind::Alloc(_) => params::alloc_of(&kind).map_or(Ok(()), |made| put(parts.body(), made)),
        Kind::Free(ptr) => put(parts.body(), *ptr),
        Kind::MemoryOps(_) => Ok(()),
        Kind::Conditional(conditional) => put(
            parts.body(),
            ConditionalParams {
                handle: conditional.handle,
                kind: conditional.kind,
                size: conditional.bodies.len() as c_uint,
                bodies: conditional.handles(),
                ctx: ptr::null_mut(),
            },
        ),
        Kind::Empty => Ok(()),
    }
}
