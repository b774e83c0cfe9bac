//! Reading and changing the parameters of single nodes.

use std::ffi::{c_int, c_uint};
use std::ptr;

use cudarc::driver::sys::{
    CUDA_BATCH_MEM_OP_NODE_PARAMS_v1, CUDA_HOST_NODE_PARAMS_v1, CUDA_KERNEL_NODE_PARAMS_v1,
    CUDA_KERNEL_NODE_PARAMS_v2, CUDA_MEM_ALLOC_NODE_PARAMS_v1, CUDA_MEMCPY3D,
    CUDA_MEMSET_NODE_PARAMS_v1, CUdeviceptr, CUevent, CUgraphNode,
};

use super::kind::of;
use super::memory::Allocation;
use super::{Kind, Node, add, node};
use crate::api::{Call, E, R, given, put};
use crate::module::Launch;
use crate::work::locked;

/// `CUlaunchAttributeValue`
pub type AttributeValue = [u64; 8];

/// `CUDA_MEM_ALLOC_NODE_PARAMS`, its enums as numbers.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct AllocParams {
    allocation: c_uint,
    handles: c_uint,
    location: c_uint,
    location_id: c_int,
    security: usize,
    pool_rest: [u64; 8],
    access: usize,
    access_count: usize,
    pub bytes: usize,
    pub ptr: u64,
}

impl AllocParams {
    /// The device it is to be on: pinned device memory that is not shared is all there is.
    pub fn device(&self) -> Result<c_int, E> {
        let plain =
            self.allocation == 1 && self.location == 1 && self.handles == 0 && self.bytes > 0;
        if plain { Ok(self.location_id) } else { Err(E::INVALID_VALUE) }
    }

    fn of(made: &Allocation) -> AllocParams {
        AllocParams {
            allocation: 1,
            handles: 0,
            location: 1,
            location_id: made.device,
            security: 0,
            pool_rest: [0; 8],
            access: 0,
            access_count: 0,
            bytes: made.bytes,
            ptr: made.ptr,
        }
    }
}

/// What a getter answers for the node, if it is of the right kind.
fn get<T>(handle: CUgraphNode, out: *mut T, read: impl FnOnce(&Kind) -> Option<T>) -> R {
    given(out)?;
    let node = node(handle)?;
    let answer = read(&locked(&node.kind)).ok_or(E::INVALID_VALUE)?;
    put(out, answer)
}

/// Gives the node other parameters of its own kind.
pub(super) fn set(handle: CUgraphNode, new: Result<Kind, E>) -> R {
    let (node, new) = (node(handle)?, new?);
    let mut kind = locked(&node.kind);
    if kind.number() != new.number() {
        return Err(E::INVALID_VALUE);
    }
    *kind = new;
    Ok(())
}

pub(super) fn kernel_of(launch: &Launch) -> CUDA_KERNEL_NODE_PARAMS_v2 {
    let ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]) = (launch.grid, launch.block);
    CUDA_KERNEL_NODE_PARAMS_v2 {
        func: launch.function.handle as _,
        gridDimX: grid_x,
        gridDimY: grid_y,
        gridDimZ: grid_z,
        blockDimX: block_x,
        blockDimY: block_y,
        blockDimZ: block_z,
        sharedMemBytes: launch.shared,
        kernelParams: launch.params(),
        extra: launch.extra(),
        kern: ptr::null_mut(),
        ctx: launch.function.ctx().map_or(ptr::null_mut(), |ctx| ctx.raw()),
    }
}

pub fn get_kernel_v1(_: &Call, handle: CUgraphNode, out: *mut CUDA_KERNEL_NODE_PARAMS_v1) -> R {
    get(handle, out, |kind| {
        let Kind::Kernel(launch) = kind else { return None };
        let p = kernel_of(launch);
        Some(CUDA_KERNEL_NODE_PARAMS_v1 {
            func: p.func,
            gridDimX: p.gridDimX,
            gridDimY: p.gridDimY,
            gridDimZ: p.gridDimZ,
            blockDimX: p.blockDimX,
            blockDimY: p.blockDimY,
            blockDimZ: p.blockDimZ,
            sharedMemBytes: p.sharedMemBytes,
            kernelParams: p.kernelParams,
            extra: p.extra,
        })
    })
}

pub fn get_kernel(_: &Call, handle: CUgraphNode, out: *mut CUDA_KERNEL_NODE_PARAMS_v2) -> R {
    get(
        handle,
        out,
        |kind| if let Kind::Kernel(launch) = kind { Some(kernel_of(launch)) } else { None },
    )
}

pub fn set_kernel_v1(
    _: &Call,
    handle: CUgraphNode,
    params: *const CUDA_KERNEL_NODE_PARAMS_v1,
) -> R {
    set(handle, add::kernel_v1(params))
}

pub fn set_kernel(_: &Call, handle: CUgraphNode, params: *const CUDA_KERNEL_NODE_PARAMS_v2) -> R {
    set(handle, add::kernel(params))
}

pub fn get_copy(_: &Call, handle: CUgraphNode, out: *mut CUDA_MEMCPY3D) -> R {
    get(handle, out, |kind| if let Kind::Copy(job) = kind { Some(job.describe()) } else { None })
}

