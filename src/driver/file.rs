//! What ELF files say of themselves. Any bytes may stand in them.
#![forbid(unsafe_code)]

use core::ffi::CStr;

use super::cache::with_file;

const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_RPATH: u64 = 15;
const DT_RUNPATH: u64 = 29;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;

#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;

/// Whether the loader passes silently over this file, wherever it finds it: made for another
/// machine, or another word size.
pub fn is_for_another_machine(path: &CStr) -> bool {
    let other = |file: &[u8]| {
        file.starts_with(b"\x7fELF")
            && (file.get(4..6) != Some(b"\x02\x01") || half(file, 18) != Some(MACHINE))
    };
    with_file(path, other).unwrap_or(false)
}

fn half(file: &[u8], at: usize) -> Option<u16> {
    file.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn word(file: &[u8], at: usize) -> Option<u32> {
    file.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn long(file: &[u8], at: usize) -> Option<usize> {
    let bytes = file.get(at..at.checked_add(8)?)?.try_into().ok()?;
    usize::try_from(u64::from_le_bytes(bytes)).ok()
}

/// The dynamic section of a file and the strings it refers to.
pub struct Dynamic<'a> {
    file: &'a [u8],
    start: usize,
    count: usize,
    strings: usize,
}

impl<'a> Dynamic<'a> {
    pub fn of(file: &'a [u8]) -> Option<Dynamic<'a>> {
        if !file.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let (table, size, count) =
            (long(file, 32)?, half(file, 54)? as usize, half(file, 56)? as usize);
        let headers = || (0..count).filter_map(|i| table.checked_add(i * size));
        let dynamic = headers().find(|&at| word(file, at) == Some(PT_DYNAMIC))?;
        let (start, length) = (long(file, dynamic + 8)?, long(file, dynamic + 32)?);
        let mut found = Dynamic { file, start, count: length / 16, strings: 0 };
        let address = found.values(DT_STRTAB).next()?;
        // The strings are given by address; the segment that holds them says where in the file.
        found.strings = headers().find_map(|at| {
            let (offset, base, held) =
                (long(file, at + 8)?, long(file, at + 16)?, long(file, at + 32)?);
            let inside = address.checked_sub(base).filter(|into| *into < held)?;
            (word(file, at)? == PT_LOAD).then_some(offset.checked_add(inside)?)
        })?;
        Some(found)
    }

    fn values(&self, wanted: u64) -> impl Iterator<Item = usize> {
        let (file, start) = (self.file, self.start);
        let tags = (0..self.count).map_while(move |i| {
            let at = start.checked_add(i.checked_mul(16)?)?;
            Some((long(file, at)? as u64, long(file, at + 8)?)).filter(|(tag, _)| *tag != DT_NULL)
        });
        tags.filter(move |(tag, _)| *tag == wanted).map(|(_, value)| value)
    }

    fn texts(&self, wanted: u64) -> impl Iterator<Item = &'a CStr> {
        let (file, strings) = (self.file, self.strings);
        let bytes = self.values(wanted).filter_map(move |at| file.get(strings.checked_add(at)?..));
        bytes.filter_map(|bytes| CStr::from_bytes_until_nul(bytes).ok())
    }

    /// The libraries the file is linked to.
    pub fn needed(&self) -> impl Iterator<Item = &'a CStr> {
        self.texts(DT_NEEDED)
    }

    /// The directories it wants them looked for in.
    pub fn run_path(&self) -> impl Iterator<Item = &'a [u8]> {
        let lists = self.texts(DT_RUNPATH).chain(self.texts(DT_RPATH));
        lists.flat_map(|list| list.to_bytes().split(|byte| *byte == b':'))
    }
}
