//! The linker: takes code in pieces, gives it back as one cubin.

use std::ffi::{c_char, c_uint, c_void};
use std::sync::{Arc, Mutex};

use cudarc::driver::sys::CUlinkState;

use super::image::{self, Image};
use super::jit::Options;
use super::locked;
use super::module_calls::{capability, contents};
use crate::api::{Call, E, R, given, put, put_opt, take_many};
use crate::handles::Table;

struct Linker {
    capability: u32,
    options: Options,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pieces: Vec<Image>,
    /// The answer, which the linker keeps until it is destroyed.
    linked: Option<Vec<u8>>,
}

static LINKERS: Table<Linker> = Table::new(34);

/// `CUjitInputType`
const PTX: c_uint = 1;
const FIRST_OPAQUE: c_uint = 3;
const LAST: c_uint = 5;

fn linker(handle: CUlinkState) -> Result<Arc<Linker>, E> {
    LINKERS.get(handle as usize).ok_or(E::INVALID_HANDLE)
}

pub fn create(
    call: &Call,
    count: c_uint,
    keys: *mut c_uint,
    values: *mut *mut c_void,
    out: *mut CUlinkState,
) -> R {
    given(out)?;
    let options = Options::read(count, keys, values)?;
    let capability = capability(&*call.ctx()?);
    let linker = Linker { capability, options, state: Mutex::default() };
    put(out, LINKERS.insert(Arc::new(linker)) as CUlinkState)
}

impl Linker {
    fn add(&self, kind: c_uint, bytes: &[u8]) -> R {
        let image = match kind {
            ..FIRST_OPAQUE => image::read_bytes(bytes, self.capability),
            // Host objects and intermediate code: what they define cannot be told.
            FIRST_OPAQUE..=LAST => {
                Ok(Image { bytes: bytes.len(), opaque: true, ..Image::default() })
            }
            _ => Err(E::INVALID_VALUE),
        };
        self.options.report(image.as_ref().map(|_| ()).map_err(|why| *why));
        let mut state = locked(&self.state);
        if state.linked.is_some() {
            return Err(E::INVALID_VALUE);
        }
        state.pieces.push(image?);
        Ok(())
    }
}

pub fn add_data(
    _: &Call,
    handle: CUlinkState,
    kind: c_uint,
    data: *mut c_void,
    size: usize,
    _name: *const c_char,
    count: c_uint,
    keys: *mut c_uint,
    values: *mut *mut c_void,
) -> R {
    let linker = linker(handle)?;
    Options::read(count, keys, values)?;
    given(data)?;
    if size == 0 {
        return Err(if kind == PTX { E::INVALID_PTX } else { E::INVALID_IMAGE });
    }
    linker.add(kind, &take_many(data.cast::<u8>(), size)?)
}

pub fn add_file(
    _: &Call,
    handle: CUlinkState,
    kind: c_uint,
    path: *const c_char,
    count: c_uint,
    keys: *mut c_uint,
    values: *mut *mut c_void,
) -> R {
    let linker = linker(handle)?;
    Options::read(count, keys, values)?;
    linker.add(kind, &contents(path)?)
}

pub fn complete(_: &Call, handle: CUlinkState, out: *mut *mut c_void, size: *mut usize) -> R {
    given(out)?;
    let linker = linker(handle)?;
    let mut state = locked(&linker.state);
    if state.pieces.is_empty() {
        return Err(E::INVALID_VALUE);
    }
    let linked = image::write_cubin(&Image::joined(&state.pieces), linker.capability);
    let linked = state.linked.insert(linked);
    put_opt(size, linked.len());
    put(out, linked.as_mut_ptr().cast())
}

pub fn destroy(_: &Call, handle: CUlinkState) -> R {
    LINKERS.remove(handle as usize).ok_or(E::INVALID_HANDLE).map(|_| ())
}
