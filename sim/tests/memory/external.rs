//! Memory another API made.

use crate::driver::{MIB, alone, cu, free, ok, start};
use cudarc::driver::sys::*;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
use std::os::unix::fs::FileExt;
use std::ptr::null_mut;

#[test]
fn an_imported_file_is_seen_and_costs_nothing() {
    alone("external::an_imported_file_is_seen_and_costs_nothing", 64 * MIB, || {
        start();
        // SAFETY: a descriptor just made.
        let file = unsafe { File::from_raw_fd(libc::memfd_create(c"other".as_ptr(), 0)) };
        file.write_all_at(&[5; 8192], 0).unwrap();
        // SAFETY: numbers and a union of numbers and pointers; the enumeration is set.
        let mut wanted: CUDA_EXTERNAL_MEMORY_HANDLE_DESC =
            unsafe { std::mem::MaybeUninit::zeroed().assume_init() };
        wanted.type_ = CUexternalMemoryHandleType::CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD;
        wanted.handle.fd = file.as_raw_fd();
        wanted.size = 8193;
        let (mut memory, mut address) = (null_mut(), 0);
        assert_eq!(cu!(cuImportExternalMemory(&mut memory, &wanted)), 1);
        wanted.size = 8192;
        wanted.handle.fd = file.try_clone().unwrap().into_raw_fd();
        ok!(cuImportExternalMemory(&mut memory, &wanted));
        // SAFETY: plain numbers.
        let mut part: CUDA_EXTERNAL_MEMORY_BUFFER_DESC = unsafe { std::mem::zeroed() };
        (part.offset, part.size) = (4096, 4097);
        assert_eq!(cu!(cuExternalMemoryGetMappedBuffer(&mut address, memory, &part)), 1);
        part.size = 4096;
        ok!(cuExternalMemoryGetMappedBuffer(&mut address, memory, &part));
        ok!(cuDestroyExternalMemory(memory));
        assert_eq!(cu!(cuDestroyExternalMemory(memory)), 400);
        ok!(cuMemsetD8_v2(address, 6, 1));
        let mut bytes = [0; 2];
        file.read_exact_at(&mut bytes, 4096).unwrap();
        assert_eq!((bytes, free()), ([6, 5], 64 * MIB));
        ok!(cuMemFree_v2(address));
        assert_eq!(cu!(cuMemFree_v2(address)), 1);
    });
}
