//! A card's memory, as a whole.

use super::device::{Handle, number};
use super::{N, R, put, take};
use crate::machine;

#[repr(C)]
pub struct Memory {
    total: u64,
    free: u64,
    used: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct MemoryV2 {
    version: u32,
    total: u64,
    reserved: u64,
    free: u64,
    used: u64,
}

/// Size and number of a structure, as its version word says them.
pub(super) const fn version<T>(number: u32) -> u32 {
    size_of::<T>() as u32 | number << 24
}

fn sums(card: Handle) -> Result<Memory, N> {
    let number = number(card)?;
    let machine = machine::current();
    let total = machine.total(number);
    let used = machine.used(number).min(total);
    Ok(Memory { total, free: total - used, used })
}

pub fn memory_info(card: Handle, out: *mut Memory) -> R {
    put(out, sums(card)?)
}

/// Nothing of a simulated card is kept from programs: reserved is 0.
pub fn memory_info_v2(card: Handle, out: *mut MemoryV2) -> R {
    let Memory { total, free, used } = sums(card)?;
    let asked = take(out.cast::<u32>().cast_const())?;
    if asked != version::<MemoryV2>(2) {
        return Err(N::ARGUMENT_VERSION_MISMATCH);
    }
    put(out, MemoryV2 { version: asked, total, reserved: 0, free, used })
}

pub fn bar1_info(card: Handle, out: *mut Memory) -> R {
    let total = machine::current().total(number(card)?).next_power_of_two();
    put(out, Memory { total, free: total, used: 0 })
}
