//! Which processes are on a card.

use std::ffi::c_uint;

use super::device::{Handle, number};
use super::memory::version;
use super::{N, R, put, take};
use crate::{machine, mps};

/// Neither card is divided into instances.
const NO_INSTANCE: u32 = u32::MAX;

#[repr(C)]
pub struct InfoV1 {
    pid: u32,
    bytes: u64,
}

/// Of the calls `_v2` and `_v3`.
#[repr(C)]
pub struct Info {
    pid: u32,
    bytes: u64,
    gpu_instance: u32,
    compute_instance: u32,
}

#[repr(C)]
pub struct Detail {
    info: Info,
    protected_bytes: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct DetailList {
    version: u32,
    kind: u32,
    count: u32,
    items: *mut Detail,
}

/// Pid and bytes of every process that has a context on the card.
fn on_card(card: Handle) -> Result<Vec<(u32, u64)>, N> {
    let mut processes = machine::current().processes(number(card)?);
    processes.retain(|process| process.alive && process.contexts > 0);
    Ok(processes.iter().map(|process| (process.pid, process.held)).collect())
}

/// MPS clients have a list of their own.
fn listed(card: Handle, as_mps_clients: bool) -> Result<Vec<(u32, u64)>, N> {
    let processes = on_card(card)?;
    Ok(if as_mps_clients == mps::enabled() { processes } else { Vec::new() })
}

/// Fills the caller's array if all fit, and says how many there are in any case.
fn fill<T>(count: *mut c_uint, items: *mut T, found: Vec<T>) -> R {
    let room = take(count)?;
    put(count, found.len() as c_uint)?;
    if found.len() > room as usize {
        return Err(N::INSUFFICIENT_SIZE);
    }
    for (at, item) in found.into_iter().enumerate() {
        put(items.wrapping_add(at), item)?;
    }
    Ok(())
}

fn v1((pid, bytes): (u32, u64)) -> InfoV1 {
    InfoV1 { pid, bytes }
}

fn v2((pid, bytes): (u32, u64)) -> Info {
    Info { pid, bytes, gpu_instance: NO_INSTANCE, compute_instance: NO_INSTANCE }
}

pub fn compute_v1(card: Handle, count: *mut c_uint, items: *mut InfoV1) -> R {
    fill(count, items, listed(card, false)?.into_iter().map(v1).collect())
}

pub fn compute(card: Handle, count: *mut c_uint, items: *mut Info) -> R {
    fill(count, items, listed(card, false)?.into_iter().map(v2).collect())
}

pub fn mps_v1(card: Handle, count: *mut c_uint, items: *mut InfoV1) -> R {
    fill(count, items, listed(card, true)?.into_iter().map(v1).collect())
}

pub fn mps(card: Handle, count: *mut c_uint, items: *mut Info) -> R {
    fill(count, items, listed(card, true)?.into_iter().map(v2).collect())
}

/// Nobody draws on a simulated card.
pub fn graphics_v1(card: Handle, count: *mut c_uint, items: *mut InfoV1) -> R {
    number(card)?;
    fill(count, items, Vec::new())
}

pub fn graphics(card: Handle, count: *mut c_uint, items: *mut Info) -> R {
    number(card)?;
    fill(count, items, Vec::new())
}

pub fn details(card: Handle, list: *mut DetailList) -> R {
    let asked = take(list)?;
    if asked.version != version::<DetailList>(1) {
        return Err(N::ARGUMENT_VERSION_MISMATCH);
    }
    let found = match asked.kind {
        0 => listed(card, false)?,
        1 => Vec::new(),
        2 => listed(card, true)?,
        _ => return Err(N::INVALID_ARGUMENT),
    };
    let found = found.into_iter().map(|process| Detail { info: v2(process), protected_bytes: 0 });
    let mut count = asked.count;
    let filled = fill(&raw mut count, asked.items, found.collect());
    put(list, DetailList { count, ..asked })?;
    filled
}
