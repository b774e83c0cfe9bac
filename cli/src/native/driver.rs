//! The CUDA driver as a program finds it: `libcuda.so.1` opened by name, its functions looked up in
//! one of the two ways programs do it, and every call counted.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_int, c_void};
use std::fmt;
use std::ptr::null_mut;

use libloading::Library;

const DRIVER: &str = "libcuda.so.1";

/// How functions are looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// Each by its exported name.
    Dlsym,
    /// By asking the driver's own `cuGetProcAddress_v2`, as the CUDA runtime does.
    ProcAddress,
}

pub struct Driver {
    library: Library,
    lookup: Lookup,
    found: RefCell<BTreeMap<&'static str, *mut c_void>>,
    calls: RefCell<BTreeMap<&'static str, u64>>,
}

/// What the loader said: libloading keeps that in the error's source.
pub(super) fn in_words(why: libloading::Error) -> String {
    std::error::Error::source(&why).map_or_else(|| why.to_string(), ToString::to_string)
}

/// A driver function that did not succeed.
#[derive(Debug)]
pub struct Refused {
    pub function: &'static str,
    /// What it answered; none if the driver does not have it.
    pub status: Option<u32>,
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self.status {
            Some(status) => write!(out, "{} answered {status}", self.function),
            None => write!(out, "this driver has no {}", self.function),
        }
    }
}

type ProcAddress =
    unsafe extern "C" fn(*const c_char, *mut *mut c_void, c_int, u64, *mut c_int) -> u32;

/// The CUDA version whose functions are asked for by [`Lookup::ProcAddress`]: those declared in
/// `functions.rs`.
const ASKED_VERSION: c_int = 11000;

impl Driver {
    /// Opens the driver; what the loader says if there is none.
    pub fn open(lookup: Lookup) -> Result<Driver, String> {
        // SAFETY: the driver's constructors are run, as in every program that uses CUDA.
        let library = unsafe { Library::new(DRIVER) }.map_err(in_words)?;
        let (found, calls) = Default::default();
        Ok(Driver { library, lookup, found, calls })
    }

    /// How often each function was called.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.calls.borrow().clone()
    }

    /// Where the driver's `name` is in this process.
    pub fn address(&self, name: &'static str) -> Option<usize> {
        self.exported(name).map(|address| address.addr())
    }

    fn exported(&self, name: &str) -> Option<*mut c_void> {
        // SAFETY: the symbol is only taken for an address.
        unsafe { self.library.get::<*mut c_void>(name.as_bytes()) }.ok().map(|symbol| *symbol)
    }

    fn find(&self, name: &'static str) -> Result<*mut c_void, Refused> {
        if let Some(known) = self.found.borrow().get(name) {
            return Ok(*known);
        }
        let found = match self.lookup {
            Lookup::Dlsym => self.exported(name).unwrap_or(null_mut()),
            Lookup::ProcAddress => self.ask(name)?,
        };
        if found.is_null() {
            return Err(Refused { function: name, status: None });
        }
        self.found.borrow_mut().insert(name, found);
        Ok(found)
    }

    /// Asks the driver for `name`, which it knows without the version the exported name ends in.
    fn ask(&self, name: &'static str) -> Result<*mut c_void, Refused> {
        const ASKED: &str = "cuGetProcAddress_v2";
        let missing = Refused { function: ASKED, status: None };
        let Some(address) = self.exported(ASKED) else { return Err(missing) };
        let plain = CString::new(name.trim_end_matches("_v2")).unwrap_or_default();
        let (mut found, mut how) = (null_mut(), 0);
        // SAFETY: the driver's function of that name has this declaration; it reads the string and
        // writes the two places during the call.
        let answer = unsafe {
            self.call_at(ASKED, address, |function: ProcAddress| {
                function(plain.as_ptr(), &raw mut found, ASKED_VERSION, 0, &raw mut how)
            })
        };
        answer.map(|()| found)
    }

    /// Calls `name` through `call`, which is given the function.
    ///
    /// # Safety
    /// `F` is the function pointer type of the driver's declaration of `name`, and `call` keeps what
    /// the driver demands of its arguments.
    pub(super) unsafe fn call<F: Copy>(
        &self,
        name: &'static str,
        call: impl FnOnce(F) -> u32,
    ) -> Result<(), Refused> {
        let address = self.find(name)?;
        // SAFETY: promised by the caller.
        unsafe { self.call_at(name, address, call) }
    }

    /// # Safety
    /// As `call`; `address` is that of the driver's `name`.
    unsafe fn call_at<F: Copy>(
        &self,
        name: &'static str,
        address: *mut c_void,
        call: impl FnOnce(F) -> u32,
    ) -> Result<(), Refused> {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
        *self.calls.borrow_mut().entry(name).or_default() += 1;
        // SAFETY: a function pointer is an address, and `F` is this function's type, as promised.
        let function = unsafe { std::mem::transmute_copy::<*mut c_void, F>(&address) };
        match call(function) {
            0 => Ok(()),
            status => Err(Refused { function: name, status: Some(status) }),
        }
    }
}
