//! Switches, paths, counts and spans of time.
#![forbid(unsafe_code)]

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::size::{digits, split};

pub(super) const A_SPAN: &str = "0 or a time such as 500ms, 5s or 2m, up to 60m";

/// No process should hang about longer than that at its exit.
const LONGEST: Duration = Duration::from_secs(60 * 60);

pub(super) fn switch(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

pub(super) fn path(text: &str) -> Option<PathBuf> {
    Some(PathBuf::from(text)).filter(|path| path.is_absolute())
}

pub(super) fn count(text: &str, within: RangeInclusive<u32>) -> Option<u32> {
    let count = digits(text)?.try_into().ok()?;
    within.contains(&count).then_some(count)
}

pub(super) fn span(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let count = digits(number)?;
    let span = match unit {
        "ms" => Duration::from_millis(count),
        "s" => Duration::from_secs(count),
        "m" => Duration::from_secs(count.checked_mul(60)?),
        "" if count == 0 => Duration::ZERO,
        _ => return None,
    };
    (span <= LONGEST).then_some(span)
}
