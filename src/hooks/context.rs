//! The driver's start, contexts of the program's own and what they own.
#![forbid(unsafe_code)]

use core::ffi::{c_int, c_uint};
use core::ptr;

use cudarc::driver::sys::*;
use cuota_core::book::{Count, Kind as EventKind};

use super::affinity;
use super::caller::read;
use super::gone;
use super::real::Real;
use crate::client::Client;
use crate::driver::Status;
use crate::member::{Member, OnDevice};
use crate::{guard, mps, share};

/// First the ledger, then the driver, then the limits: devices have names only when there are some.
pub fn init(client: &Client, real: &Real, flags: c_uint) -> Status {
    if let Err(status) = client.join() {
        return status;
    }
    let status = match mps::wait_for_init(client.config(), flags, || real.call()) {
        Ok(status) => status,
        Err(status) => return status,
    };
    mps::explain(status);
    if status.ok()
        && let Err(status) = client.settle()
    {
        return status;
    }
    client.check_coverage();
    status
}

/// `ask` has the driver make it, in its own way or with a number of SMs.
fn create_on(
    client: &Client,
    real: &Real,
    out: *mut CUcontext,
    ordinal: CUdevice,
    ask: impl FnOnce() -> Status,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let Some(device) = member.device(ordinal) else { return real.call() };
    let made = || read(out).map_or(0, |context| context.addr() as u64);
    let status = make_on(member, real, made, device, ask);
    if status.ok() {
        share::note_context(client.config(), member, device, true);
        client.watch_over(device);
    }
    status
}

/// `made` is asked for its handle.
pub(super) fn make_on(
    member: &Member,
    real: &Real,
    made: impl FnOnce() -> u64,
    device: &OnDevice,
    ask: impl FnOnce() -> Status,
) -> Status {
    let estimate = device.context_estimate();
    let status = member.with_own(device, estimate, real.name(), true, ask);
    mps::explain(status);
    if status.ok() {
        let handle = made();
        device.has_context(handle, member.now());
        member.count(device, Count::ContextsMade, 1);
        let took = device.context_estimate();
        member.record(EventKind::ContextCreated, Some(device), [handle, took, 0]);
    }
    status
}

/// A context is gone, with what the driver took for it.
pub(super) fn gone_from(member: &Member, device: Option<&OnDevice>, handle: u64) {
    let Some(device) = device else { return };
    member.own_gone(device, true);
    device.lost_context();
    member.count(device, Count::ContextsGone, 1);
    member.record(EventKind::ContextDestroyed, Some(device), [handle, 0, 0]);
}

pub fn create(
    client: &Client,
    real: &Real,
    out: *mut CUcontext,
    flags: c_uint,
    device: CUdevice,
) -> Status {
    create_v3(client, real, out, ptr::null_mut(), 0, flags, device)
}

/// With graphics, which knows of no affinity.
pub fn create_for_graphics(
    client: &Client,
    real: &Real,
    out: *mut CUcontext,
    _: c_uint,
    device: CUdevice,
) -> Status {
    create_on(client, real, out, device, || real.call())
}

pub fn create_v3(
    client: &Client,
    real: &Real,
    out: *mut CUcontext,
    params: *mut CUexecAffinityParam,
    count: c_int,
    flags: c_uint,
    device: CUdevice,
) -> Status {
    create_on(client, real, out, device, || {
        affinity::v3(client.config(), real, out, (params, count), flags, device)
    })
}

pub fn create_v4(
    client: &Client,
    real: &Real,
    out: *mut CUcontext,
    params: *mut CUctxCreateParams,
    flags: c_uint,
    device: CUdevice,
) -> Status {
    create_on(client, real, out, device, || {
        affinity::v4(client.config(), real, out, params, flags, device)
    })
}

/// Runs what may destroy a context while none of our threads asks it anything; it is asked again if it lives.
/// Whether it is gone the answer does not tell: after a fault each call answers with that, and does as it is told.
pub(super) fn without_our_questions(
    device: Option<&OnDevice>,
    context: u64,
    call: impl FnOnce() -> Status,
    is_gone: impl FnOnce(Status) -> bool,
) -> (Status, bool) {
    let known = device.filter(|device| device.hide_context(context));
    if known.is_some() {
        guard::lets_go_of(context);
    }
    let status = call();
    let gone = is_gone(status);
    if let Some(device) = known.filter(|_| !gone) {
        device.show_context(context);
    }
    (status, gone)
}

pub fn destroy(client: &Client, real: &Real, context: CUcontext) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let handle = context.addr() as u64;
    let device = member.device_of_context(handle);
    let owned = member.take_context(handle);
    let is_gone = |status: Status| status.ok() || gone::context(handle);
    let (status, gone) = without_our_questions(device, handle, || real.call(), is_gone);
    if gone {
        member.let_go_context(owned);
        // Who is told that there is none has not ended it: another thread has, and counts it.
        gone_from(member, device.filter(|_| status != Status::INVALID_CONTEXT), handle);
    } else {
        member.put_context_back(owned);
    }
    status
}

/// The old way to let go of one use of a context: the last destroys it.
pub fn detach(client: &Client, real: &Real, context: CUcontext) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let handle = context.addr() as u64;
    let device = member.device_of_context(handle);
    let is_gone = |_| gone::context(handle);
    let (status, gone) = without_our_questions(device, handle, || real.call(), is_gone);
    if gone {
        member.let_go_context(member.take_context(handle));
        gone_from(member, device.filter(|_| status != Status::INVALID_CONTEXT), handle);
    }
    status
}

/// A limit that is memory counts from when it is promised.
pub fn set_limit(client: &Client, real: &Real, limit: c_uint, value: usize) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let Some(context) = member.context() else { return real.call() };
    member.with_limit(context, limit, value as u64, real.name(), || real.call())
}
