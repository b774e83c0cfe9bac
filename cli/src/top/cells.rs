//! Figures as text that fits a column, whatever a ledger says.
#![forbid(unsafe_code)]

use crate::sizes::short;
use crate::sms::Sms;

/// What a figure shows that is not known, or that there is none of.
pub const NONE: &str = "-";

/// Exactly `width` columns, for text of one column a letter; what was cut ends in a plus.
pub fn left(text: &str, width: usize) -> String {
    format!("{:<width$}", cut(text, width))
}

pub fn right(text: &str, width: usize) -> String {
    format!("{:>width$}", cut(text, width))
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain((width > 0).then_some('+')).collect()
}

/// At most six columns: exact below 100,000.
pub fn number(number: u64) -> String {
    if number < 100_000 { number.to_string() } else { thousands(number as f64) }
}

/// A rate; at most six columns.
pub fn rate(rate: f64) -> String {
    match rate {
        _ if rate.fract() == 0.0 && rate < 100_000.0 => format!("{rate:.0}"),
        ..9.95 => format!("{rate:.1}"),
        ..99_999.5 => format!("{rate:.0}"),
        _ => thousands(rate),
    }
}

fn thousands(mut number: f64) -> String {
    let mut unit = ' ';
    for name in ['k', 'M', 'G', 'T', 'P', 'E'] {
        if number < 1000.0 {
            break;
        }
        number /= 1000.0;
        unit = name;
    }
    let decimals = if number < 99.95 { 1 } else { 0 };
    format!("{number:.decimals$}{unit}").trim_end().to_owned()
}

/// Bytes·ns in bytes times hours; at most nine columns.
pub fn byte_hours(byte_ns: u128) -> String {
    const HOUR: u128 = 3_600_000_000_000;
    format!("{}h", short(u64::try_from(byte_ns / HOUR).unwrap_or(u64::MAX)))
}

/// How full something is, in `width` columns: `[|||||    52%]`.
pub fn bar(part: u64, whole: u64, width: usize) -> String {
    let Some(inner) = width.checked_sub(2).filter(|inner| *inner > 0) else {
        return " ".repeat(width);
    };
    let scaled = |of: u128| u128::from(part) * of / u128::from(whole).max(1);
    // Whatever is held is to be seen.
    let full = scaled(inner as u128).max(u128::from(part > 0)).min(inner as u128) as usize;
    let percent = match scaled(100) {
        _ if whole == 0 => NONE.to_owned(),
        percent @ ..1000 => format!("{percent}%"),
        _ => ">999%".to_owned(),
    };
    let bars = "|".repeat(full);
    let room = inner.saturating_sub(percent.len());
    // The figure stands over the bar's end.
    format!("[{:<room$}{}]", cut_plain(&bars, room), cut_plain(&percent, inner))
}

fn cut_plain(text: &str, width: usize) -> &str {
    text.get(..width).unwrap_or(text)
}

/// SMs that are granted, and of how many; a partition's, which is reserved, have a mark.
pub fn sms(sms: Option<&Sms>, width: usize) -> String {
    let text = match sms {
        None => format!("{NONE} "),
        Some(sms) if !sms.by_mps => "no MPS ".to_owned(),
        Some(sms) => {
            let all = sms.all.map_or(String::new(), |all| format!("/{all}"));
            format!("{}{all}{}", number(sms.granted), if sms.exclusive { '=' } else { ' ' })
        }
    };
    if text.len() > width { text.trim_end().to_owned() } else { text }
}

/// How long ago; at most six columns.
pub fn age(nanoseconds: u64) -> String {
    match nanoseconds / 1_000_000_000 {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_exact_where_there_is_room() {
        assert_eq!([0, 99_999, 100_000, 1_234_567].map(number), ["0", "99999", "100k", "1.2M"]);
        let rates = [0.0, 0.25, 9.99, 12.0, 12_345.6, 123_456.0];
        assert_eq!(rates.map(rate), ["0", "0.2", "10", "12", "12346", "123k"]);
        assert_eq!(byte_hours(3_600_000_000_000 << 30), "1 GiBh");
        let seconds = [0, 119, 120, 7200, 172_800].map(|seconds| age(seconds * 1_000_000_000));
        assert_eq!(seconds, ["0 s", "119 s", "2 min", "2 h", "2 d"]);
    }

    #[test]
    fn nothing_outgrows_its_column() {
        for most in [u64::MAX, u64::MAX / 3, 999_949, 999_950, 99_999_999] {
            assert!(number(most).len() <= 6 && rate(most as f64 * 10.0).len() <= 6, "{most}");
            assert!(byte_hours(u128::from(most) << 64).len() <= 9);
            for width in 0..12 {
                assert_eq!(bar(most, 1, width).len(), width);
                assert_eq!(bar(1, most, width).len(), width);
            }
        }
    }

    #[test]
    fn a_bar_shows_the_part_and_says_it() {
        assert_eq!(bar(0, 100, 12), "[        0%]");
        assert_eq!(bar(50, 100, 12), "[|||||  50%]");
        assert_eq!(bar(1, 1000, 12), "[|       0%]");
        assert_eq!(bar(100, 100, 12), "[||||||100%]");
        assert_eq!(bar(150, 100, 12), "[||||||150%]");
        assert_eq!(bar(1, 0, 12), "[|||||||||-]", "a device of no bytes");
    }

    #[test]
    fn a_long_text_is_cut_visibly() {
        assert_eq!((left("abcdef", 4), right("ab", 4)), ("abc+".into(), "  ab".into()));
        assert_eq!(left("abc", 0), "");
    }
}