pub fn set_copy(_: &Call, handle: CUgraphNode, params: *const CUDA_MEMCPY3D) -> R {
    given(params)?;
    set(handle, add::copy(params, ptr::null_mut()))
}

pub(super) fn fill_of(kind: &Kind) -> Option<CUDA_MEMSET_NODE_PARAMS_v1> {
    let Kind::Fill(job) = kind else { return None };
    let (dst, pitch, value, element, width, height) = job.describe();
    Some(CUDA_MEMSET_NODE_PARAMS_v1 { dst, pitch, value, elementSize: element, width, height })
}

pub fn get_fill(_: &Call, handle: CUgraphNode, out: *mut CUDA_MEMSET_NODE_PARAMS_v1) -> R {
    get(handle, out, fill_of)
}

pub fn set_fill(_: &Call, handle: CUgraphNode, params: *const CUDA_MEMSET_NODE_PARAMS_v1) -> R {
    set(handle, add::fill(params, ptr::null_mut()))
}

pub(super) fn host_of(kind: &Kind) -> Option<CUDA_HOST_NODE_PARAMS_v1> {
    let Kind::Host(call) = kind else { return None };
    Some(CUDA_HOST_NODE_PARAMS_v1 { fn_: Some(call.function), userData: call.data as *mut _ })
}

pub fn get_host(_: &Call, handle: CUgraphNode, out: *mut CUDA_HOST_NODE_PARAMS_v1) -> R {
    get(handle, out, host_of)
}

pub fn set_host(_: &Call, handle: CUgraphNode, params: *const CUDA_HOST_NODE_PARAMS_v1) -> R {
    set(handle, add::host(params))
}

pub fn get_record(_: &Call, handle: CUgraphNode, out: *mut CUevent) -> R {
    get(handle, out, |kind| {
        if let Kind::Record(event) = kind { Some(event.handle as CUevent) } else { None }
    })
}

pub fn set_record(_: &Call, handle: CUgraphNode, event: CUevent) -> R {
    set(handle, add::record(event))
}

pub fn get_wait(_: &Call, handle: CUgraphNode, out: *mut CUevent) -> R {
    get(handle, out, |kind| {
        if let Kind::Wait(event) = kind { Some(event.handle as CUevent) } else { None }
    })
}

pub fn set_wait(_: &Call, handle: CUgraphNode, event: CUevent) -> R {
    set(handle, add::wait(event))
}

pub fn get_alloc(_: &Call, handle: CUgraphNode, out: *mut CUDA_MEM_ALLOC_NODE_PARAMS_v1) -> R {
    get(handle, out.cast(), alloc_of)
}

pub(super) fn alloc_of(kind: &Kind) -> Option<AllocParams> {
    if let Kind::Alloc(made) = kind { Some(AllocParams::of(made)) } else { None }
}

pub fn get_free(_: &Call, handle: CUgraphNode, out: *mut CUdeviceptr) -> R {
    get(handle, out, |kind| if let Kind::Free(ptr) = kind { Some(*ptr) } else { None })
}

pub(super) fn memory_ops_of(kind: &Kind) -> Option<CUDA_BATCH_MEM_OP_NODE_PARAMS_v1> {
    let Kind::MemoryOps(ops) = kind else { return None };
    Some(CUDA_BATCH_MEM_OP_NODE_PARAMS_v1 {
        ctx: ptr::null_mut(),
        count: ops.len() as c_uint,
        paramArray: ops.as_ptr().cast_mut().cast(),
        flags: 0,
    })
}

pub fn get_memory_ops(
    _: &Call,
    handle: CUgraphNode,
    out: *mut CUDA_BATCH_MEM_OP_NODE_PARAMS_v1,
) -> R {
    get(handle, out, memory_ops_of)
}

pub fn set_memory_ops(
    _: &Call,
    handle: CUgraphNode,
    params: *const CUDA_BATCH_MEM_OP_NODE_PARAMS_v1,
) -> R {
    set(handle, add::memory_ops(params))
}

fn kernel_node(handle: CUgraphNode) -> Result<std::sync::Arc<Node>, E> {
    let node = node(handle)?;
    if matches!(of(&node), Kind::Kernel(_)) { Ok(node) } else { Err(E::INVALID_VALUE) }
}

pub fn get_attribute(
    _: &Call,
    handle: CUgraphNode,
    attribute: c_uint,
    out: *mut AttributeValue,
) -> R {
    given(out)?;
    let node = kernel_node(handle)?;
    Launch::known_attribute(attribute)?;
    let value = locked(&node.attributes).get(&attribute).copied().unwrap_or_default();
    put(out, value)
}

pub fn set_attribute(
    _: &Call,
    handle: CUgraphNode,
    attribute: c_uint,
    value: *const AttributeValue,
) -> R {
    let value = crate::api::take(value)?;
    let node = kernel_node(handle)?;
    Launch::known_attribute(attribute)?;
    locked(&node.attributes).insert(attribute, value);
    Ok(())
}

pub fn copy_attributes(_: &Call, to: CUgraphNode, from: CUgraphNode) -> R {
    let (to, from) = (kernel_node(to)?, kernel_node(from)?);
    let attributes = locked(&from.attributes).clone();
    *locked(&to.attributes) = attributes;
    Ok(())
}
