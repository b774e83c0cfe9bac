//! The caller's memory, as the driver's contracts promise it.

use cuota_core::shm::file::{self, Stat};

/// What a pointer of the caller's points to; nothing if it is null.
///
/// The driver reads or writes the same memory in the same call, and answers for a pointer that is no
/// good: bodies look at inputs as the driver will, and at outputs only after it has succeeded.
#[inline(always)]
pub fn read<T: Copy>(pointer: *const T) -> Option<T> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: not null; that it points to a `T` is the driver's own contract with the caller.
    Some(unsafe { pointer.read_unaligned() })
}

/// Writes an answer where the driver has just written one.
#[inline(always)]
pub fn write<T>(pointer: *mut T, value: T) {
    if !pointer.is_null() {
        // SAFETY: not null; the driver has written a `T` there in this very call.
        unsafe { pointer.write_unaligned(value) };
    }
}

/// What identifies the file behind a descriptor of the caller's.
pub fn file_of(descriptor: i32) -> Option<(u64, u64)> {
    stat_of(descriptor).map(|stat| (stat.device, stat.inode))
}

/// Whether it leads to nothing but a device, as others do that stand for something else.
pub fn is_of_a_device(descriptor: i32) -> bool {
    stat_of(descriptor).is_some_and(|stat| stat.mode & libc::S_IFMT == libc::S_IFCHR)
}

fn stat_of(descriptor: i32) -> Option<Stat> {
    if descriptor < 0 {
        return None;
    }
    // SAFETY: asks what a number leads to, if anything; it is not closed here.
    let descriptor = unsafe { std::os::fd::BorrowedFd::borrow_raw(descriptor) };
    file::stat(descriptor).ok()
}
