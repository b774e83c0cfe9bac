//! What an entry point answers when there is nothing behind it.
//!
//! Without us a program linked to the driver would not start where there is none; with us it starts,
//! and every call says that there is no device.

use core::ffi::{CStr, c_char, c_int};

use super::{Library, Status};

/// No driver on this machine.
const NO_DEVICE: Status = Status(100);
/// The driver is older than the entry point.
const NOT_SUPPORTED: Status = Status(801);
const NVML_LIBRARY_NOT_FOUND: Status = Status(12);
const NVML_FUNCTION_NOT_FOUND: Status = Status(13);

extern "C" fn no_driver() -> Status {
    NO_DEVICE
}

extern "C" fn too_old() -> Status {
    NOT_SUPPORTED
}

extern "C" fn no_nvml() -> Status {
    NVML_LIBRARY_NOT_FOUND
}

extern "C" fn nvml_too_old() -> Status {
    NVML_FUNCTION_NOT_FOUND
}

/// A program that is told 100 asks what that means and prints the answer: leaving its pointer as it
/// was would have it print garbage.
unsafe extern "C" fn error_text(_: c_int, text: *mut *const c_char) -> Status {
    if !text.is_null() {
        // SAFETY: not null; that it points to a `const char *` is the driver's own contract.
        unsafe { *text = c"no CUDA driver (libcuda.so.1) was found on this machine".as_ptr() };
    }
    Status::SUCCESS
}

unsafe extern "C" fn error_name(_: c_int, text: *mut *const c_char) -> Status {
    if !text.is_null() {
        // SAFETY: as in `error_text`.
        unsafe { *text = c"CUDA_ERROR_NO_DEVICE".as_ptr() };
    }
    Status::SUCCESS
}

unsafe extern "C" fn no_version(version: *mut c_int) -> Status {
    if !version.is_null() {
        // SAFETY: not null; that it points to an `int` is the driver's own contract.
        unsafe { *version = 0 };
    }
    NO_DEVICE
}

/// What answers for `name` when its library is not there at all.
pub fn without_library(library: Library, name: &CStr) -> *mut () {
    let function = match (library, name.to_bytes()) {
        (Library::Nvml, _) => no_nvml as *const (),
        (Library::Cuda, b"cuGetErrorString") => error_text as *const (),
        (Library::Cuda, b"cuGetErrorName") => error_name as *const (),
        (Library::Cuda, b"cuDriverGetVersion") => no_version as *const (),
        (Library::Cuda, _) => no_driver as *const (),
    };
    function.cast_mut()
}

/// What answers for a name that this library, which is there, does not have.
pub fn without_function(library: Library) -> *mut () {
    let function = match library {
        Library::Cuda => too_old as *const (),
        Library::Nvml => nvml_too_old as *const (),
    };
    function.cast_mut()
}
