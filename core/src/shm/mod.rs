//! Memory shared between processes, and the files behind it. The only `unsafe` of this crate.

pub mod alone;
mod atomic;
mod brief;
mod cancel;
pub mod clock;
mod descriptor;
pub mod file;
pub mod greeting;
mod map;
mod oversize;
pub mod pid;
mod wide;

pub use brief::{Brief, Flag};
pub use cancel::NotCancelled;
pub use clock::Clock;
pub use descriptor::Descriptor;
pub use map::Words;
pub use oversize::NoSizeSignal;
pub use wide::Pair;
