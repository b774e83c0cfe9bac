//! The management library: what `nvidia-smi`, `pynvml` and `nvtop` ask. It sees whole cards and
//! every process, whatever a process's own mask says.

mod codes;
mod device;
mod hardware;
mod load;
mod memory;
mod processes;
mod system;

pub use codes::{N, error_string};
pub use device::*;
pub use hardware::*;
pub use load::*;
pub use memory::*;
pub use processes::*;
pub use system::*;

use std::ffi::{c_char, c_uint};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::machine;

pub type R = Result<(), N>;

/// `nvmlInit` calls not yet undone.
static USERS: AtomicU32 = AtomicU32::new(0);

pub fn enter(name: &'static str, body: impl FnOnce() -> R) -> u32 {
    let run = || {
        if !name.starts_with("nvmlInit") && USERS.load(Ordering::Acquire) == 0 {
            return Err(N::UNINITIALIZED);
        }
        body()
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => 0,
        Ok(Err(N(code))) => code,
        Err(_) => N::UNKNOWN.0,
    }
}

pub fn init() -> R {
    init_with_flags(0)
}

/// The flags make a machine without cards, or with cards one may not attach to, no error: it never
/// is one here.
pub fn init_with_flags(_: c_uint) -> R {
    if let Err(why) = machine::open() {
        eprintln!("simulated NVML: {why}");
        return Err(N::DRIVER_NOT_LOADED);
    }
    load::begin();
    USERS.fetch_add(1, Ordering::AcqRel);
    Ok(())
}

pub fn shutdown() -> R {
    let one_less = |users: u32| users.checked_sub(1);
    match USERS.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less) {
        Ok(_) => Ok(()),
        Err(_) => Err(N::UNINITIALIZED),
    }
}

/// Writes a result through the caller's pointer; null is refused.
fn put<T>(to: *mut T, value: T) -> R {
    crate::api::put(to, value).or(Err(N::INVALID_ARGUMENT))
}

fn take<T: Copy>(from: *const T) -> Result<T, N> {
    crate::api::take(from).or(Err(N::INVALID_ARGUMENT))
}

/// A text that must fit whole, with its final zero.
fn put_text(to: *mut c_char, room: c_uint, text: &str) -> R {
    crate::api::given(to).or(Err(N::INVALID_ARGUMENT))?;
    if text.len() >= room as usize {
        return Err(N::INSUFFICIENT_SIZE);
    }
    for (at, byte) in text.bytes().chain([0]).enumerate() {
        // SAFETY: the text and its zero fit into the `room` bytes the caller says there are.
        unsafe { to.add(at).write(byte as c_char) };
    }
    Ok(())
}
