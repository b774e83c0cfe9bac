//! A checked copy, ready to run whenever its turn comes.

use crate::api::{E, R};
use crate::memory::abi::{Memcpy3D, OF_ARRAY, OF_DEVICE, OF_HOST, OF_UNIFIED, Side3D};
use crate::memory::array::{self, Array};
use crate::memory::reach::{Reach, Use};
use cudarc::driver::sys::{CUDA_MEMCPY3D, CUdevice};
use std::sync::Arc;

#[derive(Clone)]
pub struct Job {
    src: Side,
    dst: Side,
    /// The copy as it was asked for.
    shape: Memcpy3D,
}

#[derive(Clone)]
enum Side {
    Linear { reach: Reach, pitch: usize, slice: usize },
    Array { array: Arc<Array>, x: usize, y: usize, z: usize },
}

/// The longest row pitch a card takes.
const MAX_PITCH: usize = i32::MAX as usize;

impl Job {
    pub fn new(shape: Memcpy3D) -> Result<Job, E> {
        let src = Side::of(&shape.src, &shape, Use::Read)?;
        let dst = Side::of(&shape.dst, &shape, Use::Write)?;
        Ok(Job { src, dst, shape })
    }

    /// So many bytes from one address to another.
    pub fn flat(dst: Side3D, src: Side3D, bytes: usize) -> Result<Job, E> {
        Job::new(Memcpy3D { src, dst, width: bytes, height: 1, depth: 1 })
    }

    /// From a structure of the API, as the graph functions get it.
    pub fn of_3d(shape: *const CUDA_MEMCPY3D) -> Result<Job, E> {
        Job::new(crate::api::take(shape.cast::<Memcpy3D>())?)
    }

    /// The copy as the API describes it.
    pub fn describe(&self) -> CUDA_MEMCPY3D {
        // SAFETY: the layouts are asserted equal, and the memory types were checked to be ones
        // that the API's enumeration has.
        unsafe { std::mem::transmute::<Memcpy3D, CUDA_MEMCPY3D>(self.shape) }
    }

    /// Whether a side is host memory the driver has no hold on.
    pub fn touches_pageable(&self) -> bool {
        self.src.is_pageable() || self.dst.is_pageable()
    }

    /// Whether both sides are of the kinds of memory, and on the devices, that the other's are.
    pub fn same_memory(&self, other: &Job) -> bool {
        self.src.home() == other.src.home() && self.dst.home() == other.dst.home()
    }

    pub fn bytes(&self) -> usize {
        self.shape.width * self.shape.height * self.shape.depth
    }

    /// Host to device, device to host, within the device, within the host, or left to the addresses.
    pub fn direction(&self) -> usize {
        match (self.shape.src.kind, self.shape.dst.kind) {
            (OF_UNIFIED, _) | (_, OF_UNIFIED) => 5,
            (OF_HOST, OF_HOST) => 3,
            (OF_HOST, _) => 0,
            (_, OF_HOST) => 1,
            _ => 2,
        }
    }

    /// Moves the bytes.
    pub fn run(&self) -> R {
        let Memcpy3D { width, height, depth, .. } = self.shape;
        if self.src.is_solid(&self.shape) && self.dst.is_solid(&self.shape) {
            return self.row(0, 0, width * height * depth);
        }
        (0..depth).try_for_each(|z| (0..height).try_for_each(|y| self.row(z, y, width)))
    }

    fn row(&self, z: usize, y: usize, width: usize) -> R {
        let mut from = Vec::new();
        self.src.each(z, y, width, |offset, at, len| from.push((offset, at, len)))?;
        self.dst.each(z, y, width, |offset, to, len| {
            for &(first, at, have) in &from {
                let (start, end) = (offset.max(first), (offset + len).min(first + have));
                if start < end {
                    let (src, dst) =
                        ((at + start - first) as *const u8, (to + start - offset) as *mut u8);
                    // SAFETY: both sides were checked when the job was made and are kept alive by
                    // it; host memory the driver does not know is the caller's promise.
                    unsafe { std::ptr::copy(src, dst, end - start) };
                }
            }
        })
    }
}

