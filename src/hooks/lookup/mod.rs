//! Who hands out entry points: the loader's `dlopen` and `dlsym`, and the driver's own
//! `cuGetProcAddress`.
//!
//! The two loader functions only rewrite their arguments and jump: result, `dlerror`, reference
//! counts, RUNPATH, namespaces and the caller's RTLD_NEXT are the real function's. For names that have
//! nothing to do with CUDA nothing is allocated, locked or thread-local: this runs before `main`, in
//! signal handlers, and inside malloc's own start-up.

mod dlopen;
mod dlsym;
mod proc_address;

use core::ffi::c_void;

pub use proc_address::{export_table, proc_address, proc_address_v2};

/// Where to jump, and with which arguments. `arch` reads it by offset.
#[repr(C)]
pub struct Jump {
    target: *mut c_void,
    arguments: [usize; 3],
}
