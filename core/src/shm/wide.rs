//! Two neighbouring words, swapped as one.

use std::sync::atomic::{AtomicU64, Ordering};

use super::clock::boot_time;
use crate::ledger::{Total, TotalWord};

/// Sixteen bytes in shared memory, at an address that is a multiple of sixteen.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    words: &'a [AtomicU64; 2],
}

impl<'a> Pair<'a> {
    /// Nothing, if the words do not stand where the processor could swap them as one.
    pub fn new(words: &'a [AtomicU64]) -> Option<Pair<'a>> {
        let words: &[AtomicU64; 2] = words.first_chunk()?;
        words.as_ptr().addr().is_multiple_of(16).then_some(Pair { words })
    }
}

impl TotalWord for Pair<'_> {
    #[inline(always)]
    fn read(&self) -> Total {
        let [value, tag] = self.words;
        let mut before = tag.load(Ordering::Acquire);
        loop {
            // SYNC POINT: a tag is never left twice, so the same tag around the value means that
            // value and tag are of one commit. The other end is the swap below.
            let now = value.load(Ordering::Acquire);
            let after = tag.load(Ordering::Acquire);
            if before == after {
                return Total::from_halves([now, after]);
            }
            before = after;
        }
    }

    #[inline(always)]
    fn replace(&self, old: Total, new: Total) -> Result<(), Total> {
        // SAFETY: `new` checked that both words stand at a multiple of sixteen; they are atomics of a
        // mapping that lives as long as the reference, and may be written whoever else writes them.
        let found =
            unsafe { swap(self.words.as_ptr().cast_mut().cast(), old.halves(), new.halves()) };
        if found == old.halves() { Ok(()) } else { Err(Total::from_halves(found)) }
    }

    #[cold]
    fn stand_back(&self) {
        /// Nanoseconds: as long as some dozens of fetches of a line from another processor.
        const WHILE: u64 = 5000;
        let until = boot_time() + WHILE;
        while boot_time() < until {
            for _ in 0..8 {
                core::hint::spin_loop();
            }
        }
    }
}

/// Compares and swaps sixteen bytes; a full barrier either way. What was there.
///
/// # Safety
/// `at` is a multiple of sixteen and points to sixteen writable bytes.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn swap(at: *mut u64, old: [u64; 2], new: [u64; 2]) -> [u64; 2] {
    let (low, high);
    // SAFETY: promised by the caller. `rbx` belongs to the compiler, so it is borrowed and given back;
    // everything else has a register by name, or it might be given `rbx` itself.
    unsafe {
        core::arch::asm!(
            "xchg rsi, rbx",
            "lock cmpxchg16b [rdi]",
            "mov rbx, rsi",
            in("rdi") at,
            inout("rsi") new[0] => _,
            in("rcx") new[1],
            inout("rax") old[0] => low,
            inout("rdx") old[1] => high,
            options(nostack),
        );
    }
    [low, high]
}

/// As above. Assembled, never run.
///
/// # Safety
/// As above.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn swap(at: *mut u64, old: [u64; 2], new: [u64; 2]) -> [u64; 2] {
    let (low, high);
    // SAFETY: promised by the caller. A pair that differs is stored back as it was read: only a store
    // that succeeds shows that both halves were read at one moment.
    unsafe {
        core::arch::asm!(
            "2:",
            "ldaxp {low}, {high}, [{at}]",
            "cmp {low}, {old_low}",
            "ccmp {high}, {old_high}, #0, eq",
            "csel {put_low}, {new_low}, {low}, eq",
            "csel {put_high}, {new_high}, {high}, eq",
            "stlxp {failed:w}, {put_low}, {put_high}, [{at}]",
            "cbnz {failed:w}, 2b",
            "dmb ish",
            at = in(reg) at,
            low = out(reg) low,
            high = out(reg) high,
            old_low = in(reg) old[0],
            old_high = in(reg) old[1],
            new_low = in(reg) new[0],
            new_high = in(reg) new[1],
            put_low = out(reg) _,
            put_high = out(reg) _,
            failed = out(reg) _,
            options(nostack),
        );
    }
    [low, high]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(align(16))]
    struct Aligned([AtomicU64; 3]);

    #[test]
    fn both_halves_or_neither() {
        let memory = Aligned([const { AtomicU64::new(0) }; 3]);
        let pair = Pair::new(&memory.0).expect("aligned");
        let empty = Total { used: 0, reaps: 0, lane: 0, seq: 0 };
        let first = Total { used: 7, reaps: 1, lane: 3, seq: 2 };
        assert_eq!(pair.replace(empty, first), Ok(()));
        assert_eq!(pair.read(), first);
        for wrong in [Total { used: 8, ..first }, Total { seq: 4, ..first }, empty] {
            assert_eq!(pair.replace(wrong, empty), Err(first));
            assert_eq!(pair.read(), first);
        }
        assert!(Pair::new(&memory.0[1..]).is_none(), "not where sixteen bytes swap as one");
    }

    #[test]
    fn no_half_is_ever_seen() {
        let memory = Aligned([const { AtomicU64::new(0) }; 3]);
        let pair = Pair::new(&memory.0).expect("aligned");
        std::thread::scope(|scope| {
            for lane in 1..4_u16 {
                scope.spawn(move || {
                    for seq in 1..20_000 {
                        let used = seq * u64::from(lane);
                        let mut now = pair.read();
                        loop {
                            assert_eq!(now.used, now.seq * u64::from(now.lane), "{now:?}");
                            match pair.replace(now, Total { used, lane, seq, ..now }) {
                                Ok(()) => break,
                                Err(found) => now = found,
                            }
                        }
                    }
                });
            }
        });
    }
}
