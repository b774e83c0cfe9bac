//! What loaded objects say of themselves: whom they need, what they export.

use core::ffi::{CStr, c_char, c_int, c_void};

use super::dl::LinkMap;
use super::find::SONAME;

const DT_NULL: i64 = 0;
const DT_NEEDED: i64 = 1;
const DT_STRTAB: i64 = 5;
const DT_SYMTAB: i64 = 6;
pub const DT_RPATH: i64 = 15;
pub const DT_RUNPATH: i64 = 29;
const DT_GNU_HASH: i64 = 0x6fff_fef5;
const PT_DYNAMIC: u32 = 2;
const SYMBOL: usize = 24;

/// Whether any loaded object is linked to the driver.
pub fn anyone_needs_driver() -> bool {
    unsafe extern "C" fn visit(
        info: *mut libc::dl_phdr_info,
        _: usize,
        found: *mut c_void,
    ) -> c_int {
        // SAFETY: the loader passes a record it keeps valid for this call, and `found` as given below.
        unsafe {
            let info = &*info;
            for index in 0..usize::from(info.dlpi_phnum) {
                let header = &*info.dlpi_phdr.add(index);
                if header.p_type == PT_DYNAMIC {
                    let dynamic = (info.dlpi_addr + header.p_vaddr) as *const c_void;
                    let base = info.dlpi_addr as usize;
                    if dynamic_needs(dynamic, base) {
                        *found.cast::<bool>() = true;
                        return 1;
                    }
                }
            }
        }
        0
    }
    let mut found = false;
    // SAFETY: `visit` writes only to `found`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut found).cast()) };
    found
}

/// The entries of a loaded object's dynamic section.
///
/// # Safety
/// `dynamic` is the dynamic section of an object that stays loaded while the iterator is used.
unsafe fn tags(dynamic: *const c_void) -> impl Iterator<Item = (i64, usize)> + Clone {
    let mut at = dynamic.cast::<[i64; 2]>();
    core::iter::from_fn(move || {
        // SAFETY: the section ends with DT_NULL, past which we do not step.
        let [tag, value] = unsafe { *at };
        if tag == DT_NULL {
            return None;
        }
        // SAFETY: as above.
        at = unsafe { at.add(1) };
        Some((tag, value as usize))
    })
}

/// The loader relocates these addresses in place, except where the section is read-only (the vDSO).
fn relocated(address: usize, base: usize) -> usize {
    if address < base { base + address } else { address }
}

/// # Safety
/// As for `tags`; `base` is where that object was loaded.
unsafe fn dynamic_needs(dynamic: *const c_void, base: usize) -> bool {
    // SAFETY: promised by the caller.
    let tags = unsafe { tags(dynamic) };
    let Some((_, strings)) = tags.clone().find(|(tag, _)| *tag == DT_STRTAB) else { return false };
    let strings = relocated(strings, base) as *const c_char;
    tags.filter(|(tag, _)| *tag == DT_NEEDED).any(|(_, name)| {
        // SAFETY: a DT_NEEDED value is the offset of a C string in the object's string table.
        unsafe { CStr::from_ptr(strings.add(name)) == SONAME }
    })
}

/// Offers the directories a loaded object gives by `kind` (DT_RPATH, DT_RUNPATH) until `stop` is
/// content. Beside a DT_RUNPATH the other does not count.
///
/// # Safety
/// `map` is null, or the loader's record of an object that stays loaded meanwhile.
pub unsafe fn run_path(
    map: *const LinkMap,
    kind: i64,
    stop: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    if map.is_null() {
        return false;
    }
    // SAFETY: the dynamic section is where the record says; its values are offsets of C strings in
    // the object's string table.
    unsafe {
        let (base, tags) = ((*map).base, tags((*map).dynamic));
        let find = |wanted| tags.clone().find(|(tag, _)| *tag == wanted).map(|(_, value)| value);
        if kind == DT_RPATH && find(DT_RUNPATH).is_some() {
            return false;
        }
        let (Some(strings), Some(list)) = (find(DT_STRTAB), find(kind)) else { return false };
        let list = CStr::from_ptr((relocated(strings, base) as *const c_char).add(list));
        list.to_bytes().split(|byte| *byte == b':').any(stop)
    }
}

/// Shows `see` each name a loaded object exports.
///
/// # Safety
/// `map` is the loader's record of an object that stays loaded meanwhile.
pub unsafe fn exported_names(map: *const LinkMap, see: &mut dyn FnMut(&CStr)) {
    // SAFETY: the tables are where the loaded object's dynamic section says they are, in the layout
    // of the ELF specification; the GNU hash table's last chain ends the symbol table.
    unsafe {
        let (base, tags) = ((*map).base, tags((*map).dynamic));
        let table = |wanted| {
            tags.clone().find(|(tag, _)| *tag == wanted).map(|(_, at)| relocated(at, base))
        };
        let (Some(strings), Some(symbols), Some(hash)) =
            (table(DT_STRTAB), table(DT_SYMTAB), table(DT_GNU_HASH))
        else {
            return;
        };
        let words = hash as *const u32;
        let (buckets, first, bloom) =
            (*words as usize, *words.add(1) as usize, *words.add(2) as usize);
        let bucket = words.add(4 + bloom * 2);
        let chain = bucket.add(buckets);
        let mut last = (0..buckets).map(|i| *bucket.add(i) as usize).max().unwrap_or(0);
        if last < first {
            return;
        }
        while *chain.add(last - first) & 1 == 0 {
            last += 1;
        }
        for index in first..=last {
            let symbol = (symbols + index * SYMBOL) as *const u8;
            let section = symbol.add(6).cast::<u16>().read_unaligned();
            if section != 0 {
                see(CStr::from_ptr(
                    (strings as *const c_char).add(symbol.cast::<u32>().read_unaligned() as usize),
                ));
            }
        }
    }
}
