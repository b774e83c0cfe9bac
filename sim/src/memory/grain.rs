//! Sizes in which the simulated driver takes and hands out memory. Each stands for a property of a
//! real card and is meant to be corrected by measuring one.

/// Physical memory comes in pages of this size.
pub const PAGE: usize = 2 << 20;
/// Requests up to this size share a page with others of their context.
pub const SMALL: usize = 1 << 20;
/// Addresses handed out are multiples of this, and small requests are rounded up to it.
pub const ADDRESS: usize = 512;
/// Rows of `cuMemAllocPitch` are padded to this.
pub const PITCH: usize = 512;
/// A pool grows by this, or by what is asked rounded up to it.
pub const POOL: usize = 32 << 20;
/// Arrays are laid out in tiles of this many bytes by this many rows.
pub const TILE_BYTES: usize = 64;
pub const TILE_ROWS: usize = 8;
/// Sparse arrays are mapped in tiles of this size.
pub const SPARSE_TILE: usize = 64 << 10;

pub fn pages(bytes: usize) -> Option<usize> {
    bytes.checked_next_multiple_of(PAGE)
}
