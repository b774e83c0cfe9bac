//! Virtual memory management: physical memory, addresses, and which lies under which.

mod access;
mod handle;
mod map;
mod reserve;
mod share;

pub use access::{Access, get_access, set_access};
pub use handle::{Physical, create, granularity, named, properties, release, retain};
pub use map::{map, unmap};
pub use reserve::{free, reserve};
pub use share::{export, import};

use super::grain;

/// Whether a size or address is one physical memory can have.
fn is_granular(value: usize) -> bool {
    value.is_multiple_of(grain::PAGE)
}
