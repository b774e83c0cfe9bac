//! Moments as this machine's clocks on the wall show them.

use libc::{c_int, time_t, tm};

/// Year, month, day, hour, minute, second; counted as people do.
pub type Date = [i32; 6];

/// The local date of a moment, in seconds since 1970.
pub fn date(seconds: u64) -> Option<Date> {
    let seconds = time_t::try_from(seconds).ok()?;
    // SAFETY: an all zero `tm` is a valid one; both pointers are to our own memory.
    let found = unsafe {
        let mut found: tm = std::mem::zeroed();
        let known = !libc::localtime_r(&raw const seconds, &raw mut found).is_null();
        known.then_some(found)
    }?;
    let (year, month) = (found.tm_year.checked_add(1900)?, found.tm_mon + 1);
    Some([year, month, found.tm_mday, found.tm_hour, found.tm_min, found.tm_sec])
}

/// The moment of a local date; none if there is no such date.
pub fn seconds([year, month, day, hour, minute, second]: Date) -> Option<u64> {
    // SAFETY: all zero is a valid `tm`.
    let mut asked: tm = unsafe { std::mem::zeroed() };
    asked.tm_year = year.checked_sub(1900)?;
    asked.tm_mon = month.checked_sub(1)?;
    (asked.tm_mday, asked.tm_hour, asked.tm_min, asked.tm_sec) = (day, hour, minute, second);
    let unknown: c_int = -1;
    asked.tm_isdst = unknown;
    // SAFETY: reads and corrects a structure of our own.
    let found = unsafe { libc::mktime(&raw mut asked) };
    let found = u64::try_from(found).ok()?;
    // The 31st of February would be a day in March. An hour may be skipped by a change of the clock.
    let same = date(found).is_some_and(|[y, m, d, ..]| [y, m, d] == [year, month, day]);
    (same && hour < 24 && minute < 60 && second < 60).then_some(found)
}
