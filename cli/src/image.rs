//! What an ELF file says of how it is run.
#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind, ReadCache, ReadRef};

pub struct Image {
    /// The machine, in words.
    pub machine: String,
    /// The loader it asks for; none if it is statically linked.
    pub loader: Option<PathBuf>,
}

/// Reads what an ELF file says of itself.
pub fn read(path: &Path) -> Result<Image, String> {
    let file = File::open(path).map_err(|why| why.to_string())?;
    let cache = ReadCache::new(file);
    let told = match FileKind::parse(&cache) {
        Ok(FileKind::Elf64) => header::<FileHeader64<Endianness>, _>(&cache),
        Ok(FileKind::Elf32) => header::<FileHeader32<Endianness>, _>(&cache),
        _ => return Err("is not an ELF file".into()),
    };
    told.map_err(|why| why.to_string())
}

fn header<'a, H, R>(data: R) -> object::Result<Image>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'a>,
{
    let header = H::parse(data)?;
    let endian = header.endian()?;
    let segments = header.program_headers(endian, data)?;
    let loader =
        segments.iter().find_map(|segment| segment.interpreter(endian, data).ok().flatten());
    let bits = if header.is_class_64() { 64 } else { 32 };
    let machine = match (header.e_machine(endian), bits) {
        (elf::EM_X86_64, 64) => "x86-64".into(),
        (elf::EM_X86_64, _) => "x32".into(),
        (elf::EM_386, _) => "32-bit x86".into(),
        (elf::EM_AARCH64, 64) => "aarch64".into(),
        (elf::EM_ARM, _) => "32-bit ARM".into(),
        (other, bits) => format!("{bits}-bit ELF machine {other}"),
    };
    Ok(Image { machine, loader: loader.map(|path| PathBuf::from(OsStr::from_bytes(path))) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_program_has_a_machine_and_a_loader() {
        let us = read(&std::env::current_exe().unwrap()).unwrap();
        assert!(!us.machine.is_empty() && us.loader.is_some());
        assert!(read(Path::new("/etc/passwd")).is_err_and(|why| why == "is not an ELF file"));
    }
}
