//! Moments and spans of time as people write and read them. A moment is in nanoseconds since 1970.
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::native::local;

const SECOND: u64 = 1_000_000_000;
/// Longer ones are slips; and no sum with one overflows.
const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;

/// `90`, `90s`, `1.5h`, `250ms`, `7d`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text.strip_prefix(number).unwrap_or_default() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => f64::NAN,
    };
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = number.parse::<f64>().ok().filter(|_| plain).map(|number| number * unit);
    let seconds = seconds.filter(|seconds| (0.0..=LONGEST).contains(seconds));
    let wrong = || "no time such as 90s, 10m, 1.5h or 7d (at most 10 years)".to_owned();
    seconds.map(Duration::from_secs_f64).ok_or_else(wrong)
}

/// A moment, as it is written or as a duration before `now`.
pub fn since(text: &str, now: u64) -> Result<u64, String> {
    let ago = duration(text).map(|ago| u64::try_from(ago.as_nanos()).unwrap_or(u64::MAX));
    if let Ok(ago) = ago {
        return Ok(now.saturating_sub(ago));
    }
    let wrong = || {
        "neither a time ago such as 10m or 2h, nor a local time such as 14:30, 2026-01-31 or 2026-01-31 14:30:00".to_owned()
    };
    let today = local::date(now / SECOND).ok_or_else(wrong)?;
    let date = written(text, today).and_then(local::seconds).ok_or_else(wrong)?;
    Ok(date.saturating_mul(SECOND))
}

/// `2026-01-31`, `14:30`, `14:30:05`, or both with a space or a T between.
fn written(text: &str, today: local::Date) -> Option<local::Date> {
    let (day, time) = match text.split_once([' ', 'T']) {
        Some((day, time)) => (Some(day), Some(time)),
        None if text.contains(':') => (None, Some(text)),
        None => (Some(text), None),
    };
    let [mut year, mut month, mut date, ..] = today;
    if let Some(day) = day {
        [year, month, date] = numbers(day, '-')?.try_into().ok()?;
    }
    let (mut hour, mut minute, mut second) = (0, 0, 0);
    if let Some(time) = time {
        match *numbers(time, ':')?.as_slice() {
            [hours, minutes] => (hour, minute) = (hours, minutes),
            [hours, minutes, seconds] => (hour, minute, second) = (hours, minutes, seconds),
            _ => return None,
        }
    }
    Some([year, month, date, hour, minute, second])
}

fn numbers(text: &str, between: char) -> Option<Vec<i32>> {
    let digits = |part: &str| {
        let plain = (1..=4).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_digit());
        part.parse().ok().filter(|_| plain)
    };
    text.split(between).map(digits).collect()
}

/// A moment on the local clock, to the millisecond.
pub fn clock(moment: u64) -> String {
    let Some([year, month, day, hour, minute, second]) = local::date(moment / SECOND) else {
        return format!("{} s after 1970", moment / SECOND);
    };
    let milliseconds = moment % SECOND / 1_000_000;
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{milliseconds:03}")
}

/// A moment on the local clock, to the minute.
pub fn minute(moment: u64) -> String {
    let clock = clock(moment);
    clock.rsplit_once(':').map(|(minute, _)| minute.to_owned()).unwrap_or(clock)
}

/// The moment on the wall of one since boot, in a ledger that was made at both of `made`.
pub fn of_boot((made_wall, made_boot): (u64, u64), time: u64) -> u64 {
    let moment = i128::from(made_wall) - i128::from(made_boot) + i128::from(time);
    u64::try_from(moment.max(0)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_slips_are_not() {
        for (text, milliseconds) in
            [("90", 90_000), ("1.5h", 5_400_000), ("250ms", 250), ("7d", 604_800_000), ("0", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for wrong in ["", "s", "-1s", "1e3", "inf", "nan", "5 m", "5x", "1..2", "99999d", "+1"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn moments_are_read_as_they_are_shown() {
        let now = 1_790_000_000 * SECOND;
        assert_eq!(since("10m", now), Ok(now - 600 * SECOND));
        let shown = clock(now + 7_000_000);
        assert!(shown.ends_with(".007"), "{shown}");
        let (seconds, _) = shown.split_once('.').unwrap();
        assert_eq!(since(seconds, now), Ok(now));
        assert_eq!(since(&seconds.replace(' ', "T"), now), Ok(now));
        let (day, time) = seconds.split_once(' ').unwrap();
        assert_eq!(since(time, now), Ok(now), "today");
        assert_eq!(since(&format!("{day} 00:00"), now), since(day, now));
        for wrong in ["yesterday", "25:00", "10:60", "2026-02-31", "2026-1", "1:2:3:4", "::"] {
            assert!(since(wrong, now).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_ledger_says_of_time_may_be_anything() {
        assert_eq!(of_boot((1000, 10), 15), 1005);
        assert_eq!(of_boot((5, u64::MAX), 0), 0);
        assert_eq!(of_boot((u64::MAX, 0), u64::MAX), u64::MAX);
        assert!(!clock(u64::MAX).is_empty());
        assert_eq!(minute(0).len(), "1970-01-01 00:00".len());
    }
}
