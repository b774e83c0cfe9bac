//! The input, taken byte by byte; zeros past its end.

pub struct Cursor<'a>(pub &'a [u8]);

impl Cursor<'_> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    pub fn word(&mut self) -> u64 {
        u64::from_le_bytes([0; 8].map(|_: u8| self.byte()))
    }

    pub fn rest(&mut self) -> &[u8] {
        std::mem::take(&mut self.0)
    }
}
