//! Streams: waiting for them is when pools give memory back; capturing is when nothing is taken.
#![forbid(unsafe_code)]

use core::ffi::{c_uint, c_void};

use cudarc::driver::sys::*;

use super::real::Real;
use crate::client::Client;
use crate::driver::{Status, query};
use crate::member::{Awaited, Before};

/// What had been freed in order `before` is free now.
fn wait(client: &Client, real: &Real, all: Awaited, before: Option<Before>) -> Status {
    let status = timed(client, real, all);
    if let Some(member) = client.member() {
        if let Some(before) = before.filter(|_| status.ok()) {
            member.after_waiting(&before);
        }
        member.waited();
    }
    status
}

/// Runs what waits for work, and counts the time.
fn timed(client: &Client, real: &Real, all: Awaited) -> Status {
    let Some(member) = client.member() else { return real.call() };
    let Some(context) = member.context() else { return real.call() };
    let begun = member.now();
    let waiting = member.waits(context.device, all, begun);
    let status = real.call();
    let ended = member.now();
    if status.ok() {
        member.count_wait(context.device, ended.saturating_sub(begun), ended);
        member.has_landed(&waiting);
    }
    status
}

/// Whether work is done is asked for without waiting: an answer like any other, which may be that a fault
/// has taken the device.
pub fn query(_: &Client, real: &Real, _stream: CUstream) -> Status {
    real.call()
}

pub fn query_event(_: &Client, real: &Real, _event: CUevent) -> Status {
    real.call()
}

pub fn synchronize(client: &Client, real: &Real, stream: CUstream) -> Status {
    let stream = real.stream(stream);
    let before = client.member().and_then(|member| member.before_waiting_for(stream));
    wait(client, real, Awaited::Stream(stream), before)
}

pub fn synchronize_event(client: &Client, real: &Real, _event: CUevent) -> Status {
    wait(client, real, Awaited::Some, None)
}

/// Waits for all streams of a context, those of other threads as well.
fn wait_for_all(client: &Client, real: &Real, context: Option<u64>) -> Status {
    let before = client.member().and_then(|member| member.before_waiting(context));
    // Another context's is not where the current one's work is.
    let all = if context.is_none() { Awaited::Context } else { Awaited::Some };
    wait(client, real, all, before)
}

pub fn synchronize_context(client: &Client, real: &Real) -> Status {
    wait_for_all(client, real, None)
}

pub fn synchronize_that_context(client: &Client, real: &Real, context: CUcontext) -> Status {
    wait_for_all(client, real, Some(context.addr() as u64).filter(|context| *context != 0))
}

fn begin(client: &Client, real: &Real, stream: CUstream) -> Status {
    let Some(member) = client.member() else { return real.call() };
    let stream = real.stream(stream);
    member.capture_begins(stream);
    let status = real.call();
    if !status.ok() {
        member.capture_ends(stream);
    }
    status
}

pub fn begin_capture_v1(client: &Client, real: &Real, stream: CUstream) -> Status {
    begin(client, real, stream)
}

pub fn begin_capture(client: &Client, real: &Real, stream: CUstream, _mode: c_uint) -> Status {
    begin(client, real, stream)
}

#[allow(clippy::too_many_arguments)]
pub fn begin_capture_to_graph(
    client: &Client,
    real: &Real,
    stream: CUstream,
    _graph: CUgraph,
    _dependencies: *const CUgraphNode,
    _data: *const CUgraphEdgeData,
    _count: usize,
    _mode: c_uint,
) -> Status {
    begin(client, real, stream)
}

pub fn begin_recapture(
    client: &Client,
    real: &Real,
    stream: CUstream,
    _mode: c_uint,
    _graph: CUgraph,
    _callback: CUgraphRecaptureCallback,
    _data: *mut c_void,
) -> Status {
    begin(client, real, stream)
}

/// Whether a stream is in a capture of its own, well or broken.
fn captures(stream: u64) -> bool {
    let mut status = 0;
    query::cuStreamIsCapturing(stream, &mut status).ok() && status != 0
}

/// Runs what ends a stream's capture, if it has one.
fn end(client: &Client, real: &Real, stream: CUstream) -> Status {
    let Some(member) = client.member().filter(|member| member.is_capturing()) else {
        return real.call();
    };
    let stream = real.stream(stream);
    let before = captures(stream);
    let status = real.call();
    if before && !captures(stream) {
        member.capture_ends(stream);
    }
    status
}

pub fn end_capture(client: &Client, real: &Real, stream: CUstream, _graph: *mut CUgraph) -> Status {
    end(client, real, stream)
}

/// The handle means nothing any more, or something else: it is not asked again.
pub fn destroy(client: &Client, real: &Real, stream: CUstream) -> Status {
    let Some(member) = client.member() else { return real.call() };
    let stream = real.stream(stream);
    let mark = member.stream_goes(stream);
    member.loses_stream(stream);
    let status = real.call();
    if status.ok() {
        member.capture_ends(stream);
        member.stream_gone(stream, mark);
    }
    status
}
