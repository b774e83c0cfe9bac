//! The management library: what `nvidia-smi`, `pynvml` and `nvtop` ask.

use std::sync::atomic::{AtomicU32, Ordering};

/// A refusal, as the code the caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct N(pub u32);

impl N {
    pub const UNINITIALIZED: N = N(1);
    pub const UNKNOWN: N = N(999);
}

pub type R = Result<(), N>;

static INITIALIZED: AtomicU32 = AtomicU32::new(0);

pub fn enter(name: &'static str, body: impl FnOnce() -> R) -> u32 {
    let run = || {
        if !name.starts_with("nvmlInit") && INITIALIZED.load(Ordering::Acquire) == 0 {
            return Err(N::UNINITIALIZED);
        }
        body()
    };
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(Ok(())) => 0,
        Ok(Err(N(code))) => code,
        Err(_) => N::UNKNOWN.0,
    }
}

pub fn init() -> R {
    INITIALIZED.fetch_add(1, Ordering::AcqRel);
    Ok(())
}

pub fn shutdown() -> R {
    INITIALIZED.fetch_sub(1, Ordering::AcqRel);
    Ok(())
}
