//! Which orderings the questions of `Word` and `Flag` stand for, said once: the tests that try every
//! order of threads (`crate::orders`) use loom's atomics by the same lines.
#![forbid(unsafe_code)]

macro_rules! atomics {
    ($($from:ident)::+, $pause:path) => {
        const _: () = {
            use $($from)::+::{AtomicBool, AtomicU64, Ordering, fence};

            impl $crate::ledger::Word for AtomicU64 {
                #[inline(always)]
                fn load(&self) -> u64 {
                    AtomicU64::load(self, Ordering::Acquire)
                }
                #[inline(always)]
                fn store(&self, value: u64) {
                    AtomicU64::store(self, value, Ordering::Release);
                }
                #[inline(always)]
                fn replace(&self, old: u64, new: u64) -> bool {
                    self.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire).is_ok()
                }
                #[inline(always)]
                fn raise(&self, value: u64) {
                    self.fetch_max(value, Ordering::AcqRel);
                }
                #[inline(always)]
                fn peek(&self) -> u64 {
                    AtomicU64::load(self, Ordering::Relaxed)
                }
                #[inline(always)]
                fn put(&self, value: u64) {
                    AtomicU64::store(self, value, Ordering::Relaxed);
                }
                #[inline(always)]
                fn settle() {
                    fence(Ordering::Acquire);
                }
                #[inline(always)]
                fn seal() {
                    fence(Ordering::Release);
                }
            }

            impl $crate::shm::Flag for AtomicBool {
                #[inline(always)]
                fn take(&self) -> bool {
                    if $crate::shm::alone::is_alone() {
                        let free = !self.load(Ordering::Relaxed);
                        self.store(true, Ordering::Relaxed);
                        return free;
                    }
                    self.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
                }
                #[inline(always)]
                fn is_taken(&self) -> bool {
                    self.load(Ordering::Relaxed)
                }
                #[inline(always)]
                fn give(&self) {
                    self.store(false, Ordering::Release);
                }
                fn pause(rounds: u32) {
                    $pause(rounds);
                }
            }
        };
    };
}

atomics!(std::sync::atomic, super::brief::pause);

#[cfg(all(test, loom))]
atomics!(loom::sync::atomic, crate::orders::pause);
