//! What is said of other tools' variables.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;

use super::complaint::Shown;

/// Another tool's variable that was taken for a limit of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Adopted {
    pub variable: Cow<'static, str>,
    pub value: String,
    /// Our variable in whose place it stands.
    pub ours: &'static str,
}

/// Another tool's variable that is set and was not taken; its value may be anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reported {
    pub variable: Cow<'static, str>,
    pub value: String,
    pub why: Why,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// Another variable comes first.
    Outranked(&'static str),
    /// It is about one process, and the client was given no name.
    PerProcess,
}

impl fmt::Display for Adopted {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Adopted { variable, value, ours } = self;
        write!(out, "{variable}={} is taken for {ours}", Shown(value))
    }
}

impl fmt::Display for Reported {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Reported { variable, value, why } = self;
        write!(out, "{variable}={} is not the client's limit: ", Shown(value))?;
        match why {
            Why::Outranked(by) => write!(out, "{by} is set"),
            Why::PerProcess => out
                .write_str("it is for one process, and nobody named the client with CUOTA_CLIENT"),
        }
    }
}
