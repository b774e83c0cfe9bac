//! How many bytes an array takes: formats count bits or share texels between bytes, extents of 0 mean
//! that there is no such dimension, and rows are laid out in tiles.
#![forbid(unsafe_code)]

use crate::grain::{TILE_BYTES, TILE_ROWS, round};

/// Flags of a shape.
const LAYERED: u32 = 1;
const CUBEMAP: u32 = 4;
const SPARSE: u32 = 64;
const DEFERRED: u32 = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub width: u64,
    /// 0: one-dimensional.
    pub height: u64,
    /// 0: no third dimension; else depth, layers or faces.
    pub depth: u64,
    pub format: u32,
    pub channels: u32,
    pub flags: u32,
}

/// What a format takes.
struct Texel {
    /// Bytes of an element, or of a block of compressed ones.
    bytes: u64,
    /// Elements of a block, in each direction.
    block: u64,
    /// Rows of all planes for every two of the picture.
    rows_for_two: u64,
}

fn texel(format: u32, channels: u32) -> Texel {
    let plain = |bytes| Texel { bytes, block: 1, rows_for_two: 2 };
    let each = |bytes: u64| plain(bytes * u64::from(channels.clamp(1, 4)));
    let compressed = |bytes| Texel { bytes, block: 4, rows_for_two: 2 };
    let planes = |bytes, rows_for_two| Texel { bytes, block: 1, rows_for_two };
    match format {
        // Integers of 8, 16 and 32 bits, half and single floats.
        1 | 8 => each(1),
        2 | 9 | 16 => each(2),
        3 | 10 | 32 => each(4),
        // Normalised integers of one, two and four channels.
        192 | 198 => plain(1),
        193 | 199 | 195 | 201 => plain(2),
        194 | 200 | 196 | 202 => plain(4),
        197 | 203 => plain(8),
        // Block-compressed: 4×4 texels in 8 or in 16 bytes.
        145 | 146 | 151 | 152 => compressed(8),
        147..=150 | 153..=158 => compressed(16),
        // Packed pictures.
        165 | 81 => plain(2),
        80 | 82 | 166..=169 => plain(4),
        177 => plain(8),
        // Planar pictures, their chroma at half the height and width, at half the width, or whole.
        176 | 83 | 89 => planes(1, 3),
        159 | 161 | 84 | 90 => planes(2, 3),
        162 | 85 | 91 => planes(1, 4),
        163 | 164 | 86 | 92 => planes(2, 4),
        178 | 180 | 87 | 93 => planes(1, 6),
        179 | 181 | 88 | 94 => planes(2, 6),
        // Newer than this list: the widest there is.
        _ => plain(16),
    }
}

impl Shape {
    /// Whether it takes memory when it is made; else the program maps some to it.
    pub fn takes_memory(&self) -> bool {
        self.flags & (SPARSE | DEFERRED) == 0
    }

    /// Bytes as laid out; as many as a word holds if they are too many.
    pub fn bytes(&self) -> u64 {
        let texel = texel(self.format, self.channels);
        let row = self.width.div_ceil(texel.block).saturating_mul(texel.bytes);
        let down = self.height.max(1).div_ceil(texel.block);
        let rows = down.saturating_mul(texel.rows_for_two).div_ceil(2);
        let tall = if self.height > 1 { round(rows, TILE_ROWS) } else { rows };
        round(row, TILE_BYTES).saturating_mul(tall).saturating_mul(self.depth.max(1))
    }

    fn level(&self, level: u32) -> Shape {
        let half = |extent: u64| if extent == 0 { 0 } else { (extent >> level).max(1) };
        let stays = self.flags & (LAYERED | CUBEMAP) != 0;
        let depth = if stays { self.depth } else { half(self.depth) };
        Shape { width: half(self.width), height: half(self.height), depth, ..*self }
    }

    /// Bytes of so many levels, each half of the one before, down to one texel.
    pub fn mipmap_bytes(&self, levels: u32) -> u64 {
        let stays = self.flags & (LAYERED | CUBEMAP) != 0;
        let longest = self.width.max(self.height).max(if stays { 1 } else { self.depth });
        let levels = levels.min(longest.max(1).ilog2() + 1);
        (0..levels).fold(0, |sum, level| self.level(level).bytes().saturating_add(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(width: u64, height: u64, depth: u64, format: u32, channels: u32, flags: u32) -> Shape {
        Shape { width, height, depth, format, channels, flags }
    }

    #[test]
    fn missing_dimensions_count_once_and_bits_are_not_bytes() {
        assert_eq!(shape(1000, 0, 0, 32, 1, 0).bytes(), 4032);
        assert_eq!(shape(64, 64, 0, 1, 4, 0).bytes(), 64 * 64 * 4);
        assert_eq!(shape(64, 64, 64, 32, 4, 0).bytes(), 64 * 64 * 64 * 16);
        assert_eq!(shape(64, 0, 7, 32, 1, LAYERED).bytes(), 64 * 4 * 7);
        assert_eq!(shape(64, 64, 0, 145, 4, 0).bytes(), 64 * 64 / 2);
        assert_eq!(shape(64, 64, 0, 176, 3, 0).bytes(), 64 * 64 * 3 / 2);
        assert_eq!(shape(64, 64, 0, 179, 3, 0).bytes(), 64 * 64 * 6);
        assert_eq!(shape(u64::MAX, u64::MAX, 9, 32, 4, 0).bytes(), u64::MAX);
    }

    #[test]
    fn levels_halve_but_layers_stay() {
        let top = shape(64, 64, 0, 1, 4, 0);
        let levels = [64, 32, 16, 8, 4, 2, 1].map(|n| top.level(u32::ilog2(64 / n)).bytes());
        assert_eq!(levels.iter().sum::<u64>(), top.mipmap_bytes(7));
        assert_eq!(top.mipmap_bytes(7), top.mipmap_bytes(99));
        assert_eq!(shape(9, 5, 4, 1, 1, LAYERED).level(9).depth, 4);
    }
}
