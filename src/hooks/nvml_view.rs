//! What NVML shows, and so what nvidia-smi and the like show: the client's slice, and its processes.
#![forbid(unsafe_code)]

use core::ffi::{c_uint, c_void};

use super::caller::{read, write};
use super::real::Real;
use crate::client::Client;
use crate::driver::{Status, nvml};
use crate::member::{Looked, look};

type Device = *mut c_void;
type Out = *mut c_void;

/// Words of a process in a list, by the version of the list; the pid comes first in each.
const WORDS_V1: usize = 2;
const WORDS_V2: usize = 3;
const WORDS_DETAIL: usize = 4;

fn looked(client: &Client, device: Device) -> Option<Looked> {
    if !client.shows_slices() {
        return None;
    }
    look(client.config(), nvml::uuid_of(device.addr() as u64)?)
}

/// Total, free and used, within the slice.
fn within(looked: &Looked, [total, free, _]: [u64; 3]) -> Option<[u64; 3]> {
    let slice = looked.slice(total)?;
    let total = slice.total.min(total);
    Some([total, slice.free().min(free), slice.used.min(total)])
}

pub fn memory(client: &Client, real: &Real, device: Device, out: Out) -> Status {
    let status = real.call();
    let out = out.cast::<[u64; 3]>();
    if status.ok()
        && let (Some(looked), Some(memory)) = (looked(client, device), read(out))
        && let Some(memory) = within(&looked, memory)
    {
        write(out, memory);
    }
    status
}

/// As above, with a version word before and what is reserved in between: of that, nothing is the
/// client's.
pub fn memory_v2(client: &Client, real: &Real, device: Device, out: Out) -> Status {
    let status = real.call();
    let out = out.cast::<[u64; 5]>();
    if status.ok()
        && let (Some(looked), Some([version, total, _, free, used])) =
            (looked(client, device), read(out))
        && let Some([total, free, used]) = within(&looked, [total, free, used])
    {
        write(out, [version, total, 0, free, used]);
    }
    status
}

pub fn processes(
    client: &Client,
    real: &Real,
    device: Device,
    count: *mut c_uint,
    infos: Out,
) -> Status {
    let status = real.call();
    keep_own::<WORDS_V1>(client, status, device, count, infos);
    status
}

pub fn processes_v2(
    client: &Client,
    real: &Real,
    device: Device,
    count: *mut c_uint,
    infos: Out,
) -> Status {
    let status = real.call();
    keep_own::<WORDS_V2>(client, status, device, count, infos);
    status
}

/// The list's head is a version and a mode, then how many there are and where.
pub fn details(client: &Client, real: &Real, device: Device, list: Out) -> Status {
    let status = real.call();
    // What was refused may be no list at all.
    if status.ok()
        && let Some([_, _, entries]) = read(list.cast::<[usize; 3]>().cast_const())
    {
        let count = list.cast::<c_uint>().wrapping_add(2);
        let entries = core::ptr::with_exposed_provenance_mut::<c_void>(entries);
        keep_own::<WORDS_DETAIL>(client, status, device, count, entries);
    }
    status
}

/// Keeps the client's processes of a list the driver has just written.
fn keep_own<const WORDS: usize>(
    client: &Client,
    status: Status,
    device: Device,
    count: *mut c_uint,
    infos: Out,
) {
    if !status.ok() || infos.is_null() {
        return;
    }
    let (Some(looked), Some(listed)) = (looked(client, device), read(count)) else { return };
    if looked.slice(u64::MAX).is_none() {
        return;
    }
    let entries = infos.cast::<[u64; WORDS]>();
    let mut kept = 0;
    for index in 0..listed as usize {
        let Some(entry) = read(entries.wrapping_add(index)) else { break };
        let pid = entry.first().map_or(0, |word| *word as u32);
        if looked.pids.contains(&pid) {
            write(entries.wrapping_add(kept), entry);
            kept += 1;
        }
    }
    write(count, kept as c_uint);
}
