//! How many bytes an array takes: formats count bits or shared texels, extents of 0 mean that there
//! is no such dimension, and rows are laid out in tiles.

use crate::api::E;
use crate::memory::abi::Array3D;
use crate::memory::grain::{TILE_BYTES, TILE_ROWS};

pub const LAYERED: u32 = 1;
pub const SURFACE: u32 = 2;
pub const CUBEMAP: u32 = 4;
pub const GATHER: u32 = 8;
pub const DEPTH: u32 = 16;
pub const COLOR: u32 = 32;
pub const SPARSE: u32 = 64;
pub const DEFERRED: u32 = 128;
pub const VIDEO: u32 = 256;
const KNOWN: u32 = LAYERED | SURFACE | CUBEMAP | GATHER | DEPTH | COLOR | SPARSE | DEFERRED | VIDEO;

const MAX_WIDTH: usize = 131_072;
const MAX_HEIGHT: usize = 65_536;
const MAX_VOLUME: usize = 16_384;
const MAX_LAYERS: usize = 2_048;

/// One level, in bytes and rows of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of an element, or of a block of compressed ones.
    pub texel: usize,
    /// Bytes of a row that hold texels, and from one row to the next.
    pub row: usize,
    pub pitch: usize,
    /// Rows of a slice, all planes together.
    pub rows: usize,
    /// Bytes from one slice to the next.
    pub slice: usize,
    /// Depth, layers or faces.
    pub slices: usize,
}

/// What one element of a format takes.
struct Texel {
    /// Bytes of an element of the first plane, or of a compressed block.
    bytes: usize,
    /// Elements of a block, in each direction.
    block: usize,
    /// Rows of all planes for every two rows of the picture.
    rows_for_two: usize,
}

fn texel(format: u32, channels: u32) -> Option<Texel> {
    let plain = |bytes| Some(Texel { bytes, block: 1, rows_for_two: 2 });
    let channelled = |bytes: usize| match channels {
        1 | 2 | 4 => plain(bytes * channels as usize),
        _ => None,
    };
    let compressed = |bytes| Some(Texel { bytes, block: 4, rows_for_two: 2 });
    let planes = |bytes, rows_for_two| Some(Texel { bytes, block: 1, rows_for_two });
    match format {
        1 | 8 => channelled(1),
        2 | 9 | 16 => channelled(2),
        3 | 10 | 32 => channelled(4),
        192..=194 | 198..=200 => plain(1 << ((format - 192) % 6)),
        195..=197 | 201..=203 => plain(2 << ((format - 195) % 6)),
        145 | 146 | 151 | 152 => compressed(8),
        147..=150 | 153..=158 => compressed(16),
        80 | 168 | 169 | 82 => plain(4),
        165 | 81 => plain(2),
        166 | 167 => plain(4),
        177 => plain(8),
        // Chroma at half the height and width, at half the width, or whole.
        176 | 83 | 89 => planes(1, 3),
        159 | 161 | 84 | 90 => planes(2, 3),
        162 | 85 | 91 => planes(1, 4),
        163 | 164 | 86 | 92 => planes(2, 4),
        178 | 180 | 87 | 93 => planes(1, 6),
        179 | 181 | 88 | 94 => planes(2, 6),
        _ => None,
    }
}

/// How many planes a format has; 1 for those that are not planar.
pub fn planes(format: u32) -> u32 {
    match format {
        176 | 159 | 161..=164 | 180 | 181 | 83..=88 => 2,
        178 | 179 | 89..=94 => 3,
        _ => 1,
    }
}

/// Refuses shapes that no card makes.
pub fn check(shape: &Array3D) -> Result<(), E> {
    let Array3D { width, height, depth, flags, .. } = *shape;
    let layered = flags & LAYERED != 0;
    let cube = flags & CUBEMAP != 0;
    let limits = if layered {
        width <= MAX_WIDTH && height <= MAX_HEIGHT && (1..=MAX_LAYERS).contains(&depth)
    } else if depth > 0 {
        height > 0 && width.max(height).max(depth) <= MAX_VOLUME
    } else {
        width <= MAX_WIDTH && height <= MAX_HEIGHT
    };
    let faces =
        !cube || (width == height && if layered { depth.is_multiple_of(6) } else { depth == 6 });
    let gather = flags & GATHER == 0 || (height > 0 && depth == 0);
    let both = flags & SPARSE != 0 && flags & DEFERRED != 0;
    let format = texel(shape.format, shape.channels).is_some();
    if width > 0 && limits && faces && gather && !both && format && flags & !KNOWN == 0 {
        Ok(())
    } else {
        Err(E::INVALID_VALUE)
    }
}

