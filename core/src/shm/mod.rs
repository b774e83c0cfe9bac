//! Memory shared between processes.

mod map;
mod wide;

pub use map::Words;
pub use wide::Pair;
