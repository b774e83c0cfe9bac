//! What an ELF file says of itself, read in small pieces: this happens on other people's `dlopen`,
//! perhaps on a small stack. Any bytes may stand in the file.
//!
//! Nothing is mapped (valgrind takes a mapped library for a loaded one), and the system calls are bare:
//! libc's would make `dlopen` a point where a thread can be cancelled.

use core::ffi::{CStr, c_int};

use super::find::SONAME;

const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
/// Sizes of a program header and of a dynamic entry.
const HEADER: usize = 56;
const ENTRY: usize = 16;
/// What is looked at of each table at once: more than the tables of any library have but a huge one's
/// list of needs, which is then looked at in part.
const CHUNK: usize = 1024;
/// Loaded segments, and libraries needed, that are remembered.
const SEGMENTS: usize = 8;
const NEEDS: usize = 48;

#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;

struct File(c_int);

impl File {
    fn open(path: &CStr) -> Option<File> {
        // Not blocking: the name may be a pipe's.
        let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK;
        // SAFETY: a system call with a C string; the descriptor it gives is ours alone.
        let fd = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags) };
        c_int::try_from(fd).ok().filter(|fd| *fd >= 0).map(File)
    }

    /// Up to `bytes.len()` bytes from `at`.
    fn read<'b>(&self, at: usize, bytes: &'b mut [u8]) -> &'b [u8] {
        let (start, room) = (bytes.as_mut_ptr(), bytes.len());
        // SAFETY: a system call that writes at most `room` bytes from `start`.
        let read = unsafe { libc::syscall(libc::SYS_pread64, self.0, start, room, at) };
        bytes.get(..usize::try_from(read).unwrap_or(0)).unwrap_or_default()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: our own descriptor, not used again.
        unsafe { libc::syscall(libc::SYS_close, self.0) };
    }
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let eight = bytes.get(at..at + 8)?.try_into().ok()?;
    usize::try_from(u64::from_le_bytes(eight)).ok()
}

/// Whether the loader passes silently over this file, wherever it finds it: made for another
/// machine, or another word size.
pub fn is_for_another_machine(path: &CStr) -> bool {
    let mut start = [0; 20];
    let Some(file) = File::open(path) else { return false };
    let start = file.read(0, &mut start);
    let ours = start.get(4..6) == Some(b"\x02\x01") && half(start, 18) == Some(MACHINE);
    start.starts_with(b"\x7fELF") && !ours
}

/// Whether the library in the file at `path` is linked to the driver.
pub fn needs_driver(path: &CStr) -> bool {
    File::open(path).and_then(|file| needs(&file)).unwrap_or(false)
}

fn needs(file: &File) -> Option<bool> {
    let mut chunk = [0; CHUNK];
    let start = file.read(0, chunk.get_mut(..64)?);
    if !start.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, count) = (long(start, 32)?, usize::from(half(start, 56)?));
    let headers = file.read(table, chunk.get_mut(..(count * HEADER).min(CHUNK))?);
    // Of each loaded segment: offset in the file, address, length there.
    let mut segments = [(0, 0, 0); SEGMENTS];
    let mut places = segments.iter_mut();
    let mut dynamic = None;
    for header in headers.chunks_exact(HEADER) {
        let piece = (long(header, 8)?, long(header, 16)?, long(header, 32)?);
        match word(header, 0)? {
            PT_DYNAMIC => dynamic = Some((piece.0, piece.2)),
            PT_LOAD => *places.next()? = piece,
            _ => {}
        }
    }
    let (section, length) = dynamic?;
    let entries = file.read(section, chunk.get_mut(..length.min(CHUNK))?);
    let mut names = [0; NEEDS];
    let mut places = names.iter_mut();
    let mut needed = 0;
    let mut address = None;
    for entry in entries.chunks_exact(ENTRY) {
        match (long(entry, 0)? as u64, long(entry, 8)?) {
            (DT_NULL, _) => break,
            (DT_STRTAB, value) => address = Some(value),
            (DT_NEEDED, value) => {
                if let Some(place) = places.next() {
                    *place = value;
                    needed += 1;
                }
            }
            _ => {}
        }
    }
    // The strings are given by address; the segment that holds them says where in the file.
    let address = address?;
    let strings = segments.into_iter().find_map(|(offset, base, held)| {
        let inside = address.checked_sub(base).filter(|into| *into < held)?;
        offset.checked_add(inside)
    })?;
    let wanted = SONAME.to_bytes_with_nul();
    let mut text = [0; 16];
    Some(names.iter().take(needed).any(|name| {
        let at = strings.checked_add(*name);
        at.is_some_and(|at| file.read(at, &mut text).starts_with(wanted))
    }))
}
