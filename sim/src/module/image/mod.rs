//! Device code as programs hand it over: PTX text, a cubin, or a fat binary with several of them.

mod cubin;
mod fatbin;
mod lz4;
mod ptx;
mod words;
mod write;

pub use write::write_cubin;

use std::ffi::{CStr, CString, c_void};
use std::sync::Arc;

use crate::api::{E, given};
use crate::init::generation;

/// What is known of a piece of device code.
#[derive(Debug, Default)]
pub struct Image {
    pub kernels: Vec<Arc<Kernel>>,
    pub globals: Vec<Global>,
    /// What the code takes on the device.
    pub bytes: usize,
    /// Its names could not be read: then it has every name asked for.
    pub opaque: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    pub name: CString,
    /// `None` if unknown.
    pub params: Option<Vec<Param>>,
    pub registers: u32,
    pub shared: u32,
    pub local: u32,
    pub constant: u32,
    /// Threads of a block, as the code limits itself; 0 if it does not.
    pub limit: u32,
    /// Cluster dimensions the code insists on.
    pub cluster: Option<[u32; 3]>,
    /// Ten times major plus minor.
    pub ptx_version: u32,
    pub binary_version: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    pub offset: usize,
    pub size: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Global {
    pub name: String,
    pub size: usize,
    pub managed: bool,
    /// Its first value, if it is not zero.
    pub initial: Vec<u8>,
}

impl Image {
    /// The kernel of this name.
    pub fn kernel(&self, name: &CStr) -> Option<Arc<Kernel>> {
        let known = self.kernels.iter().find(|kernel| kernel.name.as_c_str() == name).cloned();
        known.or_else(|| self.opaque.then(|| Arc::new(Kernel::unknown(name))))
    }
}

impl Image {
    /// All of them as one.
    pub fn joined(pieces: &[Image]) -> Image {
        let mut all = Image::default();
        for piece in pieces {
            all.kernels.extend(piece.kernels.iter().cloned());
            all.globals.extend(piece.globals.iter().cloned());
            all.bytes += piece.bytes;
            all.opaque |= piece.opaque;
        }
        all
    }
}

impl Kernel {
    fn unknown(name: &CStr) -> Kernel {
        Kernel { name: name.to_owned(), registers: USUAL_REGISTERS, ..Kernel::default() }
    }
}

/// For code that does not say.
const USUAL_REGISTERS: u32 = 32;

/// The newest PTX this driver's compiler reads, ten times major plus minor.
fn newest_ptx() -> u32 {
    match generation() {
        470 => 74,
        525 => 80,
        535 => 82,
        550 => 84,
        555 => 85,
        580 => 90,
        595 => 92,
        _ => 94,
    }
}

/// Reads code for a device of this capability.
///
/// # Safety
/// `code` is null or points to a whole image: NUL-terminated text, or a cubin or fat binary as long as its headers say.
pub unsafe fn read(code: *const c_void, capability: u32) -> Result<Image, E> {
    given(code)?;
    let start = code.cast::<u8>();
    // SAFETY: the shortest image that is no text has more than four bytes; a shorter text ends within them,
    // and bytes are looked at one by one up to that end.
    let magic = (0..4)
        .map(|at| unsafe { *start.add(at) })
        .take_while(|byte| *byte != 0)
        .collect::<Vec<u8>>();
    // SAFETY: the caller's promise, for each kind of image.
    let bytes = unsafe {
        match magic.as_slice() {
            b"\x7fELF" => std::slice::from_raw_parts(start, cubin::length(start)),
            [0x50, 0xed, 0x55, 0xba] => std::slice::from_raw_parts(start, fatbin::length(start)),
            [0xb1, 0x43, 0x62, 0x46] => return read(fatbin::wrapped(start), capability),
            _ => CStr::from_ptr(code.cast()).to_bytes(),
        }
    };
    read_bytes(bytes, capability)
}

/// The same for code whose length is known.
pub fn read_bytes(bytes: &[u8], capability: u32) -> Result<Image, E> {
    match bytes {
        [0x7f, b'E', b'L', b'F', ..] => cubin::read(bytes, capability),
        [0x50, 0xed, 0x55, 0xba, ..] => fatbin::read(bytes, capability),
        _ => {
            let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            ptx::read(
                std::str::from_utf8(text).or(Err(E::INVALID_IMAGE))?,
                capability,
                newest_ptx(),
            )
        }
    }
}

#[cfg(test)]
mod tests;
