//! One entry point: where its exported symbol jumps now, and what the driver has for it.

use core::ffi::CStr;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// Which library an entry point belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Library {
    Cuda,
    Nvml,
}

/// What happens at an entry point.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A row of the table; with a body, the typed function that enters it.
    Hooked { thunk: Option<*const ()> },
    /// Passed on unseen, and why that is right.
    Forwarded { reason: &'static CStr },
}

/// The exported symbol is one jump through `slot`. Before the driver is loaded `slot` leads to the
/// code that loads it; afterwards to the body, to the driver itself, or to an honest refusal.
///
/// The assembly in `hooks/arch` knows the first four fields by their offsets.
#[repr(C)]
pub struct Entry {
    /// Offset 0. Never null.
    slot: AtomicPtr<()>,
    /// Offset 8. Where the counting stub goes on to, once it is in use.
    target: AtomicPtr<()>,
    /// Offset 16. The word the counting stub increments, once it is in use.
    calls: AtomicPtr<AtomicU64>,
    /// Offset 24. The driver's own function; null if this driver has none.
    real: AtomicPtr<()>,
    pub name: &'static CStr,
    pub library: Library,
    pub kind: Kind,
    /// The exported symbol: the address we hand out.
    exported: *const (),
    first: *const (),
    counted: *const (),
}

// SAFETY: what can change is atomic; the raw pointers are addresses of functions of this library,
// which is never unloaded (linked with `-z nodelete`).
unsafe impl Sync for Entry {}

impl Entry {
    pub const fn new(
        name: &'static CStr,
        library: Library,
        kind: Kind,
        exported: *const (),
        first: *const (),
        counted: *const (),
    ) -> Entry {
        Entry {
            slot: AtomicPtr::new(first.cast_mut()),
            target: AtomicPtr::new(core::ptr::null_mut()),
            calls: AtomicPtr::new(core::ptr::null_mut()),
            real: AtomicPtr::new(core::ptr::null_mut()),
            name,
            library,
            kind,
            exported,
            first,
            counted,
        }
    }

    /// The address to hand out for this entry point.
    pub fn exported(&self) -> *mut () {
        self.exported.cast_mut()
    }

    /// The driver's own function. Loaded before any slot leads to a body (`open`).
    pub fn real(&self) -> *mut () {
        // SYNC POINT: pairs with the Release of `slot` in `lead_to`, through which a body is reached.
        self.real.load(Ordering::Relaxed)
    }

    pub fn set_real(&self, real: *mut ()) {
        self.real.store(real, Ordering::Relaxed);
    }

    /// Calls go to `refusal`, unless another thread has found the library meanwhile.
    pub fn settle_for(&self, refusal: *mut ()) {
        let first = self.first.cast_mut();
        let _ = self.slot.compare_exchange(first, refusal, Ordering::Release, Ordering::Relaxed);
    }

    /// From now on calls go to `target`, by way of the counting stub if `calls` is a word to count in.
    pub fn lead_to(&self, target: *mut (), calls: Option<&'static AtomicU64>) {
        let slot = match calls {
            Some(word) => {
                self.target.store(target, Ordering::Relaxed);
                self.calls.store(core::ptr::from_ref(word).cast_mut(), Ordering::Relaxed);
                self.counted.cast_mut()
            }
            None => target,
        };
        // SYNC POINT: a thread that jumps through this slot sees everything stored before: its
        // other end is the load in the exported jump (`hooks/arch`).
        self.slot.store(slot, Ordering::Release);
    }
}
