//! Looking at what is held, again and again: ledgers keep the peak and the sum, not the distribution.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use cuota_core::book::DeviceReport;
use cuota_core::shm::clock;

use super::idle::acts;
use crate::command::Failure;
use crate::ledgers::Client;
use crate::native::stop;

/// Looks of one watch: all of them are kept.
const MOST_LOOKS: u32 = 10_000;
const USUAL: Duration = Duration::from_secs(1);

/// Percentiles of what was held when we looked.
#[derive(Debug, PartialEq, Eq)]
pub struct Samples {
    pub count: usize,
    pub p50: u64,
    pub p95: u64,
    pub p99: u64,
    pub max: u64,
}

#[derive(Default)]
pub struct Watch {
    /// By ledger and device.
    held: HashMap<(u64, [u8; 16]), Vec<u64>>,
    /// By ledger: when it was first looked at, and what it had done by then.
    begun: HashMap<u64, (u64, u64)>,
}

impl Watch {
    /// Looks for so long, or until told to end.
    pub fn go_on(
        &mut self,
        time: Duration,
        every: Option<Duration>,
        mut look: impl FnMut() -> Result<Vec<Client>, Failure>,
    ) -> Result<(), Failure> {
        let (every, looks) = plan(time, every)?;
        stop::by_signal();
        let start = Instant::now();
        for at in 0..=looks {
            let due = every.saturating_mul(at);
            if !stop::wait(due.saturating_sub(start.elapsed())) {
                break;
            }
            let now = clock::wall_time();
            look()?.iter().for_each(|client| self.add(client, now));
        }
        Ok(())
    }

    fn add(&mut self, client: &Client, now: u64) {
        let epoch = client.report.epoch;
        self.begun.entry(epoch).or_insert_with(|| (now, acts(client)));
        for device in &client.report.devices {
            self.held.entry((epoch, device.uuid)).or_default().push(device.used);
        }
    }

    pub fn samples(&self, client: &Client, device: &DeviceReport) -> Option<Samples> {
        percentiles(self.held.get(&(client.report.epoch, device.uuid))?.clone())
    }

    /// When the watch began in which it did nothing.
    pub fn unused_since(&self, client: &Client) -> Option<u64> {
        let (since, before) = self.begun.get(&client.report.epoch)?;
        (*before == acts(client)).then_some(*since)
    }
}

/// The time between two looks, and how many come after the first.
fn plan(time: Duration, every: Option<Duration>) -> Result<(Duration, u32), Failure> {
    let shortest = Duration::from_millis(1);
    let usual = USUAL.max(time / MOST_LOOKS + Duration::from_nanos(1));
    let every = every.unwrap_or(usual).max(shortest);
    match u32::try_from(time.as_nanos() / every.as_nanos()) {
        Ok(looks) if looks <= MOST_LOOKS => Ok((every, looks)),
        _ => Err(Failure::ours(format!(
            "--every is too short for so long a --watch: at most {MOST_LOOKS} looks are kept"
        ))),
    }
}

/// By nearest rank: each is a value that was really seen.
fn percentiles(mut seen: Vec<u64>) -> Option<Samples> {
    seen.sort_unstable();
    let rank = |percent: usize| seen.get((seen.len() * percent).div_ceil(100).checked_sub(1)?);
    let at = |percent| rank(percent).copied();
    Some(Samples { count: seen.len(), p50: at(50)?, p95: at(95)?, p99: at(99)?, max: at(100)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_seen() {
        let samples = |count, [p50, p95, p99, max]: [u64; 4]| Samples { count, p50, p95, p99, max };
        let of = |seen: Vec<u64>| percentiles(seen).unwrap();
        assert_eq!(of((1..=100).rev().collect()), samples(100, [50, 95, 99, 100]));
        assert_eq!(of(vec![7]), samples(1, [7; 4]));
        assert_eq!(of(vec![1, 2]), samples(2, [1, 2, 2, 2]));
        assert_eq!(percentiles(Vec::new()), None);
    }

    #[test]
    fn looks_are_as_many_as_fit_and_not_too_many() {
        let seconds = Duration::from_secs;
        assert_eq!(plan(seconds(60), None).unwrap(), (USUAL, 60));
        assert_eq!(plan(seconds(60), Some(seconds(7))).unwrap(), (seconds(7), 8));
        assert_eq!(plan(seconds(1), Some(seconds(7))).unwrap().1, 0);
        assert!(plan(seconds(86_400), None).unwrap().1 >= 9_990);
        assert!(plan(seconds(86_400), Some(USUAL)).is_err());
        assert_eq!(plan(Duration::ZERO, None).unwrap().1, 0);
        assert!(plan(seconds(60), Some(Duration::ZERO)).is_err());
    }
}
