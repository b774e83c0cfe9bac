//! Locks that the kernel drops with the process that held them, whatever killed it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Takes the byte's lock for this open file, waiting for it.
pub fn wait(file: BorrowedFd<'_>, byte: i64) -> io::Result<()> {
    loop {
        match control(file, libc::F_OFD_SETLKW, libc::F_WRLCK, byte) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(drop),
        }
    }
}

/// Takes the byte's lock for this open file unless another open file has it.
pub fn take(file: BorrowedFd<'_>, byte: i64) -> bool {
    control(file, libc::F_OFD_SETLK, libc::F_WRLCK, byte).is_ok()
}

pub fn give(file: BorrowedFd<'_>, byte: i64) {
    // Unlocking a byte of a valid descriptor has no way to fail that matters here.
    let _ = control(file, libc::F_OFD_SETLK, libc::F_UNLCK, byte);
}

/// Whether some other open file holds the byte's lock. Unknown counts as held: a living process
/// is never taken for dead.
pub fn held_elsewhere(file: BorrowedFd<'_>, byte: i64) -> bool {
    match control(file, libc::F_OFD_GETLK, libc::F_WRLCK, byte) {
        Ok(kind) => kind != libc::F_UNLCK,
        Err(_) => true,
    }
}

fn control(
    file: BorrowedFd<'_>,
    command: libc::c_int,
    kind: libc::c_int,
    byte: i64,
) -> io::Result<libc::c_int> {
    // SAFETY: `flock` is plain integers; open-file locks require `l_pid` to be 0.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = kind as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    range.l_start = byte;
    range.l_len = 1;
    // SAFETY: the descriptor is open and the pointer is to a live `flock`.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, &mut range) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(libc::c_int::from(range.l_type)),
    }
}
