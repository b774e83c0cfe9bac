//! Which cards the machine has, and in which order its owner counts them: as NVML says. The functions
//! are declared as NVML 11 has them.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::null_mut;

use cuota_core::config::Uuid;
use libloading::Library;

type Handle = *mut c_void;

/// A card, and the MIG instances it is divided into.
pub struct Card {
    pub uuid: Uuid,
    pub index: u32,
    pub instances: Vec<Uuid>,
}

const LIBRARY: &str = "libnvidia-ml.so.1";
/// More than any machine has of either.
const MOST: c_uint = 256;
/// For a text of NVML's.
const ROOM: c_uint = 96;

struct Nvml(Library);

/// All cards; none where there is no NVML to ask.
pub fn cards() -> Vec<Card> {
    asked(|nvml| Some(nvml.cards())).unwrap_or_default()
}

/// Which driver the kernel runs, like `535.261.03`.
pub fn driver_release() -> Option<String> {
    asked(Nvml::driver_release)
}

/// What NVML answers, opened and closed around it.
fn asked<T>(ask: impl FnOnce(&Nvml) -> Option<T>) -> Option<T> {
    // SAFETY: NVML's constructors ask nothing of whoever opens it.
    let nvml = Nvml(unsafe { Library::new(LIBRARY) }.ok()?);
    // SAFETY: takes nothing.
    unsafe { nvml.call("nvmlInit_v2", |f: unsafe extern "C" fn() -> c_int| f()) }?;
    let answer = ask(&nvml);
    // SAFETY: as above; no handle is used any more.
    unsafe { nvml.call("nvmlShutdown", |f: unsafe extern "C" fn() -> c_int| f()) };
    answer
}

impl Nvml {
    /// Nothing unless the function is there and succeeds.
    ///
    /// # Safety
    /// `F` is the function's type, and `call` calls it as its documentation asks.
    unsafe fn call<F: Copy>(&self, name: &str, call: impl FnOnce(F) -> c_int) -> Option<()> {
        // SAFETY: the caller vouches for the type.
        let function = unsafe { self.0.get::<F>(name.as_bytes()) }.ok()?;
        (call(*function) == 0).then_some(())
    }

    fn cards(&self) -> Vec<Card> {
        type Count = unsafe extern "C" fn(*mut c_uint) -> c_int;
        let mut count = 0;
        // SAFETY: writes a number.
        unsafe { self.call("nvmlDeviceGetCount_v2", |f: Count| f(&raw mut count)) };
        let card = |index| {
            let handle = self.part(null_mut(), index)?;
            let instances = self.instances(handle);
            Some(Card { uuid: self.uuid(handle)?, index, instances })
        };
        (0..count.min(MOST)).filter_map(card).collect()
    }

    fn driver_release(&self) -> Option<String> {
        type F = unsafe extern "C" fn(*mut c_char, c_uint) -> c_int;
        let mut text = [0_u8; ROOM as usize];
        // SAFETY: writes at most so many bytes, and ends them in NUL.
        unsafe {
            self.call("nvmlSystemGetDriverVersion", |f: F| f(text.as_mut_ptr().cast(), ROOM))
        }?;
        Some(CStr::from_bytes_until_nul(&text).ok()?.to_str().ok()?.to_owned())
    }

    /// The card of that number, or that instance of a card.
    fn part(&self, of: Handle, index: c_uint) -> Option<Handle> {
        type Card = unsafe extern "C" fn(c_uint, *mut Handle) -> c_int;
        type Instance = unsafe extern "C" fn(Handle, c_uint, *mut Handle) -> c_int;
        let (card, instance) =
            ("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetMigDeviceHandleByIndex");
        let mut handle = null_mut();
        // SAFETY: each writes a handle; the one given came from NVML.
        unsafe {
            match of.is_null() {
                true => self.call(card, |f: Card| f(index, &raw mut handle))?,
                false => self.call(instance, |f: Instance| f(of, index, &raw mut handle))?,
            }
        }
        (!handle.is_null()).then_some(handle)
    }

    fn instances(&self, card: Handle) -> Vec<Uuid> {
        type Most = unsafe extern "C" fn(Handle, *mut c_uint) -> c_int;
        let mut most = 0;
        // SAFETY: a handle NVML gave; writes a number.
        unsafe { self.call("nvmlDeviceGetMaxMigDeviceCount", |f: Most| f(card, &raw mut most)) };
        let instance = |index| self.uuid(self.part(card, index)?);
        (0..most.min(MOST)).filter_map(instance).collect()
    }

    fn uuid(&self, handle: Handle) -> Option<Uuid> {
        type F = unsafe extern "C" fn(Handle, *mut c_char, c_uint) -> c_int;
        let mut text = [0_u8; ROOM as usize];
        // SAFETY: a handle NVML gave; writes at most so many bytes, and ends them in NUL.
        unsafe {
            self.call("nvmlDeviceGetUUID", |f: F| f(handle, text.as_mut_ptr().cast(), ROOM))
        }?;
        CStr::from_bytes_until_nul(&text).ok()?.to_str().ok()?.parse().ok()
    }
}
