//! The context that all of a process share on a device, and green contexts, which stand on it.
#![forbid(unsafe_code)]

use core::ffi::c_uint;

use cudarc::driver::sys::*;

use super::caller::read;
use super::context::{gone_from, make_on, without_our_questions};
use super::gone;
use super::real::Real;
use crate::client::Client;
use crate::driver::{Status, query};
use crate::member::{Green, Member, OnDevice};
use crate::share;

/// Whether it lives, if the driver says so.
fn is_active(device: CUdevice) -> Option<bool> {
    let (mut flags, mut active) = (0, 0);
    let asked = query::cuDevicePrimaryCtxGetState(device, &mut flags, &mut active).ok();
    asked.then_some(active != 0)
}

/// Runs what uses it, and may bring it to life; `handle` is what it is called, once it is there.
fn begin(
    client: &Client,
    member: &Member,
    real: &Real,
    device: &OnDevice,
    handle: impl Fn() -> Option<u64>,
) -> Status {
    let status = if is_active(device.ordinal) == Some(true) {
        real.call()
    } else {
        let made = || handle().unwrap_or(0);
        let status = make_on(member, real, made, device, || real.call());
        if status.ok() {
            share::note_context(client.config(), member, device, false);
        }
        status
    };
    if let Some(handle) = status.ok().then(handle).flatten() {
        client.watch_over(device);
        device.remember_primary(handle);
    }
    status
}

/// Runs what may end it; then it owns nothing any more.
fn end(member: &Member, real: &Real, device: &OnDevice) -> Status {
    let was_active = is_active(device.ordinal) == Some(true);
    let primary = device.primary();
    let is_gone = |_| is_active(device.ordinal) == Some(false);
    let (status, gone) = without_our_questions(Some(device), primary, || real.call(), is_gone);
    if was_active && gone {
        member.let_go_context(member.take_context(primary));
        gone_from(member, Some(device), primary);
    }
    status
}

pub fn retain(client: &Client, real: &Real, out: *mut CUcontext, ordinal: CUdevice) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let Some(device) = member.device(ordinal) else { return real.call() };
    begin(client, member, real, device, || read(out).map(|context| context.addr() as u64))
}

/// The last release, or a reset.
pub fn release(client: &Client, real: &Real, ordinal: CUdevice) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let Some(device) = member.device(ordinal) else { return real.call() };
    end(member, real, device)
}

/// Its name, while somebody uses it.
fn name_of(device: &OnDevice) -> Option<u64> {
    let mut handle = 0;
    query::cuDevicePrimaryCtxRetain(&mut handle, device.ordinal).ok().then(|| {
        let _ = query::cuDevicePrimaryCtxRelease_v2(device.ordinal);
        handle
    })
}

/// A part of its SMs, which one does not wait for by waiting for it.
pub fn create_green(
    client: &Client,
    real: &Real,
    out: *mut CUgreenCtx,
    _: CUdevResourceDesc,
    ordinal: CUdevice,
    _: c_uint,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let Some(device) = member.device(ordinal) else { return real.call() };
    device.has_more_contexts();
    let status = begin(client, member, real, device, || name_of(device));
    if let Some(green) = read(out).filter(|_| status.ok()) {
        member.greens.put(Green { handle: green.addr() as u64, context: 0, ordinal });
    }
    status
}

/// As a context that can be made current.
pub fn of_green(client: &Client, real: &Real, out: *mut CUcontext, green: CUgreenCtx) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let status = real.call();
    let known = member.greens.named(green.addr() as u64);
    if let (Some(context), Some(green), true) = (read(out), known, status.ok()) {
        member.knows_green(Green { context: context.addr() as u64, ..green });
    }
    status
}

pub fn destroy_green(client: &Client, real: &Real, green: CUgreenCtx) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let green = member.greens.take(green.addr() as u64);
    let device = green.and_then(|green| member.device(green.ordinal));
    let (Some(green), Some(device)) = (green, device) else { return real.call() };
    let status = end(member, real, device);
    if !status.ok() && !gone::context(green.context) {
        member.knows_green(green);
    }
    status
}
