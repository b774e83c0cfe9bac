//! A client's share of the SMs in the terms MPS has for it: a percentage of the threads a process may
//! have active. It is a cap, never more than the daemon's own, and comes down to whole SMs.
#![forbid(unsafe_code)]

use std::fmt;

use crate::config::{Sm, Uuid};

/// What MPS reads it from.
pub const VARIABLE: &str = "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE";
/// And whose work goes first: 1 is after the others.
pub const PRIORITY: &str = "CUDA_MPS_CLIENT_PRIORITY";

/// The static partition that a client of a daemon with such is in, as `GPU-<uuid>/<name>`.
pub const PARTITION: &str = "CUDA_MPS_SM_PARTITION";
/// 1 where contexts of one process may have SMs of their own number.
pub const PER_CONTEXT: &str = "CUDA_MPS_ENABLE_PER_CTX_DEVICE_MULTIPROCESSOR_PARTITIONING";

/// Whether a partition is one of that device.
pub fn is_of(partition: &str, device: Uuid) -> bool {
    let named = partition.split_once('/').map(|(named, _)| named.trim());
    named.is_some_and(|named| named.eq_ignore_ascii_case(&device.to_string()))
}

/// Thousandths of a percent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Percentage(u32);

const WHOLE: u32 = 100_000;

impl Percentage {
    /// The percentage that gives the share on a device of so many SMs; the least that does, for a number of
    /// them. None for a number where it is not known how many there are.
    pub fn of(share: Sm, sms: Option<u32>) -> Option<Percentage> {
        match share {
            Sm::Percent(part) => u32::try_from(part).ok().map(|part| Percentage(part.min(WHOLE))),
            Sm::Count(count) => {
                let sms = u64::from(sms.filter(|sms| *sms > 0)?);
                let part = (u64::from(count) * u64::from(WHOLE)).div_ceil(sms);
                Some(Percentage(part.min(u64::from(WHOLE)) as u32))
            }
        }
    }

    /// As MPS reads it: above 0 and up to 100. Anything else it passes over, and so is none.
    pub fn parse(text: &str) -> Option<Percentage> {
        let value: f64 = text.trim().parse().ok()?;
        let part = (value * 1000.0).round();
        (value > 0.0 && part <= f64::from(WHOLE)).then_some(Percentage(part as u32))
    }

    /// Of one.
    pub fn part(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }

    /// SMs it comes to at most.
    pub fn sms(self, all: u32) -> u32 {
        (u64::from(self.0) * u64::from(all) / u64::from(WHOLE)).max(1) as u32
    }
}

