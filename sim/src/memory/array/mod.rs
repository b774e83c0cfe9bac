//! Arrays: memory laid out for texturing, reached by coordinates and never by address.

mod create;
mod layout;
mod mipmap;
mod sparse;
mod texture;

pub use create::*;
pub use mipmap::*;
pub use sparse::*;
pub use texture::*;

use super::abi::{Array3D, Memcpy3D};
use super::block::Block;
use super::piece::Piece;
use crate::api::{E, R};
use crate::handles::Table;
use layout::Layout;
use sparse::Tiles;
use std::sync::Arc;

/// One level of memory with a shape.
pub struct Array {
    pub handle: usize,
    space: u64,
    pub shape: Array3D,
    layout: Layout,
    /// Where this level begins in the memory it shares with the others.
    start: usize,
    memory: Arc<Memory>,
    /// A level of a mipmap, or a plane of an array: it goes with that one.
    dependent: bool,
}

/// What holds the texels.
enum Memory {
    Piece(Piece),
    /// Mapped tile by tile by the program, which pays for the tiles; what they would hold is kept
    /// here, for nobody's account.
    Tiles(Arc<Block>, Tiles),
    /// Part of somebody's external memory.
    External(Arc<Block>, usize),
}

static ARRAYS: Table<Array> = Table::new(42);

/// The array a program means by this handle.
pub fn of_handle(handle: usize) -> Result<Arc<Array>, E> {
    ARRAYS.get(handle).ok_or(E::INVALID_HANDLE)
}

/// The context's arrays go with it.
pub fn destroy_of(space: u64) {
    texture::destroy_of(space);
    mipmap::destroy_of(space);
    ARRAYS.remove_where(|array| array.space == space);
}

impl Array {
    /// Copies name arrays by one level only.
    pub fn level(self: Arc<Array>, level: usize) -> Result<Arc<Array>, E> {
        if level == 0 { Ok(self) } else { Err(E::INVALID_VALUE) }
    }

    pub fn element_bytes(&self) -> usize {
        self.layout.texel
    }

    /// Whether a box of bytes by rows by slices lies inside.
    pub fn check(&self, x: usize, y: usize, z: usize, shape: &Memcpy3D) -> R {
        let fits = |from: usize, len: usize, room: usize| {
            from.checked_add(len).is_some_and(|end| end <= room)
        };
        let Layout { row, rows, slices, .. } = self.layout;
        let inside = fits(x, shape.width, row)
            && fits(y, shape.height, rows)
            && fits(z, shape.depth, slices);
        if inside { Ok(()) } else { Err(E::INVALID_VALUE) }
    }

    /// Where this process sees a byte of a row of a slice.
    pub fn at(&self, x: usize, y: usize, z: usize) -> Result<usize, E> {
        let offset = self.start + self.layout.offset(x, y, z);
        Ok(match &*self.memory {
            Memory::Piece(piece) => {
                let (block, first) = piece.block();
                block.at(first + offset)
            }
            Memory::Tiles(block, _) => block.at(offset),
            Memory::External(block, first) => block.at(first + offset),
        })
    }
}
