//! libcuota.so: preloaded into CUDA processes (or mounted in the driver's place), it stands between
//! a program and the CUDA driver. `hooks` says what happens at each entry point, `client` what this
//! process is to us, `driver` is the real driver.
//!
//! No constructor runs here: a process that never touches CUDA must not notice this library.

#![recursion_limit = "1024"]

mod client;
mod coverage;
mod driver;
mod hooks;
mod introspect;
mod log;
