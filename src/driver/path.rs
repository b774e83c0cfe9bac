//! Paths without an allocation.
#![forbid(unsafe_code)]

use core::ffi::{CStr, c_char};
use core::sync::atomic::{AtomicU8, Ordering};

/// The longest path looked at: these stand on the stacks of other people's threads.
const LONGEST: usize = 1024;

/// A path in a buffer of its own.
pub struct Path {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Path {
    pub const fn new() -> Path {
        Path { bytes: [0; LONGEST], len: 0 }
    }

    /// Makes this the path of `file` in `directory`; false if it does not fit.
    pub fn set(&mut self, directory: &[u8], file: &[u8]) -> bool {
        // An empty entry of a list is the working directory.
        let directory = if directory.is_empty() { b"." } else { directory };
        let directory = directory.strip_suffix(b"/").unwrap_or(directory);
        let total = directory.len() + 1 + file.len();
        let Some((place, rest)) = self.bytes.split_at_mut_checked(total) else { return false };
        let Some(end) = rest.first_mut() else { return false };
        let (head, tail) = place.split_at_mut(directory.len());
        head.copy_from_slice(directory);
        if let Some((slash, name)) = tail.split_first_mut() {
            *slash = b'/';
            name.copy_from_slice(file);
        }
        *end = 0;
        self.len = total;
        true
    }

    /// Makes this the given path; false if it does not fit.
    pub fn copy(&mut self, path: &CStr) -> bool {
        let bytes = path.to_bytes_with_nul();
        let Some(place) = self.bytes.get_mut(..bytes.len()) else { return false };
        place.copy_from_slice(bytes);
        self.len = bytes.len() - 1;
        true
    }

    /// Makes this the path of `file` in a directory as run paths give it: `$ORIGIN` is where the
    /// library is that gives it.
    pub fn set_expanded(&mut self, directory: &[u8], origin: &[u8], file: &[u8]) -> bool {
        let rest =
            [&b"$ORIGIN"[..], b"${ORIGIN}"].iter().find_map(|word| directory.strip_prefix(*word));
        match rest {
            Some(rest) => {
                let rest = rest.strip_prefix(b"/").unwrap_or(rest);
                let mut below = Path::new();
                match rest.is_empty() {
                    true => self.set(origin, file),
                    false => below.set(rest, file) && self.set(origin, below.as_c().to_bytes()),
                }
            }
            None => self.set(directory, file),
        }
    }

    /// Makes this what `write` writes, which says how much that is.
    pub fn fill(&mut self, write: impl FnOnce(&mut [u8]) -> usize) {
        let Some((end, room)) = self.bytes.split_last_mut() else { return };
        *end = 0;
        self.len = write(room).min(LONGEST - 1);
        if let Some(end) = self.bytes.get_mut(self.len) {
            *end = 0;
        }
    }

    pub fn as_c(&self) -> &CStr {
        self.bytes.get(..=self.len).and_then(|b| CStr::from_bytes_with_nul(b).ok()).unwrap_or(c"")
    }
}

/// A path kept for as long as the process lives, for a jump that outlives the code that found it.
pub struct Kept {
    bytes: [AtomicU8; LONGEST],
}

impl Kept {
    pub const fn new() -> Kept {
        Kept { bytes: [const { AtomicU8::new(0) }; LONGEST] }
    }

    /// Keeps `path`; the last byte stays NUL, so that readers always find an end.
    pub fn keep(&self, path: &CStr) {
        let places = self.bytes.iter().take(self.bytes.len() - 1);
        for (place, byte) in places.zip(path.to_bytes_with_nul()) {
            place.store(*byte, Ordering::Relaxed);
        }
    }

    /// A copy of what is kept.
    pub fn path(&self) -> Path {
        let mut path = Path::new();
        path.fill(|bytes| {
            let kept = self.bytes.iter().map(|byte| byte.load(Ordering::Relaxed));
            let kept = kept.take_while(|byte| *byte != 0);
            bytes.iter_mut().zip(kept).map(|(place, byte)| *place = byte).count()
        });
        path
    }

    pub fn as_ptr(&'static self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_too_long_is_refused() {
        let mut path = Path::new();
        assert!(path.set(b"/a", b"b"));
        assert_eq!(path.as_c(), c"/a/b");
        assert!(!path.set(&[b'x'; 5000], b"b"));
    }

    #[test]
    fn what_is_kept_can_be_read() {
        let kept = Kept::new();
        assert_eq!(kept.path().as_c(), c"");
        kept.keep(c"/a/b");
        assert_eq!(kept.path().as_c(), c"/a/b");
    }

    #[test]
    fn an_origin_is_put_in_place() {
        let mut path = Path::new();
        for (directory, expected) in [
            ("$ORIGIN", c"/o/f"),
            ("${ORIGIN}/../x", c"/o/../x/f"),
            ("$ORIGIN/", c"/o/f"),
            ("/a", c"/a/f"),
        ] {
            assert!(path.set_expanded(directory.as_bytes(), b"/o", b"f"));
            assert_eq!(path.as_c(), expected);
        }
    }
}