impl Side {
    fn of(side: &Side3D, shape: &Memcpy3D, use_: Use) -> Result<Side, E> {
        let Memcpy3D { width, height, depth, .. } = *shape;
        let empty = width == 0 || height == 0 || depth == 0;
        if side.kind == OF_ARRAY {
            let array = array::of_handle(side.array)?.level(side.level)?;
            array.check(side.x, side.y, side.z, shape)?;
            return Ok(Side::Array { array, x: side.x, y: side.y, z: side.z });
        }
        let base = match side.kind {
            OF_HOST => side.host,
            OF_DEVICE | OF_UNIFIED => side.device as usize,
            _ => return Err(E::INVALID_VALUE),
        };
        let rows = height > 1 || depth > 1;
        let needed = side.x.checked_add(width).ok_or(E::INVALID_VALUE)?;
        if (rows || side.pitch != 0) && (side.pitch < needed || side.pitch > MAX_PITCH) {
            return Err(E::INVALID_VALUE);
        }
        if depth > 1 && side.height < height.saturating_add(side.y) {
            return Err(E::INVALID_VALUE);
        }
        let (pitch, slice) = (side.pitch, side.pitch.saturating_mul(side.height));
        let place = |z: usize, y: usize, x: usize| {
            let rows = z.checked_mul(slice)?.checked_add(y.checked_mul(pitch)?)?;
            rows.checked_add(x)
        };
        let start = place(side.z, side.y, side.x).and_then(|offset| base.checked_add(offset));
        let start = start.ok_or(E::INVALID_VALUE)?;
        let len = if empty { Some(0) } else { place(depth - 1, height - 1, width) };
        let len = len.ok_or(E::INVALID_VALUE)?;
        let reach = match side.kind {
            OF_DEVICE => Reach::of_device(start, len, use_)?,
            _ => Reach::of(start, len, use_)?,
        };
        Ok(Side::Linear { reach, pitch, slice })
    }

    fn is_pageable(&self) -> bool {
        matches!(self, Side::Linear { reach, .. } if reach.is_pageable())
    }

    /// Array or not, and the device it is of, if it is a device's.
    fn home(&self) -> (bool, Option<CUdevice>) {
        match self {
            Side::Linear { reach, .. } => (false, reach.device()),
            Side::Array { .. } => (true, None),
        }
    }

    /// Whether its rows follow each other without a gap.
    fn is_solid(&self, shape: &Memcpy3D) -> bool {
        match self {
            Side::Array { .. } => shape.height == 1 && shape.depth == 1,
            Side::Linear { pitch, slice, .. } => {
                (shape.height == 1 || *pitch == shape.width)
                    && (shape.depth == 1 || *slice == shape.width * shape.height)
            }
        }
    }

    fn each(&self, z: usize, y: usize, width: usize, mut f: impl FnMut(usize, usize, usize)) -> R {
        match self {
            Side::Linear { reach, pitch, slice } => reach.each(z * slice + y * pitch, width, f),
            Side::Array { array, x, y: top, z: first } => {
                f(0, array.at(*x, top + y, first + z)?, width);
                Ok(())
            }
        }
    }
}

impl Side3D {
    pub fn host<T>(address: *const T) -> Side3D {
        Side3D { kind: OF_HOST, host: address as usize, ..Side3D::default() }
    }

    pub fn device(address: u64) -> Side3D {
        Side3D { kind: OF_DEVICE, device: address, ..Side3D::default() }
    }

    /// Host or device: the address tells.
    pub fn unified(address: u64) -> Side3D {
        Side3D { kind: OF_UNIFIED, device: address, ..Side3D::default() }
    }

    pub fn array(array: usize, offset: usize) -> Side3D {
        Side3D { kind: OF_ARRAY, array, x: offset, ..Side3D::default() }
    }
}