impl fmt::Display for Percentage {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let (whole, rest) = (self.0 / 1000, self.0 % 1000);
        if rest == 0 {
            return write!(out, "{whole}");
        }
        let digits = format!("{rest:03}");
        write!(out, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// What to set the variable to, if anything: a share only ever makes it tighter.
pub fn tightened(share: Percentage, there: Option<&str>) -> Option<Percentage> {
    let tighter = there.and_then(Percentage::parse).is_some_and(|there| there <= share);
    (!tighter).then_some(share)
}

/// CUDA cores of an SM, by compute capability; by them NVML's count of cores tells how many SMs there
/// are whatever MPS shows a process. None for what came after this was written.
pub fn cores_per_sm(major: i32, minor: i32) -> Option<u32> {
    match (major, minor) {
        (7, _) | (8, 0) => Some(64),
        (8, _) | (9, _) | (10, _) | (12, _) => Some(128),
        _ => None,
    }
}

/// SMs are given in pairs or, on some devices, in fours or eights: by so many, or fewer, a grant differs from
/// what was asked for without a word.
const STEP: u32 = 8;

/// What there is to say of a grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    AsAsked,
    /// The daemon's default or an inherited percentage is tighter.
    Fewer,
    /// Nothing holds the process to its share.
    More,
}

/// The largest step in which so many can have been given.
fn step_of(granted: u32) -> u32 {
    1 << granted.trailing_zeros().min(STEP.ilog2())
}

pub fn judge(asked: Percentage, all: u32, granted: u32) -> Verdict {
    let wanted = asked.sms(all);
    // The least there is, or whole steps of what was given.
    let rounded_up = wanted.next_multiple_of(step_of(granted)).max(STEP);
    if granted > rounded_up {
        Verdict::More
    } else if granted + STEP <= wanted {
        Verdict::Fewer
    } else {
        Verdict::AsAsked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(text: &str) -> Percentage {
        Percentage::parse(text).expect(text)
    }

    #[test]
    fn shares_become_percentages() {
        for (share, sms, text) in [
            (Sm::Percent(30_000), None, "30"),
            (Sm::Percent(12_500), None, "12.5"),
            (Sm::Percent(33_333), Some(132), "33.333"),
            (Sm::Count(40), Some(132), "30.304"),
            (Sm::Count(66), Some(132), "50"),
            (Sm::Count(1), Some(132), "0.758"),
            (Sm::Count(500), Some(132), "100"),
        ] {
            let percentage = Percentage::of(share, sms).expect(text);
            assert_eq!(percentage.to_string(), text);
            if let (Sm::Count(count), Some(sms)) = (share, sms) {
                assert_eq!(percentage.sms(sms), count.min(sms), "the least that gives as many");
            }
        }
        assert_eq!(Percentage::of(Sm::Count(4), None), None);
    }

    #[test]
    fn every_number_of_sms_is_what_comes_of_it() {
        for all in 1..=300 {
            for count in 1..=all {
                let percentage = Percentage::of(Sm::Count(count), Some(all)).expect("known");
                assert_eq!(percentage.sms(all), count, "{count} of {all}");
                let text = percentage.to_string();
                assert_eq!(Percentage::parse(&text), Some(percentage), "{text}");
            }
        }
    }

    #[test]
    fn only_ever_tighter() {
        let ours = percent("30");
        for there in
            [None, Some("30.5"), Some("100"), Some("0"), Some("-5"), Some("all"), Some("101")]
        {
            assert_eq!(tightened(ours, there), Some(ours), "{there:?}");
        }
        for there in ["30", "29.999", " 10 ", "0.5"] {
            assert_eq!(tightened(ours, Some(there)), None, "{there}");
        }
    }

    #[test]
    fn a_grant_is_judged_by_whole_pairs() {
        let asked = percent("30");
        for (granted, verdict) in [
            (38, Verdict::AsAsked),
            (39, Verdict::AsAsked),
            (32, Verdict::AsAsked),
            (31, Verdict::Fewer),
            (132, Verdict::More),
            (42, Verdict::More),
        ] {
            assert_eq!(judge(asked, 132, granted), verdict, "{granted}");
        }
        for least in [2, 4, 7, 8] {
            assert_eq!(judge(percent("0.1"), 132, least), Verdict::AsAsked, "there is no less");
        }
        assert_eq!(judge(percent("0.1"), 132, 16), Verdict::More);
    }

    /// SMs given by a driver that rounds as MPS does, in any steps.
    #[test]
    fn no_rounding_is_a_verdict_and_what_is_none_is_one() {
        for all in [36, 84, 108, 131, 132, 142] {
            for step in [1, 2, 4, 7, 8] {
                for part in (500..=WHOLE).step_by(700) {
                    let asked = Percentage(part);
                    let wanted = asked.sms(all);
                    let down = (wanted / step * step).max(step);
                    assert_eq!(judge(asked, all, down), Verdict::AsAsked, "{wanted} {down} {all}");
                    // A driver that rounds otherwise is found out.
                    let (up, lost) = (wanted + 2 * STEP, wanted.saturating_sub(STEP));
                    assert!(up > all || judge(asked, all, up) == Verdict::More, "{wanted} {up}");
                    assert!(lost == 0 || judge(asked, all, lost) == Verdict::Fewer, "{wanted}");
                }
            }
        }
    }

    #[test]
    fn a_partition_is_of_the_device_it_names() {
        let device = Uuid(*b"0123456789abcdef");
        for (partition, is) in [
            ("GPU-30313233-3435-3637-3839-616263646566/1", true),
            ("gpu-30313233-3435-3637-3839-616263646566/AwQ", true),
            ("GPU-30313233-3435-3637-3839-616263646567/1", false),
            ("GPU-30313233-3435-3637-3839-616263646566", false),
            ("", false),
        ] {
            assert_eq!(is_of(partition, device), is, "{partition}");
        }
    }
}
