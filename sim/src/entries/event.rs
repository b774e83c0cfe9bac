//! Entry points: events.

use std::ffi::c_uint;

use cudarc::driver::sys::*;

use crate::work::{event, event_share, sync};

entries! {
    [cuEventCreate] (out: *mut CUevent, flags: c_uint) => event::create;
    [cuEventDestroy cuEventDestroy_v2] (event: CUevent) => event::destroy;
    [cuEventRecord cuEventRecord_ptsz] (event: CUevent, stream: CUstream) => event::record;
    [cuEventRecordWithFlags cuEventRecordWithFlags_ptsz] (event: CUevent, stream: CUstream, flags: c_uint) => event::record_with_flags;
    [cuEventQuery] (event: CUevent) => event::query;
    [cuEventSynchronize] (event: CUevent) => event::synchronize;
    [cuEventElapsedTime cuEventElapsedTime_v2] (milliseconds: *mut f32, start: CUevent, end: CUevent) => event::elapsed;
    [cuIpcGetEventHandle] (handle: *mut CUipcEventHandle, event: CUevent) => event_share::export;
    [cuIpcOpenEventHandle] (out: *mut CUevent, handle: CUipcEventHandle) => event_share::import;

    [cuCtxRecordEvent] (ctx: CUcontext, event: CUevent) => sync::record_event;
    [cuCtxWaitEvent] (ctx: CUcontext, event: CUevent) => sync::wait_event;
    [cuGreenCtxRecordEvent] (green: CUgreenCtx, event: CUevent) => sync::record_event_green;
    [cuGreenCtxWaitEvent] (green: CUgreenCtx, event: CUevent) => sync::wait_event_green;
}
