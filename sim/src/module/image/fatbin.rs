//! Fat binaries: a header and entries, each a cubin or PTX for one architecture, perhaps compressed.

use std::ffi::c_void;

use super::words::{u16_at, u32_at, u64_at, usize_at};
use super::{Image, cubin, lz4, read_bytes};
use crate::api::E;

const HEADER: usize = 16;
/// The shortest header of an entry.
const ENTRY: usize = 64;
const PTX: u16 = 1;
const CUBIN: u16 = 2;
const LZ4: u64 = 1 << 13;
const ZSTD: u64 = 1 << 15;

/// # Safety
/// `start` points to a whole fat binary.
pub unsafe fn length(start: *const u8) -> usize {
    // SAFETY: it has a whole header.
    let header = unsafe { std::slice::from_raw_parts(start, HEADER) };
    let size = u64::from_le_bytes(header[8..16].try_into().unwrap_or_default());
    usize::from(u16::from_le_bytes([header[6], header[7]])) + size as usize
}

/// The fat binary a wrapper points to, as compilers put it into programs.
///
/// # Safety
/// `start` points to a whole wrapper.
pub unsafe fn wrapped(start: *const u8) -> *const c_void {
    #[repr(C)]
    struct Wrapper {
        magic: u32,
        version: u32,
        data: *const c_void,
        prelinked: *const c_void,
    }
    // SAFETY: the caller's promise; read without assuming its alignment.
    unsafe { start.cast::<Wrapper>().read_unaligned() }.data
}

struct Entry<'a> {
    kind: u16,
    /// Ten times major plus minor.
    arch: u32,
    flags: u64,
    bytes: &'a [u8],
    unpacked: usize,
}

fn entries(file: &[u8]) -> Option<Vec<Entry<'_>>> {
    let mut rest = file.get(usize::from(u16_at(file, 6)?)..)?;
    let mut found = Vec::new();
    while rest.len() >= ENTRY {
        let (header, payload) = (u32_at(rest, 4)? as usize, usize_at(rest, 8)?);
        let end = header.checked_add(payload).filter(|_| header >= ENTRY)?;
        let (flags, packed) = (u64_at(rest, 40)?, u32_at(rest, 16)? as usize);
        let body = rest.get(header..end)?;
        let compressed = flags & (LZ4 | ZSTD) != 0 && packed > 0;
        found.push(Entry {
            kind: u16_at(rest, 0)?,
            arch: u32_at(rest, 28)?,
            flags: if compressed { flags } else { 0 },
            bytes: if compressed { body.get(..packed)? } else { body },
            unpacked: usize_at(rest, 56)?,
        });
        rest = &rest[end..];
    }
    Some(found)
}

/// The best entry for the device: its newest cubin, else the newest PTX it can compile.
pub fn read(file: &[u8], device: u32) -> Result<Image, E> {
    let entries = entries(file).ok_or(E::INVALID_IMAGE)?;
    let best = |kind: u16, fits: &dyn Fn(u32) -> bool| {
        entries
            .iter()
            .filter(|entry| entry.kind == kind && fits(entry.arch))
            .max_by_key(|entry| entry.arch)
    };
    let cubin = best(CUBIN, &|arch| cubin::runs_on(arch, device));
    let entry = cubin.or_else(|| best(PTX, &|arch| arch <= device)).ok_or(E::NO_BINARY_FOR_GPU)?;
    if entry.flags & ZSTD != 0 {
        return Ok(Image { bytes: entry.unpacked, opaque: true, ..Image::default() });
    }
    if entry.flags & LZ4 != 0 {
        let unpacked = lz4::unpack(entry.bytes, entry.unpacked).ok_or(E::INVALID_IMAGE)?;
        return read_bytes(&unpacked, device);
    }
    read_bytes(entry.bytes, device)
}
