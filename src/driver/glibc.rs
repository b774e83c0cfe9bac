//! What std and the unwinder take from glibc that glibc 2.28 does not have, in terms of what it has.
//!
//! Hidden symbols: exported, they would stand before libc's own for the whole process.

use core::ffi::{c_int, c_void};

/// `struct dl_find_object`, as glibc 2.35 defines it for x86-64.
#[repr(C)]
struct Found {
    flags: u64,
    start: *const c_void,
    end: *const c_void,
    map: *const c_void,
    eh_frame: *const c_void,
    reserved: [u64; 7],
}

core::arch::global_asm!(
    ".macro hidden name",
    ".globl \\name",
    ".hidden \\name",
    ".type \\name, @function",
    "\\name:",
    ".endm",
    "hidden _dl_find_object",
    "jmp {find_object}",
    // stat, lstat and fstat took a version of the structure: 1 on x86-64.
    "hidden fstat",
    "hidden fstat64",
    "mov rdx, rsi",
    "mov esi, edi",
    "mov edi, 1",
    "jmp __fxstat64@PLT",
    "hidden stat64",
    "mov rdx, rsi",
    "mov rsi, rdi",
    "mov edi, 1",
    "jmp __xstat64@PLT",
    "hidden lstat64",
    "mov rdx, rsi",
    "mov rsi, rdi",
    "mov edi, 1",
    "jmp __lxstat64@PLT",
    find_object = sym find_object,
);

struct Search {
    address: u64,
    found: *mut Found,
}

/// The loaded object that holds `address` and where its unwind table is; 0 if there is one.
unsafe extern "C" fn find_object(address: *const c_void, found: *mut Found) -> c_int {
    let mut search = Search { address: address.addr() as u64, found };
    // SAFETY: `visit` gets `search`, which outlives the call, and writes to `found`, which the
    // unwinder made writable.
    if unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) } == 1 {
        0
    } else {
        -1
    }
}

unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, search: *mut c_void) -> c_int {
    // SAFETY: the loader passes a record valid for this call; `search` is as given above.
    let (info, search) = unsafe { (&*info, &*search.cast::<Search>()) };
    let (mut holds, mut table) = (false, 0);
    let (mut start, mut end) = (u64::MAX, 0);
    for index in 0..usize::from(info.dlpi_phnum) {
        // SAFETY: the array has `dlpi_phnum` headers.
        let header = unsafe { &*info.dlpi_phdr.add(index) };
        let at = info.dlpi_addr + header.p_vaddr;
        match header.p_type {
            libc::PT_LOAD => {
                (start, end) = (start.min(at), end.max(at + header.p_memsz));
                holds |= (at..at + header.p_memsz).contains(&search.address);
            }
            libc::PT_GNU_EH_FRAME => table = at,
            _ => {}
        }
    }
    if !holds || table == 0 {
        return 0;
    }
    // SAFETY: writable, as `find_object` was promised.
    unsafe {
        search.found.write(Found {
            flags: 0,
            start: start as *const c_void,
            end: end as *const c_void,
            map: core::ptr::null(),
            eh_frame: table as *const c_void,
            reserved: [0; 7],
        });
    }
    1
}
