//! Host memory the device can reach: allocated by the driver, or registered with it.

use super::range::{self, Backing, Kind, Owner, Range};
use super::{order, window};
use crate::api::{Call, E, R, given, put};
use cudarc::driver::sys::CUdeviceptr;
use std::ffi::{c_uint, c_void};

const PORTABLE: u32 = 1;
const DEVICE_MAP: u32 = 2;
const WRITE_COMBINED: u32 = 4;
const IO_MEMORY: u32 = 4;
const READ_ONLY: u32 = 8;

/// Pages of host memory, given back when dropped.
pub struct Pages {
    pub base: usize,
    len: usize,
}

impl Pages {
    pub fn new(bytes: usize) -> Result<Pages, E> {
        let len = bytes.checked_next_multiple_of(4096).ok_or(E::OUT_OF_MEMORY)?;
        // SAFETY: a fresh private mapping, placed by the kernel.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(E::OUT_OF_MEMORY);
        }
        Ok(Pages { base: base as usize, len })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping made by `new`, which nobody uses any more.
        unsafe { libc::munmap(self.base as *mut c_void, self.len) };
    }
}

pub fn alloc_plain(call: &Call, out: *mut *mut c_void, bytes: usize) -> R {
    alloc(call, out, bytes, 0)
}

pub fn alloc(call: &Call, out: *mut *mut c_void, bytes: usize, flags: c_uint) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    order::unsafe_call(&ctx)?;
    if bytes == 0 || flags & !(PORTABLE | DEVICE_MAP | WRITE_COMBINED) != 0 {
        return Err(E::INVALID_VALUE);
    }
    let pages = Pages::new(bytes)?;
    let (base, kind) = (pages.base, Kind::Pinned(flags));
    range::insert(Range::new(
        base,
        bytes,
        kind,
        Owner::of(&ctx),
        Backing::Host { _pages: Some(pages) },
    ));
    put(out, base as *mut c_void)
}

pub fn free(call: &Call, address: *mut c_void) -> R {
    let ctx = call.ctx()?;
    order::unsafe_call(&ctx)?;
    let pinned = |range: &Range| matches!(range.kind, Kind::Pinned(_));
    let found = range::find(address as usize);
    found.filter(|r| r.base == address as usize && pinned(r)).ok_or(E::INVALID_VALUE)?;
    order::synchronize(&ctx)?;
    range::remove(address as usize, pinned).ok_or(E::INVALID_VALUE)?;
    Ok(())
}

pub fn register(call: &Call, address: *mut c_void, bytes: usize, flags: c_uint) -> R {
    given(address)?;
    let ctx = call.ctx()?;
    order::unsafe_call(&ctx)?;
    let known = flags & !(PORTABLE | DEVICE_MAP | IO_MEMORY | READ_ONLY) == 0;
    if bytes == 0 || !known || window::contains(address as usize) {
        return Err(E::INVALID_VALUE);
    }
    if flags & IO_MEMORY != 0 {
        return Err(E::NOT_SUPPORTED);
    }
    let base = address as usize;
    base.checked_add(bytes).filter(|end| is_mapped(base, *end)).ok_or(E::INVALID_VALUE)?;
    range::insert_apart(Range::new(
        base,
        bytes,
        Kind::Registered,
        Owner::of(&ctx),
        Backing::Host { _pages: None },
    ))?;
    Ok(())
}

/// Whether the process has memory at all of these addresses.
fn is_mapped(base: usize, end: usize) -> bool {
    const PAGE: usize = 4096;
    let start = base / PAGE * PAGE;
    let mut residence = [0u8; 4096];
    (start..end).step_by(PAGE * residence.len()).all(|at| {
        let len = (end - at).min(PAGE * residence.len());
        // SAFETY: the kernel writes one byte per page, for which there is room, and fails where
        // nothing is mapped.
        unsafe { libc::mincore(at as *mut c_void, len, residence.as_mut_ptr()) == 0 }
    })
}

pub fn unregister(call: &Call, address: *mut c_void) -> R {
    given(address)?;
    let ctx = call.ctx()?;
    order::unsafe_call(&ctx)?;
    order::synchronize(&ctx)?;
    let registered = |range: &Range| matches!(range.kind, Kind::Registered);
    range::remove(address as usize, registered).ok_or(E::HOST_MEMORY_NOT_REGISTERED)?;
    Ok(())
}

/// With unified addressing the device knows host memory by the host's own addresses.
pub fn device_pointer(
    call: &Call,
    out: *mut CUdeviceptr,
    address: *mut c_void,
    flags: c_uint,
) -> R {
    given(out)?;
    call.ctx()?;
    let range = range::find(address as usize).ok_or(E::INVALID_VALUE)?;
    if flags != 0 || !matches!(range.kind, Kind::Pinned(_) | Kind::Registered) {
        return Err(E::INVALID_VALUE);
    }
    put(out, address as CUdeviceptr)
}

pub fn flags(call: &Call, out: *mut c_uint, address: *mut c_void) -> R {
    given(out)?;
    call.ctx()?;
    match range::find(address as usize).as_ref().map(|range| &range.kind) {
        Some(Kind::Pinned(flags)) => put(out, *flags),
        _ => Err(E::INVALID_VALUE),
    }
}
