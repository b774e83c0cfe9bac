//! Entry points: contexts, primary and green contexts, device resources, the profiler's switch.

use std::ffi::{c_int, c_uint};

use cudarc::driver::sys::*;

use crate::{context, profiler};

entries! {
    [cuCtxCreate cuCtxCreate_v2] (out: *mut CUcontext, flags: c_uint, device: CUdevice) => context::create;
    [cuCtxCreate_v3] (out: *mut CUcontext, params: *mut CUexecAffinityParam, count: c_int, flags: c_uint, device: CUdevice) => context::create_with_affinity;
    [cuCtxCreate_v4] (out: *mut CUcontext, params: *mut CUctxCreateParams, flags: c_uint, device: CUdevice) => context::create_with_params;
    [cuCtxDestroy cuCtxDestroy_v2] (ctx: CUcontext) => context::destroy;
    [cuCtxAttach] (out: *mut CUcontext, flags: c_uint) => context::attach;
    [cuCtxDetach] (ctx: CUcontext) => context::detach;
    [cuCtxPushCurrent cuCtxPushCurrent_v2] (ctx: CUcontext) => context::push;
    [cuCtxPopCurrent cuCtxPopCurrent_v2] (out: *mut CUcontext) => context::pop;
    [cuCtxSetCurrent] (ctx: CUcontext) => context::set_current;
    [cuCtxGetCurrent] (out: *mut CUcontext) => context::get_current;
    [cuCtxGetDevice] (out: *mut CUdevice) => context::get_device;
    [cuCtxGetDevice_v2] (out: *mut CUdevice, ctx: CUcontext) => context::get_device_of;
    [cuCtxGetApiVersion] (ctx: CUcontext, version: *mut c_uint) => context::get_api_version;
    [cuCtxGetId] (ctx: CUcontext, id: *mut u64) => context::get_id;
    [cuCtxGetFlags] (flags: *mut c_uint) => context::get_flags;
    [cuCtxSetFlags] (flags: c_uint) => context::set_flags;
    [cuCtxGetLimit] (value: *mut usize, limit: c_uint) => context::get_limit;
    [cuCtxSetLimit] (limit: c_uint, value: usize) => context::set_limit;
    [cuCtxGetCacheConfig] (config: *mut c_uint) => context::get_cache_config;
    [cuCtxSetCacheConfig] (config: c_uint) => context::set_cache_config;
    [cuCtxGetSharedMemConfig] (config: *mut c_uint) => context::get_bank_config;
    [cuCtxSetSharedMemConfig] (config: c_uint) => context::set_bank_config;
    [cuCtxGetStreamPriorityRange] (least: *mut c_int, greatest: *mut c_int) => context::get_priority_range;
    [cuCtxGetExecAffinity] (affinity: *mut [u32; 2], kind: c_uint) => context::get_affinity;
    [cuCtxResetPersistingL2Cache] () => context::reset_persisting_l2;
    [cuFlushGPUDirectRDMAWrites] (target: c_int, scope: c_int) => context::flush_rdma_writes;
    [cuCtxEnablePeerAccess] (peer: CUcontext, flags: c_uint) => context::enable_peer;
    [cuCtxDisablePeerAccess] (peer: CUcontext) => context::disable_peer;

    [cuDevicePrimaryCtxRetain] (out: *mut CUcontext, device: CUdevice) => context::primary_retain;
    [cuDevicePrimaryCtxRelease cuDevicePrimaryCtxRelease_v2] (device: CUdevice) => context::primary_release;
    [cuDevicePrimaryCtxReset cuDevicePrimaryCtxReset_v2] (device: CUdevice) => context::primary_reset;
    [cuDevicePrimaryCtxSetFlags] (device: CUdevice, flags: c_uint) => context::primary_set_flags_v1;
    [cuDevicePrimaryCtxSetFlags_v2] (device: CUdevice, flags: c_uint) => context::primary_set_flags;
    [cuDevicePrimaryCtxGetState] (device: CUdevice, flags: *mut c_uint, active: *mut c_int) => context::primary_get_state;

    [cuDeviceGetDevResource] (device: CUdevice, out: *mut CUdevResource, kind: c_uint) => context::of_device;
    [cuCtxGetDevResource] (ctx: CUcontext, out: *mut CUdevResource, kind: c_uint) => context::of_context;
    [cuDevSmResourceSplitByCount] (result: *mut CUdevResource, count: *mut c_uint, input: *const CUdevResource, rest: *mut CUdevResource, flags: c_uint, least: c_uint) => context::split_by_count;
    [cuDevResourceGenerateDesc] (out: *mut CUdevResourceDesc, resources: *mut CUdevResource, count: c_uint) => context::describe;
    [cuGreenCtxCreate] (out: *mut CUgreenCtx, desc: CUdevResourceDesc, device: CUdevice, flags: c_uint) => context::green_create;
    [cuGreenCtxDestroy] (green: CUgreenCtx) => context::green_destroy;
    [cuGreenCtxGetDevResource] (green: CUgreenCtx, out: *mut CUdevResource, kind: c_uint) => context::green_resource;
    [cuGreenCtxGetId] (green: CUgreenCtx, id: *mut u64) => context::green_id;
    [cuCtxFromGreenCtx] (out: *mut CUcontext, green: CUgreenCtx) => context::green_context;

    [cuProfilerInitialize] () => profiler::initialize;
    [cuProfilerStart] () => profiler::start;
    [cuProfilerStop] () => profiler::stop;
}
