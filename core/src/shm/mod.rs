//! Memory shared between processes.

mod map;

pub use map::Words;
