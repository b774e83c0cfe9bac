//! What is said of a variable that could not be read.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;

/// A variable that could not be read, and what would have been. Displayed it is the line for where
/// the value is passed over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complaint {
    pub(super) variable: Cow<'static, str>,
    pub(super) read: String,
    pub(super) accepted: &'static str,
}

impl Complaint {
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// The line for where nothing is done before it is corrected.
    pub fn objection(&self) -> String {
        let Complaint { variable, read, accepted } = self;
        format!("{variable}={} cannot be read: it takes {accepted}", Shown(read))
    }

    /// The line for where `cuInit` fails for it.
    pub fn refusal(&self) -> String {
        let Complaint { variable, read, accepted } = self;
        format!(
            "{variable}={} makes cuInit fail: it takes {accepted}; with CUOTA_STRICT=0 it is ignored",
            Shown(read)
        )
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Complaint { variable, read, accepted } = self;
        write!(out, "{variable}={} is ignored: it takes {accepted}", Shown(read))
    }
}

/// A value in quotes, escaped and cut so that a line stays a line.
pub(super) struct Shown<'a>(pub &'a str);

/// Bytes of a value that are shown, escapes included.
const ROOM: usize = 80;

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let mut taken = 0;
        let cut = self.0.char_indices().find(|(_, letter)| {
            taken += letter.escape_debug().map(char::len_utf8).sum::<usize>();
            taken > ROOM
        });
        match cut.and_then(|(at, _)| self.0.get(..at)) {
            Some(start) => write!(out, "{start:?}…"),
            None => write!(out, "{:?}", self.0),
        }
    }
}
