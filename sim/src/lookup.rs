//! `cuGetProcAddress`: which exported symbol a base name means for a CUDA version and a stream flavour.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::LazyLock;

use cudarc::driver::sys::CUuuid;

use crate::api::{Call, E, R, given, put, put_opt};
use crate::calls::{COUNT, GENERATIONS, NAMES};
use crate::init::{cuda_version, generation};

unsafe extern "C" {
    /// The exported stubs' addresses, in the order of `NAMES`.
    static sim_addresses: [usize; COUNT];
}

/// What a newer driver would offer is found in the same rows: those this generation does not export are left out.
static ROWS: &str = include_str!("../facts/gpa_map.csv");

/// (base name, per-thread) → (lowest CUDA version, address), oldest first.
type Known = HashMap<(&'static str, bool), Vec<(c_int, usize)>>;

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let bit = GENERATIONS.iter().position(|g| *g == generation()).unwrap_or(GENERATIONS.len() - 1);
    let mut known = Known::new();
    for row in ROWS.lines().skip(1) {
        let mut columns = row.split(',');
        let (Some(base), Some(class), Some(least), Some(symbol)) =
            (columns.next(), columns.next(), columns.next(), columns.next())
        else {
            continue;
        };
        let Ok(index) = NAMES.binary_search_by(|(name, _)| name.cmp(&symbol)) else {
            continue;
        };
        let Ok(least) = least.parse() else { continue };
        if NAMES[index].1 & (1 << bit) != 0 {
            // SAFETY: filled by the linker, one word per name.
            let address = unsafe { sim_addresses[index] };
            known.entry((base, class == "2")).or_default().push((least, address));
        }
    }
    known.values_mut().for_each(|versions| versions.sort_unstable());
    known
});

const FOUND: c_uint = 0;
const UNKNOWN_NAME: c_uint = 1;
const VERSION_TOO_LOW: c_uint = 2;

const PER_THREAD: u64 = 2;
const ALL_FLAGS: u64 = 3;

/// The address, or why there is none.
fn find(symbol: *const c_char, version: c_int, flags: u64) -> Result<Result<usize, c_uint>, E> {
    given(symbol)?;
    if flags > ALL_FLAGS || (generation() >= 580 && version > cuda_version()) {
        return Err(E::INVALID_VALUE);
    }
    // SAFETY: not null, and the API makes the caller pass a NUL-terminated string.
    let symbol = unsafe { CStr::from_ptr(symbol) };
    let Some(versions) =
        symbol.to_str().ok().and_then(|name| KNOWN.get(&(name, flags & PER_THREAD != 0)))
    else {
        return Ok(Err(UNKNOWN_NAME));
    };
    Ok(versions
        .iter()
        .rev()
        .find(|(least, _)| *least <= version)
        .map(|(_, address)| *address)
        .ok_or(VERSION_TOO_LOW))
}

/// CUDA 11.3: a miss leaves the caller's pointer alone.
pub fn first(
    _: &Call,
    symbol: *const c_char,
    out: *mut *mut c_void,
    version: c_int,
    flags: u64,
) -> R {
    given(out)?;
    let address = find(symbol, version, flags)?.or(Err(E::NOT_FOUND))?;
    put(out, address as *mut c_void)
}

/// CUDA 12.0: a miss is a success with a null pointer and a status.
pub fn second(
    _: &Call,
    symbol: *const c_char,
    out: *mut *mut c_void,
    version: c_int,
    flags: u64,
    status: *mut c_uint,
) -> R {
    given(out)?;
    let (address, verdict) = match find(symbol, version, flags)? {
        Ok(address) => (address as *mut c_void, FOUND),
        Err(why) => (ptr::null_mut(), why),
    };
    put_opt(status, verdict);
    put(out, address)
}

/// Private tables are the real driver's own business: every one is refused.
pub fn export_table(_: &Call, table: *mut *const c_void, id: *const CUuuid) -> R {
    given(id)?;
    put(table, ptr::null())?;
    Err(E::NOT_FOUND)
}
