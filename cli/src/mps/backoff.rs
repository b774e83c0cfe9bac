//! When something that has failed is tried again: ever later.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(60);

pub struct Backoff {
    pause: Duration,
    due: Instant,
}

impl Backoff {
    /// At once.
    pub fn new() -> Backoff {
        Backoff { pause: FIRST, due: Instant::now() }
    }

    pub fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// It has failed; how long until it is tried again.
    pub fn failed(&mut self) -> Duration {
        let pause = self.pause;
        self.due = Instant::now() + pause;
        self.pause = (pause * 2).min(MOST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_ever_longer_up_to_a_minute() {
        let mut backoff = Backoff::new();
        assert!(backoff.is_due());
        let pauses: Vec<u64> = (0..8).map(|_| backoff.failed().as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(!backoff.is_due());
    }
}
