//! The time all members share: nanoseconds since boot, also while the machine sleeps; read without
//! a system call where the processor's counter runs evenly.

use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use crate::ledger::Word;

/// CLOCK_BOOTTIME, asked of the kernel, as it is outside all time namespaces.
pub fn boot_time() -> u64 {
    // First: it may have to be read, and the time would be of before that.
    let offset = boot_offset();
    ask(libc::CLOCK_BOOTTIME).wrapping_sub(offset)
}

/// By how many nanoseconds, round the word, what this process is told of the time since boot is later than
/// it is: members in other time namespaces are told otherwise.
pub fn boot_offset() -> u64 {
    static OFFSET: OnceLock<u64> = OnceLock::new();
    *OFFSET.get_or_init(|| {
        let _here = super::NotCancelled::new();
        let text = fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default();
        offset_in(&text).unwrap_or(0)
    })
}

/// A line for each clock: its name, seconds and nanoseconds.
fn offset_in(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("boottime"))?;
    let mut numbers = line.split_ascii_whitespace().map(str::parse::<i64>);
    let (seconds, nanoseconds) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let sum = seconds.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds);
    Some(sum.cast_unsigned())
}

/// CLOCK_REALTIME, asked of the kernel.
pub fn wall_time() -> u64 {
    ask(libc::CLOCK_REALTIME)
}

/// Two words that differ with every start of the machine: times since boot mean something only within
/// one.
pub fn boot_id() -> [u64; 2] {
    static ID: OnceLock<[u64; 2]> = OnceLock::new();
    *ID.get_or_init(|| {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        let whole = u128::from_str_radix(&digits, 16).unwrap_or(0);
        [(whole >> 64) as u64, whole as u64]
    })
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
    anchor: Anchor<AtomicU64>,
    /// 0: the counter is not to be used. Else what it was when first looked at.
    first_ticks: u64,
    first_time: u64,
}

/// What the counter was at some time, how fast it runs, and for how many ticks that serves.
pub(crate) struct Anchor<A> {
    /// Odd while the rest is written.
    version: A,
    ticks: A,
    time: A,
    rate: A,
    stale: A,
}

/// The words of one anchor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Anchored {
    pub(crate) ticks: u64,
    pub(crate) time: u64,
    pub(crate) rate: u64,
    pub(crate) stale: u64,
}

impl<A: Word> Anchor<A> {
    pub(crate) fn new(word: impl Fn(u64) -> A, first: Anchored) -> Anchor<A> {
        Anchor {
            version: word(0),
            ticks: word(first.ticks),
            time: word(first.time),
            rate: word(first.rate),
            stale: word(first.stale),
        }
    }

    /// The version looked at, and what stood there unless somebody wrote meanwhile.
    #[inline(always)]
    pub(crate) fn read(&self) -> (u64, Option<Anchored>) {
        let version = self.version.load();
        let found = Anchored {
            ticks: self.ticks.peek(),
            time: self.time.peek(),
            rate: self.rate.peek(),
            stale: self.stale.peek(),
        };
        // SYNC POINT: the words above are of one anchor if its version is even and stays; the other
        // end is in `write`.
        A::settle();
        let whole = version & 1 == 0 && self.version.peek() == version;
        (version, whole.then_some(found))
    }

    /// Replaces the anchor of that version, unless somebody else has done so or is about to.
    pub(crate) fn write(&self, version: u64, new: Anchored) {
        if version & 1 == 0 && self.version.replace(version, version + 1) {
            // SYNC POINT: the odd version is seen by whoever sees a word written after it.
            A::seal();
            self.ticks.put(new.ticks);
            self.time.put(new.time);
            self.rate.put(new.rate);
            self.stale.put(new.stale);
            self.version.store(version + 2);
        }
    }
}

impl Clock {
    pub fn new() -> Clock {
        let (ticks, time) = both();
        let ticks = if counter::is_even() { ticks.max(1) } else { 0 };
        let anchor = Anchor::new(AtomicU64::new, Anchored { ticks, time, rate: 0, stale: 0 });
        Clock { anchor, first_ticks: ticks, first_time: time }
    }

    #[inline(always)]
    pub fn now(&self) -> u64 {
        #[cfg(cuota_sabotage)]
        if let Some(word) = STAND_IN.get() {
            return word.load(std::sync::atomic::Ordering::Acquire);
        }
        let (version, found) = self.anchor.read();
        if let Some(Anchored { ticks, time, rate, stale }) = found {
            let passed = counter::read().wrapping_sub(ticks);
            if rate != 0 && passed <= stale {
                return time + ((u128::from(passed) * u128::from(rate)) >> SHIFT) as u64;
            }
        }
        self.anchor_anew(version)
    }

    #[cold]
    fn anchor_anew(&self, version: u64) -> u64 {
        let (ticks, time) = both();
        let over = time.saturating_sub(self.first_time);
        if self.first_ticks == 0 || over < MEASURED_OVER {
            return time;
        }
        let measured = ticks.wrapping_sub(self.first_ticks).max(1);
        let rate = ((u128::from(over) << SHIFT) / u128::from(measured)) as u64;
        let stale = (measured / TRUSTED_FOR).min(STALE);
        self.anchor.write(version, Anchored { ticks, time, rate, stale });
        time
    }
}

/// In builds for tests: a word that somebody moves on, in place of the time.
#[cfg(cuota_sabotage)]
pub static STAND_IN: std::sync::OnceLock<&'static AtomicU64> = std::sync::OnceLock::new();

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
    fn another_time_namespace_is_taken_off() {
        assert_eq!(
            offset_in("monotonic           0         0\nboottime   100000        7\n"),
            Some(100_000_000_000_007)
        );
        assert_eq!(offset_in("boottime  -1   0\n").map(u64::cast_signed), Some(-1_000_000_000));
        assert_eq!([offset_in(""), offset_in("boottime x 0")], [None; 2]);
    }

    #[test]
    fn keeps_to_the_kernels_clock() {
        let clock = Clock::new();
        // As soon as it goes by the counter, and for a while then.
        while clock.anchor.read().1.is_none_or(|found| found.rate == 0) && clock.first_ticks != 0 {
            clock.now();
        }
        for _ in 0..100_000 {
            let (before, now, after) = (boot_time(), clock.now(), boot_time());
            assert!(before <= now + 100_000 && now <= after + 100_000, "{before} {now} {after}");
        }
    }

    /// More threads than processors, so that many are interrupted while they look at both clocks.
    #[test]
    fn an_interruption_is_no_fast_clock() {
        let keeps = || {
            let clock = Clock::new();
            let start = boot_time();
            while boot_time() < start + 3 * MEASURED_OVER {
                let (before, now, after) = (boot_time(), clock.now(), boot_time());
                assert!(
                    before <= now + 500_000 && now <= after + 500_000,
                    "{before} {now} {after}"
                );
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(keeps);
            }
        });
    }
}
