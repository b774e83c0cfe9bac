//! What a shared file of memory says about itself, in its last page: descriptors are all that
//! processes pass to each other.

use super::arena::{Arena, PAGE};
use super::block::Place;
use crate::api::E;
use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// "cuotamem", little-endian.
const MAGIC: u64 = 0x6d65_6d61_746f_7563;
const HOST: u64 = u64::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Block = 1,
    Pool = 2,
}

#[derive(Debug, Clone, Copy)]
pub struct Label {
    pub content: Content,
    pub place: Place,
    /// Bytes of memory, the label's page not counted.
    pub bytes: usize,
    pub id: u64,
}

/// Bytes of a file that holds so much memory and a label.
pub fn file_bytes(memory: usize) -> Option<usize> {
    memory.checked_next_multiple_of(PAGE)?.checked_add(PAGE)
}

impl Label {
    pub fn write(&self, arena: &Arena) -> Result<(), E> {
        let place = match self.place {
            Place::Card(card) => card as u64,
            Place::Host => HOST,
        };
        let words = [MAGIC, self.content as u64, place, self.bytes as u64, self.id];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let at = self.bytes.next_multiple_of(PAGE) as u64;
        let file = duplicate(arena.file())?;
        file.write_all_at(&bytes, at).or(Err(E::OPERATING_SYSTEM))
    }

    /// Reads a descriptor somebody passed: anything but one of our files is refused.
    pub fn read(file: &File, content: Content) -> Result<Label, E> {
        let len = file.metadata().or(Err(E::INVALID_VALUE))?.len();
        let at = len.checked_sub(PAGE as u64).ok_or(E::INVALID_VALUE)?;
        let mut bytes = [0; 40];
        file.read_exact_at(&mut bytes, at).or(Err(E::INVALID_VALUE))?;
        let mut words = bytes.chunks_exact(8).map(|word| match word.try_into() {
            Ok(word) => u64::from_le_bytes(word),
            Err(_) => 0,
        });
        let mut next = || words.next().unwrap_or_default();
        let (magic, kind, place, bytes, id) = (next(), next(), next(), next() as usize, next());
        if magic != MAGIC || kind != content as u64 || file_bytes(bytes) != Some(len as usize) {
            return Err(E::INVALID_VALUE);
        }
        let place = if place == HOST { Place::Host } else { Place::Card(place as usize) };
        Ok(Label { content, place, bytes, id })
    }
}

/// The caller keeps its own descriptor; this one is ours.
pub fn adopt(fd: i32) -> Result<File, E> {
    if fd < 0 {
        return Err(E::INVALID_VALUE);
    }
    // SAFETY: borrowed only for the duplication, which fails where it is not an open descriptor.
    duplicate(unsafe { BorrowedFd::borrow_raw(fd) }).or(Err(E::INVALID_VALUE))
}

/// A new descriptor for the caller, who closes it.
pub fn hand_out(arena: &Arc<Arena>) -> Result<i32, E> {
    Ok(duplicate(arena.file())?.into_raw_fd())
}

fn duplicate(fd: BorrowedFd<'_>) -> Result<File, E> {
    debug_assert!(fd.as_raw_fd() >= 0);
    let owned = fd.try_clone_to_owned().or(Err(E::OPERATING_SYSTEM))?;
    Ok(File::from(owned))
}
