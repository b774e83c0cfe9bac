//! What needs unsafe code: the library's own entry points, the CUDA driver's, and a few calls of the
//! system. The rest of the command has none.
#![allow(unsafe_code)]

pub mod driver;
pub mod functions;
pub mod introspect;
pub mod local;
pub mod nvml;
pub mod stop;
pub mod system;
