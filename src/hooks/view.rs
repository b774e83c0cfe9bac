//! What the program is told of memory: its slice as if it were the card.
#![forbid(unsafe_code)]

use core::ffi::c_uint;

use cudarc::driver::sys::CUdevice;

use super::caller::{read, write};
use super::real::Real;
use crate::client::Client;
use crate::driver::Status;
use crate::member::Slice;

/// A figure of the ABI whose sizes had 32 bits.
fn narrow(bytes: usize) -> c_uint {
    c_uint::try_from(bytes).unwrap_or(c_uint::MAX)
}

fn slice(client: &Client) -> Option<Slice> {
    let member = client.member().filter(|_| client.shows_slices())?;
    member.slice(member.context()?.device)
}

/// The card's figures as the slice's; free is what neither the quota nor the card has given away.
fn within(slice: Slice, free: usize, total: usize) -> (usize, usize) {
    (free.min(slice.free() as usize), total.min(slice.total as usize))
}

#[inline(always)]
pub fn memory(client: &Client, real: &Real, free: *mut usize, total: *mut usize) -> Status {
    let status = real.call();
    if status.ok()
        && let Some(slice) = slice(client)
        && let (Some(left), Some(all)) = (read(free), read(total))
    {
        let (left, all) = within(slice, left, all);
        write(free, left);
        write(total, all);
    }
    status
}

pub fn memory_32(client: &Client, real: &Real, free: *mut c_uint, total: *mut c_uint) -> Status {
    let status = real.call();
    if status.ok()
        && let Some(slice) = slice(client)
        && let (Some(left), Some(all)) = (read(free), read(total))
    {
        let (left, all) = within(slice, left as usize, all as usize);
        write(free, narrow(left));
        write(total, narrow(all));
    }
    status
}

fn total_of(client: &Client, device: CUdevice) -> Option<usize> {
    let member = client.member().filter(|_| client.shows_slices())?;
    Some(member.slice(member.device(device)?)?.total as usize)
}

pub fn total(client: &Client, real: &Real, bytes: *mut usize, device: CUdevice) -> Status {
    let status = real.call();
    if status.ok()
        && let (Some(slice), Some(all)) = (total_of(client, device), read(bytes))
    {
        write(bytes, all.min(slice));
    }
    status
}

pub fn total_32(client: &Client, real: &Real, bytes: *mut c_uint, device: CUdevice) -> Status {
    let status = real.call();
    if status.ok()
        && let (Some(slice), Some(all)) = (total_of(client, device), read(bytes))
    {
        write(bytes, all.min(narrow(slice)));
    }
    status
}
