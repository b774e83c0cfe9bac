//! Which device a context is on. The driver is asked which context is current, every time; what
//! device that one is on is remembered until it is destroyed.
#![forbid(unsafe_code)]

use core::ffi::c_int;
use core::sync::atomic::{AtomicU64, Ordering};

use super::{Green, Member, OnDevice};
use crate::driver::query;

const PLACES: usize = 32;
const HANDLE: u64 = (1 << 56) - 1;

/// The thread's current context.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub handle: u64,
    pub device: &'a OnDevice,
}

/// Context and ordinal in one word; places by context, the last one seen stays.
pub struct Contexts {
    places: [AtomicU64; PLACES],
}

impl Contexts {
    pub fn new() -> Contexts {
        Contexts { places: [const { AtomicU64::new(0) }; PLACES] }
    }

    #[inline(always)]
    fn place(&self, context: u64) -> &AtomicU64 {
        let mixed = context.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59;
        #[expect(clippy::indexing_slicing, reason = "five bits")]
        &self.places[mixed as usize % PLACES]
    }
}

impl Member {
    /// The current context and its device; nothing if there is none, or its device is not in the
    /// ledger.
    #[inline(always)]
    pub fn context(&self) -> Option<Context<'_>> {
        let mut handle = 0;
        if !query::cuCtxGetCurrent(&mut handle).ok() || handle == 0 {
            return None;
        }
        let known = self.contexts.place(handle).load(Ordering::Relaxed);
        let ordinal =
            if known & HANDLE == handle { (known >> 56) as c_int } else { self.ask(&mut handle)? };
        Some(Context { handle, device: self.device(ordinal)? })
    }

    /// Of the current context. In a green one's place comes the primary, whose all is that is made in it; it is
    /// not remembered, so that others need not be told from it.
    #[cold]
    fn ask(&self, handle: &mut u64) -> Option<c_int> {
        let mut ordinal = 0;
        if !query::cuCtxGetDevice(&mut ordinal).ok() {
            return None;
        }
        if self.greens.has(*handle) {
            *handle = self.device(ordinal)?.primary();
            return Some(ordinal);
        }
        let word = *handle & HANDLE | u64::from(ordinal.cast_unsigned()) << 56;
        self.contexts.place(*handle).store(word, Ordering::Relaxed);
        Some(ordinal)
    }

    pub fn knows_green(&self, green: Green) {
        self.greens.put(green);
        self.forget_context(green.context);
    }

    /// The device of a stream; that of the current context for the default streams.
    pub fn device_of_stream(&self, stream: u64) -> Option<&OnDevice> {
        let context = self.context()?;
        let mut handle = 0;
        let named = stream > 2 && query::cuStreamGetCtx(stream, &mut handle).ok();
        if !named || handle == context.handle || handle == 0 {
            return Some(context.device);
        }
        self.device_of_context(handle)
    }

    /// The device of any context; nothing if there is no such context.
    pub fn device_of_context(&self, mut handle: u64) -> Option<&OnDevice> {
        let known = self.contexts.place(handle).load(Ordering::Relaxed);
        if handle != 0 && known & HANDLE == handle {
            return self.device((known >> 56) as c_int);
        }
        if !query::cuCtxPushCurrent_v2(handle).ok() {
            return None;
        }
        let ordinal = self.ask(&mut handle);
        let _ = query::cuCtxPopCurrent_v2(&mut 0);
        self.device(ordinal?)
    }

    /// The handle may be given to another context from now on.
    pub fn forget_context(&self, handle: u64) {
        let place = self.contexts.place(handle);
        if place.load(Ordering::Relaxed) & HANDLE == handle {
            place.store(0, Ordering::Relaxed);
        }
    }
}
