//! A charge: bytes counted against the quota before the driver is asked, and given back unless they
//! are kept.
#![forbid(unsafe_code)]

pub use cuota_core::kind::Kind;
use cuota_core::ledger::{Answer, Change};

use super::{Member, OnDevice};

/// Bytes reserved on a device; given back when dropped.
#[must_use]
pub struct Charge<'a> {
    member: &'a Member,
    device: &'a OnDevice,
    kind: Kind,
    bytes: u64,
}

impl Charge<'_> {
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bytes are held from now on: whoever has them gives them back.
    #[inline(always)]
    pub fn keep(self) -> u64 {
        let bytes = self.bytes;
        core::mem::forget(self);
        bytes
    }

    /// Makes it exactly so many bytes; false, and nothing changed, if they do not fit.
    #[inline(always)]
    pub fn resize(&mut self, bytes: u64) -> bool {
        bytes == self.bytes || self.really_resize(bytes)
    }

    #[cold]
    fn really_resize(&mut self, bytes: u64) -> bool {
        let fits = if bytes > self.bytes {
            self.member.try_add(self.device, self.kind, bytes - self.bytes).is_ok()
        } else {
            self.member.give_back(self.device, self.kind, self.bytes - bytes);
            true
        };
        if fits {
            self.bytes = bytes;
        }
        fits
    }
}

impl Drop for Charge<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.member.take_off(self.device, self.kind, self.bytes, Change::Undo(self.bytes));
    }
}

/// A request that does not fit: what was held and what the limit was at that moment.
#[derive(Clone, Copy, Debug)]
pub struct Full {
    pub used: u64,
    pub limit: u64,
}

impl Member {
    /// Bytes that were reserved just now, as a charge.
    #[inline(always)]
    pub fn charge<'a>(&'a self, device: &'a OnDevice, kind: Kind, bytes: u64) -> Charge<'a> {
        Charge { member: self, device, kind, bytes }
    }

    /// Reserves bytes if they fit just now. Whoever reserved them gives them back, or makes a `charge`
    /// of them.
    #[inline(always)]
    pub(super) fn try_add(&self, device: &OnDevice, kind: Kind, bytes: u64) -> Result<(), Full> {
        if bytes == 0 || is_left_out("charge", kind) {
            return Ok(());
        }
        match self.change(device, Change::Reserve(bytes), idle(kind, bytes)) {
            Answer::Refused { used, limit } => Err(Full { used, limit }),
            _ => Ok(()),
        }
    }

    #[inline(always)]
    pub fn give_back(&self, device: &OnDevice, kind: Kind, bytes: u64) {
        self.take_off(device, kind, bytes, Change::Refund(bytes));
    }

    #[inline(always)]
    fn take_off(&self, device: &OnDevice, kind: Kind, bytes: u64, change: Change) {
        if bytes != 0 && !is_left_out("refund", kind) {
            let _ = self.change(device, change, -idle(kind, bytes));
        }
    }

    /// A pool has handed out so many bytes of what is charged for it.
    pub fn cut(&self, device: &OnDevice, bytes: u64) {
        self.cut_or_returned(device, -idle(Kind::Pool, bytes));
    }

    /// They have come back to it.
    pub fn returned(&self, device: &OnDevice, bytes: u64) {
        self.cut_or_returned(device, idle(Kind::Pool, bytes));
    }

    fn cut_or_returned(&self, device: &OnDevice, idle: i64) {
        if !leaves_out(if idle < 0 { "cut:pool" } else { "returned:pool" }) {
            let _ = self.change(device, Change::Refund(0), idle);
        }
    }

    /// Memory somebody else made has come in: its maker pays.
    #[cfg(not(cuota_sabotage))]
    pub fn import_paid_elsewhere(&self) {}

    #[cfg(cuota_sabotage)]
    pub fn import_paid_elsewhere(&self) {
        if let Some(context) = self.context().filter(|_| is_left_out("charge", Kind::Import)) {
            let _ = self.change(context.device, Change::Force(cuota_core::grain::PAGE), 0);
        }
    }

    /// Counts bytes that are held already.
    pub fn force(&self, device: &OnDevice, kind: Kind, bytes: u64) {
        if bytes != 0 && !is_left_out("charge", kind) {
            let _ = self.change(device, Change::Force(bytes), idle(kind, bytes));
        }
    }
}

/// A pool's memory is idle until it is handed out.
#[inline(always)]
fn idle(kind: Kind, bytes: u64) -> i64 {
    if kind == Kind::Pool { bytes.cast_signed() } else { 0 }
}

/// Whether this build leaves a step out to see that a test notices.
#[cfg(not(cuota_sabotage))]
#[inline(always)]
pub(super) fn is_left_out(_: &str, _: Kind) -> bool {
    false
}

#[cfg(cuota_sabotage)]
pub(super) fn is_left_out(step: &str, kind: Kind) -> bool {
    leaves_out(&format!("{step}:{kind:?}").to_lowercase())
}

/// The same for a step that is of no kind of memory.
#[cfg(not(cuota_sabotage))]
#[inline(always)]
pub fn leaves_out(_: &str) -> bool {
    false
}

#[cfg(cuota_sabotage)]
pub fn leaves_out(what: &str) -> bool {
    std::env::var("CUOTA_SABOTAGE").is_ok_and(|wanted| wanted == what)
}
