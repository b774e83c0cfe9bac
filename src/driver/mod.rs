//! The real driver: where it is, how it is loaded, and what it answers.
//!
//! Loading is idempotent and holds no lock: any number of threads may load at once, each asks the
//! loader for the same file and stores the same addresses. A lock (or a `Once`) here would deadlock
//! against a constructor that joins a thread making its first driver call.

pub mod absent;
pub mod addresses;
pub mod bell;
mod cache;
pub mod dl;
pub mod entry;
pub mod environment;
pub mod file;
pub mod find;
pub mod fork;
#[cfg(all(target_arch = "x86_64", not(test)))]
mod glibc;
pub mod load;
mod loaded;
pub mod path;
pub mod process;
#[macro_use]
pub mod query;
pub mod nvml;
pub mod scope;
pub mod status;
pub mod stderr;
pub mod term;

pub use entry::{Entry, Kind, Library};
pub use status::Status;
