//! Options of the compiler that the driver has built in.

use std::ffi::{c_uint, c_void};

use crate::api::{E, R, given, put_opt, take, take_many};

const INFO_LOG: c_uint = 3;
const INFO_LOG_SIZE: c_uint = 4;
const ERROR_LOG: c_uint = 5;
const ERROR_LOG_SIZE: c_uint = 6;
/// Beyond the last option of `CUjit_option`.
const UNKNOWN: c_uint = 37;

/// The caller's options; the values are also where sizes are answered.
pub struct Options {
    keys: Vec<c_uint>,
    values: *mut *mut c_void,
}

// SAFETY: the values are the caller's, used only in calls that the caller makes.
unsafe impl Send for Options {}
// SAFETY: as above.
unsafe impl Sync for Options {}

impl Options {
    pub fn read(
        count: c_uint,
        keys: *const c_uint,
        values: *mut *mut c_void,
    ) -> Result<Options, E> {
        let keys = take_many(keys, count as usize)?;
        if count > 0 {
            given(values)?;
        }
        if keys.iter().any(|key| *key >= UNKNOWN) {
            Err(E::INVALID_VALUE)
        } else {
            Ok(Options { keys, values })
        }
    }

    fn value(&self, key: c_uint) -> Option<*mut *mut c_void> {
        self.keys.iter().position(|known| *known == key).map(|at| self.values.wrapping_add(at))
    }

    /// Writes a text into one of the log buffers, as much of it as fits, and how much that was.
    fn log(&self, buffer: c_uint, size: c_uint, text: &str) {
        let read = |slot: *mut *mut c_void| take(slot).ok();
        let (Some(to), Some(slot)) = (self.value(buffer).and_then(read), self.value(size)) else {
            return;
        };
        // The size is 32 bits, given in place of a pointer.
        let room = read(slot).map_or(0, |value| value as usize as c_uint as usize);
        let bytes = text.as_bytes();
        let fits = bytes.len().min(room.saturating_sub(1));
        if room > 0 && !to.is_null() {
            for (at, byte) in bytes[..fits].iter().chain(&[0]).enumerate() {
                put_opt(to.cast::<u8>().wrapping_add(at), *byte);
            }
        }
        put_opt(slot, fits as *mut c_void);
    }

    /// Tells the caller how it went.
    pub fn report(&self, outcome: R) {
        self.log(INFO_LOG, INFO_LOG_SIZE, "");
        let text = match outcome {
            Ok(()) => "",
            Err(E::UNSUPPORTED_PTX_VERSION) => "ptxas fatal   : Unsupported .version",
            Err(E::NO_BINARY_FOR_GPU) => "no code for this device",
            Err(_) => "ptxas fatal   : the code cannot be compiled for this device",
        };
        self.log(ERROR_LOG, ERROR_LOG_SIZE, text);
    }
}
