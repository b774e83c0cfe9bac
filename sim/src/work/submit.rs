//! How memory work gets into a stream.

use std::sync::Arc;

use super::capture;
use super::graph::Kind;
use super::queue::Step;
use super::stream::{self, Stream};
use crate::api::{Call, R};
use crate::context::Context;
use crate::memory::{copy, fill};

// Made for one call and taken apart in it.
#[allow(clippy::large_enum_variant)]
pub enum Op {
    Copy(copy::Job),
    Fill(fill::Job),
    /// What no graph can hold. Must not call back into this stream.
    Run(Box<dyn FnOnce() + Send>),
}

impl Op {
    /// As a node, if a graph can hold it.
    fn kind(self) -> Result<Kind, Box<dyn FnOnce() + Send>> {
        match self {
            Op::Copy(job) => Ok(Kind::Copy(Box::new(job))),
            Op::Fill(job) => Ok(Kind::Fill(job)),
            Op::Run(job) => Err(job),
        }
    }
}

/// Done when the stream gets to it; a node, if the stream is being captured.
pub fn enqueue(stream: &Arc<Stream>, op: Op) -> R {
    match op.kind() {
        Ok(kind) => submit(stream, kind),
        Err(job) => {
            capture::refuse(stream)?;
            stream.submit([Step::Do(job)]);
            Ok(())
        }
    }
}

/// The same for anything a graph can hold.
pub fn submit(stream: &Arc<Stream>, kind: Kind) -> R {
    match capture::route(stream)? {
        Some(capture) => capture.add(stream, kind).map(|_| ()),
        None => {
            stream.submit(kind.steps(&stream.ctx));
            Ok(())
        }
    }
}

/// Done before the call returns, in the order of the default stream, which no capture can contain.
pub fn run_sync(call: &Call, ctx: &Arc<Context>, op: Op) -> R {
    let stream = stream::resolve(call, ctx, std::ptr::null_mut())?;
    capture::refuse(&stream)?;
    capture::unsafe_call(ctx)?;
    match op.kind() {
        Ok(kind) => stream.submit(kind.steps(ctx)),
        Err(job) => stream.submit([Step::Do(job)]),
    }
    drain(&stream)
}

/// Returns when all work of the stream is done.
pub fn drain(stream: &Arc<Stream>) -> R {
    stream.wait();
    stream.ctx.check()
}
