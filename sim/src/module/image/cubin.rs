//! What a cubin, an ELF file for the device, says about itself.

use std::ffi::CString;
use std::sync::Arc;

use super::words::{u16_at, u32_at, usize_at};
use super::write::OPAQUE;
use super::{Global, Image, Kernel, Param};
use crate::api::E;

const HEADER: usize = 64;
const SECTION: usize = 64;
const SYMBOL: usize = 24;

pub const MACHINE_CUDA: u16 = 190;
const NOBITS: u32 = 8;
const SYMTAB: u32 = 2;
const OBJECT: u8 = 1;
const FUNCTION: u8 = 2;
/// In a symbol's `st_other`.
pub const MANAGED: u8 = 0x04;
pub const ENTRY: u8 = 0x10;

/// Records of `.nv.info`: how a value is given, and of what.
pub const IN_RECORD: u8 = 4;
pub const MAX_THREADS: u8 = 0x05;
pub const KERNEL_PARAM: u8 = 0x17;
pub const FRAME: u8 = 0x11;
pub const REGISTERS: u8 = 0x2f;

/// From capability 9 on the compiler counts what the driver keeps of a block's shared memory.
pub const RESERVED_SHARED: u32 = 1024;

#[derive(Clone, Copy)]
struct Section<'a> {
    name: &'a str,
    kind: u32,
    size: usize,
    bytes: &'a [u8],
}

fn name_at(names: &[u8], at: usize) -> Option<&str> {
    std::str::from_utf8(names.get(at..)?.split(|byte| *byte == 0).next()?).ok()
}

fn sections(file: &[u8]) -> Option<Vec<Section<'_>>> {
    let (table, count, names) =
        (usize_at(file, 40)?, usize::from(u16_at(file, 60)?), usize::from(u16_at(file, 62)?));
    let header = |index: usize| file.get(table.checked_add(index * SECTION)?..)?.get(..SECTION);
    let contents = |header: &[u8]| {
        let (offset, size) = (usize_at(header, 24)?, usize_at(header, 32)?);
        if u32_at(header, 4)? == NOBITS {
            Some(&[][..])
        } else {
            file.get(offset..offset.checked_add(size)?)
        }
    };
    let names = contents(header(names)?)?;
    (0..count)
        .map(|index| {
            let header = header(index)?;
            Some(Section {
                name: name_at(names, u32_at(header, 0)? as usize)?,
                kind: u32_at(header, 4)?,
                size: usize_at(header, 32)?,
                bytes: contents(header)?,
            })
        })
        .collect()
}

/// How long the file is, from its headers alone.
///
/// # Safety
/// `start` points to a whole ELF file.
pub unsafe fn length(start: *const u8) -> usize {
    // SAFETY: a whole file has a whole header.
    let header = unsafe { std::slice::from_raw_parts(start, HEADER) };
    let (Some(table), Some(count)) = (usize_at(header, 40), u16_at(header, 60)) else {
        return HEADER;
    };
    let table_end = table + usize::from(count) * SECTION;
    // SAFETY: a whole file has the section headers its header speaks of.
    let headers = unsafe { std::slice::from_raw_parts(start, table_end) };
    let ends =
        headers.get(table..).unwrap_or_default().chunks_exact(SECTION).filter_map(|section| {
            let size = if u32_at(section, 4)? == NOBITS { 0 } else { usize_at(section, 32)? };
            usize_at(section, 24)?.checked_add(size)
        });
    // Program headers may come last.
    let segments =
        usize_at(header, 32).unwrap_or(0) + usize::from(u16_at(header, 56).unwrap_or(0)) * 56;
    ends.fold(table_end.max(segments), usize::max)
}

/// Ten times major plus minor, from the header's flags; their layout changed with ABI version 8.
pub fn capability(file: &[u8]) -> Option<u32> {
    let flags = u32_at(file, 48)?;
    Some(if *file.get(8)? >= 8 { flags >> 8 & 0xff } else { flags & 0xff })
}

/// Code runs on its own major version, from its own minor version on.
pub fn runs_on(code: u32, device: u32) -> bool {
    code / 10 == device / 10 && code <= device
}

