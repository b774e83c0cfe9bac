//! Waiting for and writing values in memory, in stream order.

use std::ffi::c_uint;
use std::sync::Arc;

use cudarc::driver::sys::{CUdeviceptr, CUstream, CUstreamBatchMemOpParams};

use super::graph::{Kind, fallible};
use super::queue::Step;
use super::stream::named;
use super::submit::submit;
use crate::api::{Call, E, R, take_many};
use crate::context::Context;
use crate::memory;

/// `CUstreamBatchMemOpParams`: the longest of its variants, whose fields the others share.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MemoryOp {
    operation: c_uint,
    /// Of a flush or barrier, which have no address.
    short_flags: c_uint,
    address: u64,
    value: u64,
    flags: c_uint,
    alias: u64,
    rest: u64,
}

const WAIT_32: c_uint = 1;
const WRITE_32: c_uint = 2;
const FLUSH: c_uint = 3;
const WAIT_64: c_uint = 4;
const WRITE_64: c_uint = 5;
const BARRIER: c_uint = 6;

/// How a wait compares; plus a flag that asks for a flush of remote writes.
const AT_LEAST: c_uint = 0;
const EQUAL: c_uint = 1;
const ANY_BIT: c_uint = 2;
const NOT_ALL: c_uint = 3;
const FLUSH_FLAG: c_uint = 1 << 30;

const MOST: c_uint = 256;

impl MemoryOp {
    /// The caller's batch, if every operation is in order.
    pub fn list(
        count: c_uint,
        ops: *const CUstreamBatchMemOpParams,
        flags: c_uint,
    ) -> Result<Vec<MemoryOp>, E> {
        if count >= MOST || flags != 0 {
            return Err(E::INVALID_VALUE);
        }
        let ops: Vec<MemoryOp> = take_many(ops.cast(), count as usize)?;
        ops.iter().try_for_each(MemoryOp::check)?;
        Ok(ops)
    }

    fn wide(&self) -> bool {
        matches!(self.operation, WAIT_64 | WRITE_64)
    }

    fn check(&self) -> R {
        let fine = match self.operation {
            WAIT_32 | WAIT_64 => self.flags & !FLUSH_FLAG <= NOT_ALL,
            WRITE_32 | WRITE_64 => self.flags <= 1,
            FLUSH => return if self.short_flags == 0 { Ok(()) } else { Err(E::INVALID_VALUE) },
            BARRIER => return if self.short_flags <= 1 { Ok(()) } else { Err(E::INVALID_VALUE) },
            _ => false,
        };
        let size = if self.wide() { 8 } else { 4 };
        if !fine || self.address == 0 || !self.address.is_multiple_of(size) {
            return Err(E::INVALID_VALUE);
        }
        memory::read(self.address, &mut [0; 8][..size as usize])
    }

    fn came(&self) -> bool {
        if self.wide() {
            let mut now = [0; 8];
            // Memory that is gone keeps nobody waiting.
            memory::read(self.address, &mut now).is_err()
                || met(u64::from_le_bytes(now), self.value, self.flags, 64)
        } else {
            let mut now = [0; 4];
            let value = u64::from(self.value as u32);
            memory::read(self.address, &mut now).is_err()
                || met(u64::from(u32::from_le_bytes(now)), value, self.flags, 32)
        }
    }

    pub fn step(&self, ctx: &Arc<Context>) -> Step {
        let op = *self;
        match self.operation {
            WAIT_32 | WAIT_64 => Step::Until(Box::new(move || op.came().then_some(0))),
            WRITE_32 => {
                fallible(ctx, move || memory::write(op.address, &(op.value as u32).to_le_bytes()))
            }
            WRITE_64 => fallible(ctx, move || memory::write(op.address, &op.value.to_le_bytes())),
            _ => Step::Do(Box::new(|| ())),
        }
    }
}

/// Whether `now` meets the condition. "At least" goes round: the difference has no sign bit.
fn met(now: u64, value: u64, flags: c_uint, bits: u32) -> bool {
    let all = u64::MAX >> (64 - bits);
    match flags & !FLUSH_FLAG {
        AT_LEAST => now.wrapping_sub(value) & all & (1 << (bits - 1)) == 0,
        EQUAL => now == value,
        ANY_BIT => now & value != 0,
        _ => !(now | value) & all != 0,
    }
}

fn one(
    call: &Call,
    stream: CUstream,
    operation: c_uint,
    address: CUdeviceptr,
    value: u64,
    flags: c_uint,
) -> R {
    let op = MemoryOp { operation, short_flags: 0, address, value, flags, alias: 0, rest: 0 };
    let stream = named(call, stream)?;
    op.check()?;
    submit(&stream, Kind::MemoryOps(vec![op]))
}

pub fn wait_32(
    call: &Call,
    stream: CUstream,
    address: CUdeviceptr,
    value: u32,
    flags: c_uint,
) -> R {
    one(call, stream, WAIT_32, address, u64::from(value), flags)
}

pub fn wait_64(
    call: &Call,
    stream: CUstream,
    address: CUdeviceptr,
    value: u64,
    flags: c_uint,
) -> R {
    one(call, stream, WAIT_64, address, value, flags)
}

pub fn write_32(
    call: &Call,
    stream: CUstream,
    address: CUdeviceptr,
    value: u32,
    flags: c_uint,
) -> R {
    one(call, stream, WRITE_32, address, u64::from(value), flags)
}

pub fn write_64(
    call: &Call,
    stream: CUstream,
    address: CUdeviceptr,
    value: u64,
    flags: c_uint,
) -> R {
    one(call, stream, WRITE_64, address, value, flags)
}

pub fn batch(
    call: &Call,
    stream: CUstream,
    count: c_uint,
    ops: *mut CUstreamBatchMemOpParams,
    flags: c_uint,
) -> R {
    let stream = named(call, stream)?;
    let ops = MemoryOp::list(count, ops, flags)?;
    submit(&stream, Kind::MemoryOps(ops))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        for (now, value, how, bits, expected) in [
            (5, 5, AT_LEAST, 32, true),
            (4, 5, AT_LEAST, 32, false),
            // Counters go round: 2 is four steps past 0xfffffffe.
            (2, 0xffff_fffe, AT_LEAST, 32, true),
            (2, 0xffff_fffe, AT_LEAST, 64, false),
            (1, u64::MAX, AT_LEAST, 64, true),
            (5, 5, EQUAL | FLUSH_FLAG, 64, true),
            (6, 5, EQUAL, 64, false),
            (6, 4, ANY_BIT, 32, true),
            (6, 1, ANY_BIT, 32, false),
            (0xffff_fff0, 0xf, NOT_ALL, 32, false),
            (0xffff_fff0, 0x7, NOT_ALL, 32, true),
        ] {
            assert_eq!(met(now, value, how, bits), expected, "{now:#x} {value:#x} {how} {bits}");
        }
    }
}