impl Layout {
    pub fn of(shape: &Array3D) -> Result<Layout, E> {
        let texel = texel(shape.format, shape.channels).ok_or(E::INVALID_VALUE)?;
        let across = shape.width.div_ceil(texel.block);
        let row = across.checked_mul(texel.bytes).ok_or(E::INVALID_VALUE)?;
        let down = shape.height.max(1).div_ceil(texel.block);
        let rows = (down * texel.rows_for_two).div_ceil(2);
        let pitch = row.next_multiple_of(TILE_BYTES);
        let tall = if shape.height > 1 { rows.next_multiple_of(TILE_ROWS) } else { rows };
        let slice = pitch.checked_mul(tall).ok_or(E::INVALID_VALUE)?;
        Ok(Layout { texel: texel.bytes, row, pitch, rows, slice, slices: shape.depth.max(1) })
    }

    pub fn bytes(&self) -> Result<usize, E> {
        self.slice.checked_mul(self.slices).ok_or(E::OUT_OF_MEMORY)
    }

    pub fn offset(&self, x: usize, y: usize, z: usize) -> usize {
        z * self.slice + y * self.pitch + x
    }
}

/// The shape of a level of a mipmap: half of the level above, but layers and faces stay.
pub fn level(shape: &Array3D, level: u32) -> Array3D {
    let half = |extent: usize| if extent == 0 { 0 } else { (extent >> level).max(1) };
    let stays = shape.flags & (LAYERED | CUBEMAP) != 0;
    Array3D {
        width: half(shape.width),
        height: half(shape.height),
        depth: if stays { shape.depth } else { half(shape.depth) },
        ..*shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(
        width: usize,
        height: usize,
        depth: usize,
        format: u32,
        channels: u32,
        flags: u32,
    ) -> Array3D {
        Array3D { width, height, depth, format, channels, flags }
    }

    fn bytes(shape: Array3D) -> usize {
        check(&shape).unwrap();
        Layout::of(&shape).unwrap().bytes().unwrap()
    }

    #[test]
    fn missing_dimensions_count_once() {
        assert_eq!(bytes(shape(1000, 0, 0, 32, 1, 0)), 4032);
        assert_eq!(bytes(shape(64, 64, 0, 1, 4, 0)), 64 * 64 * 4);
        assert_eq!(bytes(shape(64, 64, 64, 32, 4, 0)), 64 * 64 * 64 * 16);
        assert_eq!(bytes(shape(64, 0, 7, 32, 1, LAYERED)), 64 * 4 * 7);
        assert_eq!(bytes(shape(64, 64, 6, 8, 1, CUBEMAP)), 64 * 64 * 6);
    }

    #[test]
    fn formats_that_share_bytes_between_texels() {
        assert_eq!(bytes(shape(64, 64, 0, 145, 4, 0)), 64 * 64 / 2);
        assert_eq!(bytes(shape(64, 64, 0, 155, 4, 0)), 64 * 64);
        assert_eq!(bytes(shape(64, 64, 0, 176, 3, 0)), 64 * 64 * 3 / 2);
        assert_eq!(bytes(shape(64, 64, 0, 179, 3, 0)), 64 * 64 * 6);
        assert_eq!(bytes(shape(64, 64, 0, 197, 4, 0)), 64 * 64 * 8);
    }

    #[test]
    fn impossible_shapes_are_refused() {
        for bad in [
            shape(0, 0, 0, 1, 1, 0),
            shape(8, 0, 8, 1, 1, 0),
            shape(8, 8, 0, 1, 3, 0),
            shape(8, 8, 0, 7, 1, 0),
            shape(8, 8, 5, 1, 1, CUBEMAP),
            shape(8, 4, 6, 1, 1, CUBEMAP),
            shape(8, 8, 2049, 1, 1, LAYERED),
            shape(131_073, 0, 0, 1, 1, 0),
            shape(8, 8, 0, 1, 1, 1 << 9),
        ] {
            assert_eq!(check(&bad), Err(E::INVALID_VALUE), "{bad:?}");
        }
    }

    #[test]
    fn levels_halve_but_layers_stay() {
        let top = shape(9, 5, 4, 1, 1, 0);
        assert_eq!(level(&top, 2), shape(2, 1, 1, 1, 1, 0));
        assert_eq!(level(&shape(9, 5, 4, 1, 1, LAYERED), 9).depth, 4);
    }
}
