//! libcuota.so: preloaded into CUDA processes (or mounted in the driver's place), it stands between
//! a program and the CUDA driver. `hooks` says what happens at each entry point, `client` what this
//! process is to us, `driver` is the real driver.
//!
//! The only constructor looks where standard error leads (`driver/stderr.rs`): a process that never touches
//! CUDA must not notice this library.

// The unit tests export nothing: what only exported symbols reach is unused there.
#![cfg_attr(test, allow(dead_code))]
#![recursion_limit = "1024"]
// This runs in someone else's process.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod client;
mod coverage;
mod drain;
mod driver;
mod fault;
mod guard;
mod hooks;
mod introspect;
mod log;
mod member;
mod mps;
mod share;
