//! Work that is only counted: what the driver took, on the device it was for. What a capture took runs
//! later, from a graph.
#![forbid(unsafe_code)]

use cudarc::driver::sys::CUstream;

use super::real::{Flight, Real};
use crate::client::Client;
use crate::drain;
use crate::driver::Status;
use crate::member::{Work, leaves_out};

/// Whether work may go in: not while the process is on its way out.
#[inline(always)]
pub fn admitted() -> Result<(), Status> {
    if drain::is_closed() { drain::hold() } else { Ok(()) }
}

/// Runs a call that submits work to a stream, and counts it where it was not captured.
#[inline(always)]
pub fn submitted(
    client: &Client,
    real: &Real,
    stream: CUstream,
    count: impl FnOnce(&Work),
) -> Status {
    into_stream(client, real, (0, true), || stream, count)
}

/// The same for one that launches a function.
#[inline(always)]
pub fn launched(
    client: &Client,
    real: &Real,
    function: u64,
    stream: impl FnOnce() -> CUstream,
    count: impl FnOnce(&Work),
) -> Status {
    into_stream(client, real, (function, false), stream, count)
}

/// Which function, if it is one; and whether the answer may be about the work.
#[inline(always)]
fn into_stream(
    client: &Client,
    real: &Real,
    (function, answers): (u64, bool),
    stream: impl FnOnce() -> CUstream,
    count: impl FnOnce(&Work),
) -> Status {
    let Some(member) = client.member() else { return real.call() };
    if let Err(refused) = admitted() {
        return refused;
    }
    let stream = real.stream(stream());
    // Before the call, which may be the one that breaks a capture.
    let captured =
        member.is_capturing() && member.is_captured(stream) && !leaves_out("count:capture");
    let context = if captured { None } else { member.context() };
    let Some(context) = context else { return real.call() };
    let work = member.takes_off(context.device, function, stream);
    let flight = Flight { block: work.flight(stream), answers };
    let status = real.call_submitting(flight);
    if status.ok() {
        count(&work);
    }
    status
}

/// The same for a call that cannot be captured, and that has waited for what it did: a sign of life.
#[inline(always)]
pub fn done(client: &Client, real: &Real, count: impl FnOnce(&Work)) -> Status {
    let Some(member) = client.member() else { return real.call() };
    if let Err(refused) = admitted() {
        return refused;
    }
    let Some(context) = member.context() else { return real.call() };
    let stream = real.stream(DEFAULT);
    let work = member.takes_off(context.device, 0, stream);
    let flight = Flight { block: work.flight(stream), answers: true };
    let status = real.call_submitting(flight);
    if status.ok() {
        count(&work);
        member.note_alive(context.device);
    }
    status
}

/// The default stream.
pub const DEFAULT: CUstream = core::ptr::null_mut();
