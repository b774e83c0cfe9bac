//! In what sizes the driver takes memory. The figures stand for properties of real cards, and are to
//! be corrected by measuring some.
#![forbid(unsafe_code)]

/// Physical memory comes in pages of this size.
pub const PAGE: u64 = 2 << 20;
/// Requests up to this size share a page with others of their context.
pub const SMALL: u64 = 1 << 20;
/// Small requests are cut in multiples of this.
pub const UNIT: u64 = 512;
/// Rows of pitched memory are padded to this.
pub const PITCH: u64 = 512;
/// A pool grows by this, or by what is asked rounded up to it.
pub const POOL: u64 = 32 << 20;
/// Arrays are laid out in tiles of this many bytes by this many rows.
pub const TILE_BYTES: u64 = 64;
pub const TILE_ROWS: u64 = 8;

/// `bytes` in whole steps; as many as fit in a word if they are too many.
pub fn round(bytes: u64, step: u64) -> u64 {
    bytes.checked_next_multiple_of(step).unwrap_or(u64::MAX)
}

/// What memory of its own, asked for in one piece, takes.
pub fn piece(bytes: u64) -> u64 {
    round(bytes, if bytes > SMALL { PAGE } else { UNIT })
}

/// What one of many equal small requests takes of the pages they share.
pub fn share(bytes: u64) -> u64 {
    let unit = round(bytes.max(1), UNIT).min(PAGE);
    PAGE / (PAGE / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!([1, 512, 513, SMALL].map(piece), [512, 512, 1024, SMALL]);
        assert_eq!([SMALL + 1, PAGE, PAGE + 1].map(piece), [PAGE, PAGE, 2 * PAGE]);
        assert_eq!(piece(u64::MAX), u64::MAX);
        assert_eq!(
            [1, 512, 64 << 10, 700 << 10, SMALL].map(share),
            [512, 512, 64 << 10, SMALL, SMALL]
        );
    }
}
