//! Entry points: streams, their values, captures.

use std::ffi::{c_int, c_uint, c_void};

use cudarc::driver::sys::*;

use crate::work::graph::AttributeValue;
use crate::work::{attributes, capture, event, stream_calls as stream, sync, values};

entries! {
    [cuStreamCreate] (out: *mut CUstream, flags: c_uint) => stream::create;
    [cuStreamCreateWithPriority] (out: *mut CUstream, flags: c_uint, priority: c_int) => stream::create_with_priority;
    [cuGreenCtxStreamCreate] (out: *mut CUstream, green: CUgreenCtx, flags: c_uint, priority: c_int) => stream::create_green;
    [cuStreamDestroy cuStreamDestroy_v2] (stream: CUstream) => stream::destroy;
    [cuStreamQuery cuStreamQuery_ptsz] (stream: CUstream) => stream::query;
    [cuStreamSynchronize cuStreamSynchronize_ptsz] (stream: CUstream) => stream::synchronize;
    [cuStreamGetFlags cuStreamGetFlags_ptsz] (stream: CUstream, flags: *mut c_uint) => stream::flags;
    [cuStreamGetPriority cuStreamGetPriority_ptsz] (stream: CUstream, priority: *mut c_int) => stream::priority;
    [cuStreamGetId cuStreamGetId_ptsz] (stream: CUstream, id: *mut u64) => stream::id;
    [cuStreamGetDevice cuStreamGetDevice_ptsz] (stream: CUstream, device: *mut CUdevice) => stream::device;
    [cuStreamGetCtx cuStreamGetCtx_ptsz] (stream: CUstream, ctx: *mut CUcontext) => stream::ctx;
    [cuStreamGetCtx_v2 cuStreamGetCtx_v2_ptsz] (stream: CUstream, ctx: *mut CUcontext, green: *mut CUgreenCtx) => stream::ctx_v2;
    [cuStreamGetGreenCtx] (stream: CUstream, green: *mut CUgreenCtx) => stream::green_ctx;
    [cuStreamGetAttribute cuStreamGetAttribute_ptsz] (stream: CUstream, attribute: c_uint, value: *mut AttributeValue) => attributes::get;
    [cuStreamSetAttribute cuStreamSetAttribute_ptsz] (stream: CUstream, attribute: c_uint, value: *const AttributeValue) => attributes::set;
    [cuStreamCopyAttributes cuStreamCopyAttributes_ptsz] (to: CUstream, from: CUstream) => attributes::copy;
    [cuStreamAttachMemAsync cuStreamAttachMemAsync_ptsz] (stream: CUstream, ptr: CUdeviceptr, length: usize, flags: c_uint) => stream::attach_memory;

    [cuStreamAddCallback cuStreamAddCallback_ptsz] (stream: CUstream, callback: Option<unsafe extern "C" fn(CUstream, c_uint, *mut c_void)>, data: *mut c_void, flags: c_uint) => stream::callback;
    [cuLaunchHostFunc cuLaunchHostFunc_ptsz] (stream: CUstream, function: CUhostFn, data: *mut c_void) => stream::host_function;
    [cuLaunchHostFunc_v2 cuLaunchHostFunc_v2_ptsz] (stream: CUstream, function: CUhostFn, data: *mut c_void, mode: c_uint) => stream::host_function_v2;

    [cuStreamWaitEvent cuStreamWaitEvent_ptsz] (stream: CUstream, event: CUevent, flags: c_uint) => event::wait;
    [cuCtxSynchronize] () => sync::current;
    [cuCtxSynchronize_v2] (ctx: CUcontext) => sync::named;

    [cuStreamWaitValue32 cuStreamWaitValue32_ptsz cuStreamWaitValue32_v2 cuStreamWaitValue32_v2_ptsz] (stream: CUstream, address: CUdeviceptr, value: u32, flags: c_uint) => values::wait_32;
    [cuStreamWaitValue64 cuStreamWaitValue64_ptsz cuStreamWaitValue64_v2 cuStreamWaitValue64_v2_ptsz] (stream: CUstream, address: CUdeviceptr, value: u64, flags: c_uint) => values::wait_64;
    [cuStreamWriteValue32 cuStreamWriteValue32_ptsz cuStreamWriteValue32_v2 cuStreamWriteValue32_v2_ptsz] (stream: CUstream, address: CUdeviceptr, value: u32, flags: c_uint) => values::write_32;
    [cuStreamWriteValue64 cuStreamWriteValue64_ptsz cuStreamWriteValue64_v2 cuStreamWriteValue64_v2_ptsz] (stream: CUstream, address: CUdeviceptr, value: u64, flags: c_uint) => values::write_64;
    [cuStreamBatchMemOp cuStreamBatchMemOp_ptsz cuStreamBatchMemOp_v2 cuStreamBatchMemOp_v2_ptsz] (stream: CUstream, count: c_uint, ops: *mut CUstreamBatchMemOpParams, flags: c_uint) => values::batch;

    [cuStreamBeginCapture cuStreamBeginCapture_ptsz] (stream: CUstream) => capture::begin_v1;
    [cuStreamBeginCapture_v2 cuStreamBeginCapture_v2_ptsz] (stream: CUstream, mode: c_uint) => capture::begin;
    [cuStreamBeginCaptureToGraph cuStreamBeginCaptureToGraph_ptsz] (stream: CUstream, graph: CUgraph, nodes: *const CUgraphNode, edges: *const CUgraphEdgeData, count: usize, mode: c_uint) => capture::begin_to_graph;
    [cuStreamEndCapture cuStreamEndCapture_ptsz] (stream: CUstream, graph: *mut CUgraph) => capture::end;
    [cuStreamIsCapturing cuStreamIsCapturing_ptsz] (stream: CUstream, status: *mut c_uint) => capture::is_capturing;
    [cuStreamGetCaptureInfo cuStreamGetCaptureInfo_ptsz] (stream: CUstream, status: *mut c_uint, id: *mut u64) => capture::info_v1;
    [cuStreamGetCaptureInfo_v2 cuStreamGetCaptureInfo_v2_ptsz] (stream: CUstream, status: *mut c_uint, id: *mut u64, graph: *mut CUgraph, nodes: *mut *const CUgraphNode, count: *mut usize) => capture::info_v2;
    [cuStreamGetCaptureInfo_v3 cuStreamGetCaptureInfo_v3_ptsz] (stream: CUstream, status: *mut c_uint, id: *mut u64, graph: *mut CUgraph, nodes: *mut *const CUgraphNode, edges: *mut *const CUgraphEdgeData, count: *mut usize) => capture::info_v3;
    [cuStreamUpdateCaptureDependencies cuStreamUpdateCaptureDependencies_ptsz] (stream: CUstream, nodes: *mut CUgraphNode, count: usize, flags: c_uint) => capture::update;
    [cuStreamUpdateCaptureDependencies_v2 cuStreamUpdateCaptureDependencies_v2_ptsz] (stream: CUstream, nodes: *mut CUgraphNode, edges: *const CUgraphEdgeData, count: usize, flags: c_uint) => capture::update_v2;
    [cuThreadExchangeStreamCaptureMode] (mode: *mut c_uint) => capture::exchange;
}
