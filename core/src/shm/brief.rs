//! A lock for a few dozen nanoseconds between threads of one process.

use std::cell::UnsafeCell;
use std::hint;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Rounds of spinning before the thread that holds the lock is given the processor, and rounds of
/// that before this thread sleeps: the holder may have a lower priority.
const SPINS: u32 = 64;
const YIELDS: u32 = 128;
const SLEEP: Duration = Duration::from_micros(20);

/// What says that a lock is taken.
pub trait Flag {
    /// Whether it was free, and is taken now. Acquire.
    fn take(&self) -> bool;
    /// Relaxed.
    fn is_taken(&self) -> bool;
    /// Release.
    fn give(&self);
    /// Lets others go on, after so many rounds of waiting.
    fn pause(rounds: u32);
}

/// Guards a value that is looked at for as long as a few cache misses take: no call of the driver, no
/// system call, nothing that waits. Giving it back is one plain store, half the price of a lock
/// that must look for sleepers.
pub struct Brief<T, F = AtomicBool> {
    taken: F,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only by the thread that took the lock.
unsafe impl<T: Send, F: Sync> Sync for Brief<T, F> {}

impl<T: Default> Default for Brief<T> {
    fn default() -> Brief<T> {
        Brief::new(T::default())
    }
}

impl<T> Brief<T> {
    pub const fn new(value: T) -> Brief<T> {
        Brief::of(AtomicBool::new(false), value)
    }
}

impl<T, F> Brief<T, F> {
    /// With that flag, which nobody has taken.
    pub const fn of(taken: F, value: T) -> Brief<T, F> {
        Brief { taken, value: UnsafeCell::new(value) }
    }
}

impl<T, F: Flag> Brief<T, F> {
    /// Shows the value to `act`, and to nobody else meanwhile.
    #[inline(always)]
    pub fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> R {
        act(&mut self.lock())
    }

    /// The same, unless somebody has it just now: that may be the very frame a signal interrupted.
    pub fn try_with<R>(&self, act: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.taken.take().then(|| act(&mut Locked(self, PhantomData)))
    }

    /// The value, which nobody else has until this is dropped. For a stretch so hot that it must not
    /// become a call, which a closure may.
    #[inline(always)]
    pub fn lock(&self) -> Locked<'_, T, F> {
        if !self.taken.take() {
            self.wait();
        }
        Locked(self, PhantomData)
    }

    #[cold]
    fn wait(&self) {
        let _here = super::NotCancelled::new();
        let mut rounds = 0;
        loop {
            while self.taken.is_taken() {
                F::pause(rounds);
                rounds = rounds.saturating_add(1);
            }
            if self.taken.take() {
                return;
            }
        }
    }
}

/// Made only by who has taken the flag; gives it back, also if there was a panic. As good as `&mut T`,
/// also when it comes to who may share it.
pub struct Locked<'a, T, F: Flag = AtomicBool>(&'a Brief<T, F>, PhantomData<&'a mut T>);

impl<T, F: Flag> Deref for Locked<'_, T, F> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: whoever made this found the flag clear and set it: nobody else is here until it is
        // dropped.
        unsafe { &*self.0.value.get() }
    }
}

impl<T, F: Flag> DerefMut for Locked<'_, T, F> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and nobody else has borrowed this.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T, F: Flag> Drop for Locked<'_, T, F> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.taken.give();
    }
}

pub(super) fn pause(rounds: u32) {
    match rounds {
        0..SPINS => hint::spin_loop(),
        SPINS..YIELDS => std::thread::yield_now(),
        _ => std::thread::sleep(SLEEP),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let count = Brief::new(0_u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50_000).for_each(|_| count.with(|count| *count += 1)));
            }
        });
        assert_eq!(count.with(|count| *count), 200_000);
    }

    #[test]
    fn a_panic_gives_it_back() {
        let value = Brief::new(1);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            value.with(|_| panic!("planted"))
        }));
        assert_eq!(value.with(|value| *value), 1);
    }
}
