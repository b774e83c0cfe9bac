//! The time all members share: nanoseconds since boot, also while the machine sleeps; read without
//! a system call where the processor's counter runs evenly.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// CLOCK_BOOTTIME, asked of the kernel.
pub fn boot_time() -> u64 {
    ask(libc::CLOCK_BOOTTIME)
}

/// CLOCK_REALTIME, asked of the kernel.
pub fn wall_time() -> u64 {
    ask(libc::CLOCK_REALTIME)
}

fn ask(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to our own memory.
    unsafe { libc::clock_gettime(clock, &mut time) };
    (time.tv_sec.cast_unsigned()) * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Counter ticks for which one anchor serves at most; a second or so at usual rates.
const STALE: u64 = 1 << 31;
/// The rate is trusted once it was measured over this many nanoseconds, and then for as many ticks as
/// a part of what it was measured over: what a look at both clocks is off by is off by so little less.
const MEASURED_OVER: u64 = 20_000_000;
const TRUSTED_FOR: u64 = 32;
/// The rate is nanoseconds per tick, times 2^32.
const SHIFT: u32 = 32;

/// Counter and boot time at one moment: of a few looks, the one that took least.
fn both() -> (u64, u64) {
    const LOOKS: usize = 4;
    let look = || {
        let before = counter::read();
        let time = boot_time();
        let took = counter::read().wrapping_sub(before);
        (took, before.wrapping_add(took / 2), time)
    };
    let (_, ticks, time) = (0..LOOKS).map(|_| look()).min().unwrap_or_else(look);
    (ticks, time)
}

/// Boot time from the counter, anchored to the kernel's clock once a second by whichever thread finds
/// the anchor stale. Whoever meets one being written asks the kernel instead.
pub struct Clock {
    /// Odd while the anchor is written.
    version: AtomicU64,
    /// 0: the counter is not to be used. Else what it was when first looked at.
    first_ticks: AtomicU64,
    first_time: AtomicU64,
    ticks: AtomicU64,
    time: AtomicU64,
    rate: AtomicU64,
    stale: AtomicU64,
}

impl Clock {
    pub fn new() -> Clock {
        let (ticks, time) = both();
        let ticks = if counter::is_even() { ticks.max(1) } else { 0 };
        let word = AtomicU64::new;
        Clock {
            version: word(0),
            first_ticks: word(ticks),
            first_time: word(time),
            ticks: word(ticks),
            time: word(time),
            rate: word(0),
            stale: word(0),
        }
    }

    #[inline(always)]
    pub fn now(&self) -> u64 {
        let version = self.version.load(Ordering::Acquire);
        let rate = self.rate.load(Ordering::Relaxed);
        let (time, stale) = (self.time.load(Ordering::Relaxed), self.stale.load(Ordering::Relaxed));
        let passed = counter::read().wrapping_sub(self.ticks.load(Ordering::Relaxed));
        // SYNC POINT: the words above are of one anchor if its version is even and stays; the other
        // end is in `anchor`.
        fence(Ordering::Acquire);
        let torn = version & 1 == 1 || self.version.load(Ordering::Relaxed) != version;
        if rate == 0 || passed > stale || torn {
            return self.anchor(version);
        }
        time + ((u128::from(passed) * u128::from(rate)) >> SHIFT) as u64
    }

    #[cold]
    fn anchor(&self, version: u64) -> u64 {
        let (ticks, time) = both();
        let first = self.first_ticks.load(Ordering::Relaxed);
        let over = time.saturating_sub(self.first_time.load(Ordering::Relaxed));
        if first == 0 || over < MEASURED_OVER || version & 1 == 1 {
            return time;
        }
        let mine = self.version.compare_exchange(
            version,
            version + 1,
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        if mine.is_ok() {
            let measured = ticks.wrapping_sub(first).max(1);
            let rate = (u128::from(over) << SHIFT) / u128::from(measured);
            // SYNC POINT: the odd version is seen by whoever sees a word written after it.
            fence(Ordering::Release);
            self.ticks.store(ticks, Ordering::Relaxed);
            self.time.store(time, Ordering::Relaxed);
            self.rate.store(rate as u64, Ordering::Relaxed);
            self.stale.store((measured / TRUSTED_FOR).min(STALE), Ordering::Relaxed);
            self.version.store(version + 2, Ordering::Release);
        }
        time
    }
}

impl Default for Clock {
    fn default() -> Clock {
        Clock::new()
    }
}

#[cfg(target_arch = "x86_64")]
mod counter {
    use core::arch::x86_64::{__cpuid, _rdtsc};

    #[inline(always)]
    pub fn read() -> u64 {
        // SAFETY: every x86-64 processor has the instruction; where a process may not use it, it is
        // killed at any use, and glibc's own clock would be too.
        unsafe { _rdtsc() }
    }

    /// Whether the counter runs at one rate whatever the processor does.
    pub fn is_even() -> bool {
        const POWER: u32 = 0x8000_0007;
        __cpuid(0x8000_0000).eax >= POWER && __cpuid(POWER).edx & 1 << 8 != 0
    }
}

#[cfg(target_arch = "aarch64")]
mod counter {
    #[inline(always)]
    pub fn read() -> u64 {
        let ticks;
        // SAFETY: the virtual counter may be read by every process under Linux.
        unsafe { core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nostack, nomem)) };
        ticks
    }

    /// By definition of the architecture.
    pub fn is_even() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_to_the_kernels_clock() {
        let clock = Clock::new();
        // As soon as it goes by the counter, and for a while then.
        while clock.rate.load(Ordering::Relaxed) == 0
            && clock.first_ticks.load(Ordering::Relaxed) != 0
        {
            clock.now();
        }
        for _ in 0..100_000 {
            let (before, now, after) = (boot_time(), clock.now(), boot_time());
            assert!(before <= now + 100_000 && now <= after + 100_000, "{before} {now} {after}");
        }
    }
}
