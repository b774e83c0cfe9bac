//! Time as the simulated GPU sees it. Nothing else in the simulator reads a clock or sleeps.

use std::hint;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

pub trait Clock: Send + Sync {
    /// Nanoseconds since some fixed moment.
    fn now(&self) -> u64;
    /// Returns once `now` has reached `moment`.
    fn wait_until(&self, moment: u64);
    /// The same without the delay of waking up, at the cost of a processor meanwhile.
    fn watch_until(&self, moment: u64) {
        self.wait_until(moment);
    }
}

struct Wall(Instant);

impl Clock for Wall {
    fn now(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }

    fn wait_until(&self, moment: u64) {
        let now = self.now();
        if moment > now {
            thread::sleep(Duration::from_nanos(moment - now));
        }
    }

    fn watch_until(&self, moment: u64) {
        while self.now() < moment {
            hint::spin_loop();
        }
    }
}

static CLOCK: LazyLock<Box<dyn Clock>> = LazyLock::new(|| Box::new(Wall(Instant::now())));

pub fn clock() -> &'static dyn Clock {
    &**CLOCK
}

/// Keeps the calling thread for this long.
pub fn pause(nanoseconds: u64) {
    let clock = clock();
    clock.wait_until(clock.now().saturating_add(nanoseconds));
}
