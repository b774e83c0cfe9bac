//! Fills: a pattern of one, two or four bytes, over one or two dimensions.

use super::order;
use super::reach::{Reach, Use};
use crate::api::{Call, E, R};
use cudarc::driver::sys::{CUdeviceptr, CUstream};
use std::ffi::c_uint;

/// A checked fill, ready to run whenever its turn comes.
#[derive(Clone)]
pub struct Job {
    dst: Reach,
    pitch: usize,
    value: u32,
    /// Bytes of the pattern.
    element: usize,
    /// Elements in a row.
    width: usize,
    height: usize,
}

impl Job {
    pub fn of(
        dst: u64,
        pitch: usize,
        value: u32,
        element: u32,
        width: usize,
        height: usize,
    ) -> Result<Job, E> {
        let (dst, element) = (dst as usize, element as usize);
        if !matches!(element, 1 | 2 | 4) {
            return Err(E::INVALID_VALUE);
        }
        let row = width.checked_mul(element).ok_or(E::INVALID_VALUE)?;
        if !dst.is_multiple_of(element)
            || (height > 1 && (pitch < row || !pitch.is_multiple_of(element)))
        {
            return Err(E::INVALID_VALUE);
        }
        let rows = height.saturating_sub(1).checked_mul(pitch);
        let len = rows.and_then(|rows| rows.checked_add(row)).ok_or(E::INVALID_VALUE)?;
        let len = if width == 0 || height == 0 { 0 } else { len };
        let dst = Reach::of_device(dst, len, Use::Write)?;
        Ok(Job { dst, pitch, value, element, width, height })
    }

    /// dst, pitch, value, element, width, height.
    pub fn describe(&self) -> (u64, usize, u32, u32, usize, usize) {
        let dst = self.dst.address as u64;
        (dst, self.pitch, self.value, self.element as u32, self.width, self.height)
    }

    pub fn bytes(&self) -> usize {
        self.element * self.width * self.height
    }

    pub fn run(&self) -> R {
        let row = self.width * self.element;
        let pattern = self.value.to_le_bytes();
        let even = pattern[..self.element].iter().all(|byte| *byte == pattern[0]);
        (0..self.height).try_for_each(|y| {
            self.dst.each(y * self.pitch, row, |offset, at, len| {
                // SAFETY: checked when the job was made, kept alive by it, and `len` bytes long.
                let bytes = unsafe { std::slice::from_raw_parts_mut(at as *mut u8, len) };
                if even {
                    bytes.fill(pattern[0]);
                } else {
                    for (index, byte) in bytes.iter_mut().enumerate() {
                        *byte = pattern[(offset + index) % self.element];
                    }
                }
            })
        })
    }
}

fn now(call: &Call, job: Result<Job, E>) -> R {
    let ctx = call.ctx()?;
    order::fill_now(call, &ctx, job?)
}

fn later(call: &Call, stream: CUstream, job: Result<Job, E>) -> R {
    let ctx = call.ctx()?;
    order::fill(call, &ctx, stream, job?)
}

pub fn d8(call: &Call, dst: CUdeviceptr, value: u8, n: usize) -> R {
    now(call, Job::of(dst, 0, value.into(), 1, n, 1))
}

pub fn d16(call: &Call, dst: CUdeviceptr, value: u16, n: usize) -> R {
    now(call, Job::of(dst, 0, value.into(), 2, n, 1))
}

pub fn d32(call: &Call, dst: CUdeviceptr, value: c_uint, n: usize) -> R {
    now(call, Job::of(dst, 0, value, 4, n, 1))
}

pub fn d8_async(call: &Call, dst: CUdeviceptr, value: u8, n: usize, stream: CUstream) -> R {
    later(call, stream, Job::of(dst, 0, value.into(), 1, n, 1))
}

pub fn d16_async(call: &Call, dst: CUdeviceptr, value: u16, n: usize, stream: CUstream) -> R {
    later(call, stream, Job::of(dst, 0, value.into(), 2, n, 1))
}

pub fn d32_async(call: &Call, dst: CUdeviceptr, value: c_uint, n: usize, stream: CUstream) -> R {
    later(call, stream, Job::of(dst, 0, value, 4, n, 1))
}

pub fn d2d8(
    call: &Call,
    dst: CUdeviceptr,
    pitch: usize,
    value: u8,
    width: usize,
    height: usize,
) -> R {
    now(call, Job::of(dst, pitch, value.into(), 1, width, height))
}

pub fn d2d16(
    call: &Call,
    dst: CUdeviceptr,
    pitch: usize,
    value: u16,
    width: usize,
    height: usize,
) -> R {
    now(call, Job::of(dst, pitch, value.into(), 2, width, height))
}

pub fn d2d32(
    call: &Call,
    dst: CUdeviceptr,
    pitch: usize,
    value: c_uint,
    width: usize,
    height: usize,
) -> R {
    now(call, Job::of(dst, pitch, value, 4, width, height))
}

pub fn d2d8_async(
    call: &Call,
    dst: CUdeviceptr,
    pitch: usize,
    value: u8,
    width: usize,
    height: usize,
    stream: CUstream,
) -> R {
    later(call, stream, Job::of(dst, pitch, value.into(), 1, width, height))
}

pub fn d2d16_async(
    call: &Call,
    dst: CUdeviceptr,
    pitch: usize,
    value: u16,
    width: usize,
    height: usize,
    stream: CUstream,
) -> R {
    later(call, stream, Job::of(dst, pitch, value.into(), 2, width, height))
}

pub fn d2d32_async(
    call: &Call,
    dst: CUdeviceptr,
    pitch: usize,
    value: c_uint,
    width: usize,
    height: usize,
    stream: CUstream,
) -> R {
    later(call, stream, Job::of(dst, pitch, value, 4, width, height))
}
