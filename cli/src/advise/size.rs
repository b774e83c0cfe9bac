//! Which quota would do, and why.
#![forbid(unsafe_code)]

use cuota_core::book::DeviceReport;

use crate::screen;
use crate::sizes::short;

/// Quotas are suggested in steps of so many bytes.
const STEP: u64 = 256 << 20;
/// What is added to the peak: a part of ten.
const HEADROOM: u64 = 10;

#[derive(Debug, PartialEq, Eq)]
pub struct Advice {
    /// None if it held nothing yet.
    pub quota: Option<u64>,
    /// In words.
    pub why: String,
    /// How many clients fit on the card, if all are of this size: by peak, quota and suggestion.
    pub fit: [Option<u64>; 3],
}

pub fn advise(device: &DeviceReport) -> Advice {
    let DeviceReport { peak, limit, bytes, .. } = *device;
    let quota = (peak > 0).then(|| suggested(device));
    let fit = [Some(peak), limit, quota].map(|size| bytes.checked_div(size?));
    Advice { quota, why: why(device, quota), fit }
}

fn with_headroom(peak: u64) -> u64 {
    let more = peak.saturating_add(peak.div_ceil(HEADROOM));
    more.checked_next_multiple_of(STEP).unwrap_or(u64::MAX)
}

fn suggested(device: &DeviceReport) -> u64 {
    // A card may have less than whole steps, and a file may say that it has nothing.
    let most = if device.bytes > 0 { device.bytes.max(device.peak) } else { u64::MAX };
    let enough = with_headroom(device.peak).min(most);
    match device.limit {
        // What was refused never came to be held: how much it would have been, nobody knows.
        Some(limit) if device.refused > 0 => enough.max(limit),
        _ => enough,
    }
}

fn why(device: &DeviceReport, quota: Option<u64>) -> String {
    let Some(quota) = quota else {
        return "nothing was held yet: nothing to go by".to_owned();
    };
    let peak = short(device.peak);
    let mut why = match device.limit {
        None => format!("no quota; {} would do", short(quota)),
        Some(limit) if quota < limit => {
            format!("{} would do, {} less", short(quota), short(limit - quota))
        }
        Some(limit) if quota > limit => {
            format!("{} would be right, {} more", short(quota), short(quota - limit))
        }
        Some(_) => "the quota is right".to_owned(),
    };
    if let Some(each) = device.refused_bytes.checked_div(device.refused) {
        why = match device.limit {
            Some(limit) if quota == limit => "at least the quota it has".to_owned(),
            _ => why,
        };
        why += &format!(
            ": {} refused, of {} on average, so the peak ({peak}) may be cut off",
            screen::count(usize::try_from(device.refused).unwrap_or(usize::MAX), "request"),
            short(each),
        );
    } else {
        why += &format!(": the peak was {peak}, and 10 % more for the unforeseen");
    }
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;
    const MIB: u64 = 1 << 20;

    fn device(peak: u64, limit: Option<u64>, refused: u64) -> DeviceReport {
        let refused_bytes = refused * GIB;
        DeviceReport { peak, limit, refused, refused_bytes, bytes: 16 * GIB, ..Default::default() }
    }

    #[test]
    fn the_peak_and_a_tenth_in_whole_steps() {
        for (peak, expected) in [
            (1, 256 * MIB),
            (STEP, 512 * MIB),
            (3 * GIB, 3 * GIB + 512 * MIB),
            (10 * GIB, 11 * GIB),
            (16 * GIB, 16 * GIB),
        ] {
            let advice = advise(&device(peak, None, 0));
            assert_eq!(advice.quota, Some(expected), "{peak}: {}", advice.why);
        }
        assert_eq!(advise(&device(0, Some(GIB), 0)).quota, None);
    }

    #[test]
    fn what_was_refused_is_no_reason_to_shrink() {
        let advice = advise(&device(2 * GIB, Some(4 * GIB), 3));
        assert_eq!(advice.quota, Some(4 * GIB));
        assert_eq!(
            advice.why,
            "at least the quota it has: 3 requests refused, of 1 GiB on average, so the peak (2 GiB) may be cut off"
        );
        assert_eq!(advise(&device(4 * GIB, Some(4 * GIB), 1)).quota, Some(4 * GIB + 512 * MIB));
    }

    #[test]
    fn in_words() {
        let why = |limit| advise(&device(10 * GIB, limit, 0)).why;
        let peak = ": the peak was 10 GiB, and 10 % more for the unforeseen";
        assert_eq!(why(None), format!("no quota; 11 GiB would do{peak}"));
        assert_eq!(why(Some(14 * GIB)), format!("11 GiB would do, 3 GiB less{peak}"));
        assert_eq!(why(Some(10 * GIB)), format!("11 GiB would be right, 1 GiB more{peak}"));
        assert_eq!(why(Some(11 * GIB)), format!("the quota is right{peak}"));
    }

    #[test]
    fn how_many_fit() {
        let advice = advise(&device(3 * GIB, Some(8 * GIB), 0));
        assert_eq!(advice.fit, [Some(5), Some(2), Some(4)]);
        assert_eq!(advise(&device(0, None, 0)).fit, [None; 3]);
    }

    #[test]
    fn a_file_may_say_anything() {
        let worst = DeviceReport {
            peak: u64::MAX,
            limit: Some(0),
            refused: u64::MAX,
            refused_bytes: u64::MAX,
            ..Default::default()
        };
        assert_eq!(advise(&worst).quota, Some(u64::MAX));
    }
}
