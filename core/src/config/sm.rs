//! Parts of a device's SMs.
#![forbid(unsafe_code)]

use std::fmt;

use super::size::{digits, percent};
use crate::share::Percentage;

/// A part of a device's SMs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sm {
    /// In thousandths of a percent, up to 100 000.
    Percent(u64),
    /// So many, at least one.
    Count(u32),
}

/// Thousandths in one percent.
const ONE: u64 = 1000;

impl Sm {
    pub(super) fn parse(text: &str) -> Option<Sm> {
        if let Some(count) = text.strip_suffix("sm") {
            let count = digits(count)?.try_into().ok()?;
            return (count > 0).then_some(Sm::Count(count));
        }
        percent(text.strip_suffix('%')?).filter(|part| *part >= ONE).map(Sm::Percent)
    }
}

/// As it is written in the variable.
impl fmt::Display for Sm {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Sm::Count(count) => write!(out, "{count}sm"),
            share => match Percentage::of(*share, None) {
                Some(percentage) => write!(out, "{percentage}%"),
                None => Ok(()),
            },
        }
    }
}
