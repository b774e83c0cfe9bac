//! Events several processes use: what was recorded and what is done, in memory they all map.

use std::ffi::{c_char, c_void};
use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cudarc::driver::sys::{CUevent, CUipcEventHandle};

use super::event::{self, Event};
use super::moment::Moment;
use super::queue::Step;
use crate::api::{Call, E, R, given, put};

/// Two numbers: of the latest record, and of the latest one the device has passed.
pub struct Words {
    words: *const [AtomicU64; 2],
    file: File,
}

// SAFETY: the words are atomics in a mapping that lives as long as this value.
unsafe impl Send for Words {}
// SAFETY: as above.
unsafe impl Sync for Words {}

const BYTES: usize = size_of::<[AtomicU64; 2]>();

impl Words {
    fn map(file: File) -> Result<Words, E> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a fresh shared mapping of an open file.
        let at = unsafe {
            libc::mmap(ptr::null_mut(), BYTES, protection, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if at == libc::MAP_FAILED {
            Err(E::MAP_FAILED)
        } else {
            Ok(Words { words: at.cast(), file })
        }
    }

    fn pair(&self) -> &[AtomicU64; 2] {
        // SAFETY: mapped until dropped, and only ever used atomically.
        unsafe { &*self.words }
    }

    pub fn done(&self, number: u64) {
        self.pair()[1].fetch_max(number, Ordering::Release);
    }

    fn passed(&self, number: u64) -> bool {
        self.pair()[1].load(Ordering::Acquire) >= number
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, and nobody else has the address.
        unsafe { libc::munmap(self.words.cast_mut().cast::<c_void>(), BYTES) };
    }
}

#[derive(Clone)]
pub struct Shared(Arc<Words>);

impl Shared {
    pub fn create() -> Result<Shared, E> {
        // SAFETY: a NUL-terminated name; the descriptor is ours alone.
        let fd = unsafe { libc::memfd_create(c"sim-event".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(E::OUT_OF_MEMORY);
        }
        // SAFETY: just opened, owned by nobody else.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len(BYTES as u64).or(Err(E::OUT_OF_MEMORY))?;
        Words::map(file).map(|words| Shared(Arc::new(words)))
    }

    pub fn record_step(&self) -> (Arc<Moment>, Step) {
        let number = self.0.pair()[0].fetch_add(1, Ordering::AcqRel) + 1;
        let moment = Arc::new(Moment::told(self.0.clone(), number));
        (moment.clone(), Step::Mark(moment))
    }

    pub fn wait_step(&self) -> Option<Step> {
        let (words, number) = (self.0.clone(), self.0.pair()[0].load(Ordering::Acquire));
        if words.passed(number) {
            return None;
        }
        Some(Step::Until(Box::new(move || words.passed(number).then_some(0))))
    }

    pub fn passed(&self) -> bool {
        self.0.passed(self.0.pair()[0].load(Ordering::Acquire))
    }
}

/// What the 64 bytes of a handle hold: where the exporting process keeps its memory open.
#[repr(C)]
#[derive(Clone, Copy)]
struct Handle {
    magic: u64,
    pid: u32,
    fd: i32,
    rest: [u64; 6],
}

const MAGIC: u64 = u64::from_le_bytes(*b"simevent");

pub fn export(_: &Call, out: *mut CUipcEventHandle, event: CUevent) -> R {
    given(out)?;
    let event = event::named(event)?;
    let shared = event.shared.as_ref().ok_or(E::INVALID_HANDLE)?;
    let handle = Handle {
        magic: MAGIC,
        pid: std::process::id(),
        fd: shared.0.file.as_raw_fd(),
        rest: [0; 6],
    };
    put(out.cast::<Handle>(), handle)
}

/// The exporting process must still live, as it must with the driver.
pub fn import(call: &Call, out: *mut CUevent, handle: CUipcEventHandle) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    // SAFETY: both are plain bytes of one size.
    let handle = unsafe { std::mem::transmute::<[c_char; 64], Handle>(handle.reserved) };
    if handle.magic != MAGIC {
        return Err(E::INVALID_VALUE);
    }
    let path = format!("/proc/{}/fd/{}", handle.pid, handle.fd);
    let file = OpenOptions::new().read(true).write(true).open(path).or(Err(E::MAP_FAILED))?;
    if file.metadata().map_or(0, |about| about.len()) != BYTES as u64 {
        return Err(E::INVALID_HANDLE);
    }
    let shared = Shared(Arc::new(Words::map(file)?));
    put(out, Event::make(&ctx, false, Some(shared)))
}