pub fn read(file: &[u8], device: u32) -> Result<Image, E> {
    if u16_at(file, 18) != Some(MACHINE_CUDA) {
        return Err(E::INVALID_IMAGE);
    }
    let code = capability(file).ok_or(E::INVALID_IMAGE)?;
    if !runs_on(code, device) {
        return Err(E::NO_BINARY_FOR_GPU);
    }
    contents(file, code).ok_or(E::INVALID_IMAGE)
}

fn contents(file: &[u8], code: u32) -> Option<Image> {
    let sections = sections(file)?;
    let find = |name: &str| sections.iter().find(|section| section.name == name);
    let mut image = Image { bytes: file.len(), opaque: find(OPAQUE).is_some(), ..Image::default() };
    let Some(table) = sections.iter().find(|section| section.kind == SYMTAB) else {
        return Some(image);
    };
    let names = find(".strtab")?.bytes;
    for (index, symbol) in table.bytes.chunks_exact(SYMBOL).enumerate() {
        let name = name_at(names, u32_at(symbol, 0)? as usize)?;
        let (info, other, section) = (symbol[4], symbol[5], usize::from(u16_at(symbol, 6)?));
        match info & 0xf {
            FUNCTION if other & ENTRY != 0 => {
                let kernel = kernel(name, index as u32, code, &sections)?;
                image.kernels.push(Arc::new(kernel));
            }
            OBJECT if section > 0 && section < sections.len() => {
                let (at, size) = (usize_at(symbol, 8)?, usize_at(symbol, 16)?);
                let initial = sections[section]
                    .bytes
                    .get(at..at.checked_add(size)?)
                    .unwrap_or_default()
                    .to_vec();
                image.globals.push(Global {
                    name: name.to_owned(),
                    size,
                    managed: other & MANAGED != 0,
                    initial,
                });
            }
            _ => {}
        }
    }
    Some(image)
}

fn kernel(name: &str, symbol: u32, code: u32, sections: &[Section]) -> Option<Kernel> {
    let of_kernel = |prefix: &str| {
        let wanted = format!("{prefix}{name}");
        sections.iter().find(move |section| section.name == wanted)
    };
    let reserved = if code >= 90 { RESERVED_SHARED } else { 0 };
    let mut kernel = Kernel {
        name: CString::new(name).ok()?,
        shared: of_kernel(".nv.shared.")
            .map_or(0, |section| (section.size as u32).saturating_sub(reserved)),
        ptx_version: code,
        binary_version: code,
        ..Kernel::default()
    };
    for (attribute, value) in records(sections.iter().find(|section| section.name == ".nv.info")) {
        if u32_at(value, 0) == Some(symbol) {
            match attribute {
                REGISTERS => kernel.registers = u32_at(value, 4)?,
                FRAME => kernel.local = u32_at(value, 4)?,
                _ => {}
            }
        }
    }
    let mut params = Vec::new();
    for (attribute, value) in records(of_kernel(".nv.info.")) {
        match attribute {
            MAX_THREADS => kernel.limit = (0..3).filter_map(|at| u32_at(value, at * 4)).product(),
            KERNEL_PARAM => {
                let size = (u32_at(value, 8)? >> 18) as usize;
                params.push((
                    u16_at(value, 4)?,
                    Param { offset: usize::from(u16_at(value, 6)?), size },
                ));
            }
            _ => {}
        }
    }
    params.sort_by_key(|(ordinal, _)| *ordinal);
    kernel.params = Some(params.into_iter().map(|(_, param)| param).collect());
    Some(kernel)
}

/// The records of an information section that carry a value of their own.
fn records<'a>(section: Option<&Section<'a>>) -> Vec<(u8, &'a [u8])> {
    let mut rest = section.map(|section| section.bytes).unwrap_or_default();
    let mut found = Vec::new();
    while let [format, attribute, low, high, after @ ..] = rest {
        let size =
            if *format == IN_RECORD { usize::from(u16::from_le_bytes([*low, *high])) } else { 0 };
        let Some(value) = after.get(..size) else { break };
        found.push((*attribute, value));
        rest = &after[size..];
    }
    found
}
