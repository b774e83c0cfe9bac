//! Which names a library exports, read from its file.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSymbol, ReadCache};

/// Every name the library at `path` defines for others, code or data.
pub fn of(path: &Path) -> Result<BTreeSet<String>, String> {
    let file = File::open(path).map_err(|why| why.to_string())?;
    let cache = ReadCache::new(file);
    let elf = ElfFile64::<Endianness, _>::parse(&cache).map_err(|why| why.to_string())?;
    let defined =
        elf.dynamic_symbols().filter(|symbol| symbol.is_definition() && symbol.is_global());
    Ok(defined.filter_map(|symbol| symbol.name().ok().map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_program_that_is_no_library_exports_little() {
        let names = super::of(&std::env::current_exe().unwrap()).unwrap();
        assert!(!names.contains("cuInit"));
        assert!(super::of(std::path::Path::new("/etc/passwd")).is_err());
    }
}
