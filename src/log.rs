//! Lines for people, on standard error: one write each, at most a few of each kind.
//!
//! Never standard output (a program's own), never once per call: events belong to the ring.
#![forbid(unsafe_code)]

use core::fmt::{Arguments, Write};
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use cuota_core::config::Level;

use crate::driver::stderr;

/// What a line is about; each has its own cap.
#[derive(Clone, Copy)]
pub enum Topic {
    Bug,
    Setting,
    Driver,
    Coverage,
    Ledger,
    Refused,
    Fault,
}

const TOPICS: usize = 7;
/// Lines printed of one topic before the rest are only said to exist.
const CAP: u32 = 20;
const LONGEST: usize = 768;

static LEVEL: AtomicU8 = AtomicU8::new(Level::Warn as u8);
static PRINTED: [AtomicU32; TOPICS] = [const { AtomicU32::new(0) }; TOPICS];

pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

pub fn enabled(level: Level) -> bool {
    level as u8 <= LEVEL.load(Ordering::Relaxed)
}

pub fn error(topic: Topic, text: Arguments) {
    say(Level::Error, topic, text);
}

pub fn warn(topic: Topic, text: Arguments) {
    say(Level::Warn, topic, text);
}

pub fn info(topic: Topic, text: Arguments) {
    say(Level::Info, topic, text);
}

pub fn debug(topic: Topic, text: Arguments) {
    say(Level::Debug, topic, text);
}

fn say(level: Level, topic: Topic, text: Arguments) {
    let Some(printed) = PRINTED.get(topic as usize).filter(|_| enabled(level)) else { return };
    let mut line = Line { bytes: [0; LONGEST], len: 0 };
    let name = level.name();
    let _ = match printed.fetch_add(1, Ordering::Relaxed) {
        n if n < CAP => write!(line, "cuota: {name}: {text}"),
        CAP => write!(line, "cuota: {name}: more lines like the last ones are not printed"),
        _ => return,
    };
    stderr::write(line.finish());
}

/// A line in place: logging must not allocate inside somebody's allocator.
struct Line {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Line {
    fn finish(&mut self) -> &[u8] {
        let end = self.len.min(LONGEST - 1);
        if let Some(last) = self.bytes.get_mut(end) {
            *last = b'\n';
        }
        self.bytes.get(..=end).unwrap_or_default()
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes() {
            if let Some(place) = self.bytes.get_mut(self.len).filter(|_| self.len < LONGEST - 1) {
                // One line stays one line, whatever a name or a path contains.
                *place = if byte.is_ascii_control() { b'?' } else { byte };
                self.len += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_ends() {
        let mut line = Line { bytes: [0; LONGEST], len: 0 };
        let _ = write!(line, "a\nb\u{1b}[31m");
        assert_eq!(line.finish(), b"a?b?[31m\n");
        let mut line = Line { bytes: [0; LONGEST], len: 0 };
        let _ = write!(line, "{}", "x".repeat(5000));
        let bytes = line.finish();
        assert_eq!((bytes.len(), bytes.last()), (LONGEST, Some(&b'\n')));
    }
}
