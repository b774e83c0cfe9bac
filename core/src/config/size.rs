//! Sizes, as people and other tools write them.
#![forbid(unsafe_code)]

/// The most bytes a size may say: what fits in 48 bits, the room a charge has.
pub const LARGEST: u64 = (1 << 48) - 1;

/// Thousandths of a percent in the whole.
pub(super) const WHOLE: u64 = 100_000;

/// So many decimals fit the arithmetic of [`times`] with room to spare.
const DECIMALS: usize = 18;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// 1 to [`LARGEST`].
    Bytes(u64),
    /// Of the device, in thousandths of a percent: 1 to 100 000.
    Percent(u64),
}

impl Size {
    /// Every unit is a power of 1024, whether it has an `i` in it or not: that is how NVIDIA's and
    /// HAMi's variables mean theirs, and two meanings of one letter would be worse.
    pub fn parse(text: &str) -> Option<Size> {
        let text = text.trim_matches(' ');
        if let Some(number) = text.strip_suffix('%') {
            return percent(number).map(Size::Percent);
        }
        let (number, letters) = split(text)?;
        let unit = unit(letters)?;
        // There is no half a byte to ask for.
        if unit == 1 && number.contains('.') {
            return None;
        }
        times(number, unit).filter(|bytes| (1..=LARGEST).contains(bytes)).map(Size::Bytes)
    }

    /// In bytes, on a device that has `total`. Bytes are as they were written, even where that is
    /// more than the device has; a percentage is rounded down.
    pub fn of(self, total: u64) -> u64 {
        match self {
            Size::Bytes(bytes) => bytes,
            Size::Percent(part) => {
                let bytes = u128::from(total) * u128::from(part) / u128::from(WHOLE);
                u64::try_from(bytes).unwrap_or(u64::MAX)
            }
        }
    }
}

/// A number and the letters after it.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_matches(' ');
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    Some((number, text.strip_prefix(number)?))
}

pub(super) fn unit(text: &str) -> Option<u64> {
    let power = match text.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "ki" | "kb" | "kib" => 1,
        "m" | "mi" | "mb" | "mib" => 2,
        "g" | "gi" | "gb" | "gib" => 3,
        "t" | "ti" | "tb" | "tib" => 4,
        "p" | "pi" | "pb" | "pib" => 5,
        _ => return None,
    };
    Some(1 << (10 * power))
}

/// A percentage above 0, without its sign, in thousandths. What has more decimals than that would
/// have to be rounded, and is not taken.
pub(super) fn percent(number: &str) -> Option<u64> {
    let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let part = times(number, WHOLE / 100).filter(|_| decimals <= 3)?;
    (1..=WHOLE).contains(&part).then_some(part)
}

/// A decimal number times `unit`, exact and then rounded down.
pub(super) fn times(number: &str, unit: u64) -> Option<u64> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    if decimals.len() > DECIMALS {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(decimals.len()).ok()?);
    let (whole, decimals) = (u128::from(digits(whole)?), u128::from(digits(decimals)?));
    u64::try_from(whole * u128::from(unit) + decimals * u128::from(unit) / scale).ok()
}

/// A number of digits alone: `parse` would take a sign as well.
pub(super) fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
