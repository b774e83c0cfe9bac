//! When memory work happens: now, in a stream's turn, or as part of a capture.

use super::{copy, fill};
use crate::api::{Call, E, R};
use crate::context::Context;
use crate::device;
use crate::done;
use crate::work::{self, Op, Stream, capture};
use cudarc::driver::sys::{CUdevice, CUdeviceptr, CUstream};
use std::sync::Arc;

/// Before the call returns, after what the default stream has to do.
pub fn copy_now(call: &Call, ctx: &Arc<Context>, job: copy::Job) -> R {
    let (direction, bytes) = (job.direction(), job.bytes());
    work::run_sync(call, ctx, Op::Copy(job))?;
    done::copied(direction, bytes);
    Ok(())
}

/// In the stream's turn; a copy from or to memory the driver has no hold on is waited for.
pub fn copy(call: &Call, ctx: &Arc<Context>, stream: CUstream, job: copy::Job) -> R {
    let stream = work::stream(call, ctx, stream)?;
    let captured = stream.is_capturing();
    let waits = job.touches_pageable() && !captured;
    let (direction, bytes) = (job.direction(), job.bytes());
    work::enqueue(&stream, Op::Copy(job))?;
    if !captured {
        done::copied(direction, bytes);
    }
    if waits { work::drain(&stream) } else { Ok(()) }
}

pub fn fill_now(call: &Call, ctx: &Arc<Context>, job: fill::Job) -> R {
    let bytes = job.bytes();
    work::run_sync(call, ctx, Op::Fill(job))?;
    done::did_bytes(done::Done::Fills, bytes);
    Ok(())
}

pub fn fill(call: &Call, ctx: &Arc<Context>, stream: CUstream, job: fill::Job) -> R {
    let (stream, bytes) = (work::stream(call, ctx, stream)?, job.bytes());
    let captured = stream.is_capturing();
    work::enqueue(&stream, Op::Fill(job))?;
    if !captured {
        done::did_bytes(done::Done::Fills, bytes);
    }
    Ok(())
}

/// What no graph can hold, in the stream's turn.
pub fn run(
    call: &Call,
    ctx: &Arc<Context>,
    stream: CUstream,
    job: impl FnOnce() + Send + 'static,
) -> R {
    run_on(&work::stream(call, ctx, stream)?, job)
}

pub fn run_on(stream: &Arc<Stream>, job: impl FnOnce() + Send + 'static) -> R {
    work::enqueue(stream, Op::Run(Box::new(job)))
}

pub fn stream(call: &Call, ctx: &Arc<Context>, stream: CUstream) -> Result<Arc<Stream>, E> {
    work::stream(call, ctx, stream)
}

/// A node of the capture the stream is in; `None` when it is in none.
pub fn capture_alloc(
    stream: &Arc<Stream>,
    device: CUdevice,
    bytes: usize,
) -> Option<Result<CUdeviceptr, E>> {
    match device::of(device) {
        Ok(device) => capture::alloc(stream, device, bytes),
        Err(error) => Some(Err(error)),
    }
}

pub fn capture_free(stream: &Arc<Stream>, address: CUdeviceptr) -> Option<R> {
    capture::free(stream, address)
}

/// A call that a capture in progress may forbid.
pub fn unsafe_call(ctx: &Arc<Context>) -> R {
    capture::unsafe_call(ctx)
}

/// Waits for everything the context was given to do.
pub fn synchronize(ctx: &Arc<Context>) -> R {
    work::synchronize(ctx)
}
