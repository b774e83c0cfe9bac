//! Before refusing, what the client itself is sitting on is given back. Then the answer is no, and
//! one line says to whom, why, and what to do.
#![forbid(unsafe_code)]

use core::fmt;
use std::time::Duration;

use cuota_core::book::{Kind as EventKind, Memory};

use super::charge::Full;
use super::{Charge, Kind, Member, OnDevice, leaves_out};
use crate::driver::{Status, query};
use crate::log::{self, Topic};

/// How many of those who hold most are named.
const NAMED: usize = 3;

impl Member {
    /// Reserves bytes, making room first if they do not fit. `name` is the function that asks.
    #[inline(always)]
    pub fn reserve<'a>(
        &'a self,
        device: &'a OnDevice,
        kind: Kind,
        bytes: u64,
        name: &str,
    ) -> Result<Charge<'a>, Status> {
        self.reserve_unless(device, kind, bytes, name, || None)
    }

    /// The same, where `answered` has the driver's answer to a request that is no good; asked if it does not fit.
    #[inline(always)]
    pub fn reserve_unless<'a>(
        &'a self,
        device: &'a OnDevice,
        kind: Kind,
        bytes: u64,
        name: &str,
        answered: impl FnOnce() -> Option<Status>,
    ) -> Result<Charge<'a>, Status> {
        if self.try_add(device, kind, bytes).is_err() {
            match answered() {
                Some(answer) => self.has_answered(device, kind, bytes, answer)?,
                None => self.add_again(device, kind, bytes, name)?,
            }
        }
        // Made here and not where it is looked for: a charge that is moved is copied, which costs more than
        // the look.
        Ok(self.charge(device, kind, bytes))
    }

    /// What did not fit, with room made for it; refused if that is no use.
    #[cold]
    pub(super) fn add_again(
        &self,
        device: &OnDevice,
        kind: Kind,
        bytes: u64,
        name: &str,
    ) -> Result<(), Status> {
        self.at_last(device, || self.try_add(device, kind, bytes))
            .map_err(|full| self.refuse(device, kind, bytes, name, full))
    }

    /// To what it should have refused the driver has said no. Should it have said yes, that counts.
    #[cold]
    pub(super) fn has_answered(
        &self,
        device: &OnDevice,
        kind: Kind,
        bytes: u64,
        answer: Status,
    ) -> Result<(), Status> {
        if answer.ok() {
            self.force(device, kind, bytes);
            return Ok(());
        }
        Err(answer)
    }

    /// Tries once more before a request is refused: with what the client sits on given back, and until no
    /// call of another thread's is on its way that has charged more than it may turn out to take.
    #[cold]
    pub fn at_last<T>(
        &self,
        device: &OnDevice,
        attempt: impl Fn() -> Result<T, Full>,
    ) -> Result<T, Full> {
        self.until_still(device, || self.moves(device), attempt)
    }

    /// The same, where `moves` says what is on its way, and changes with it.
    pub(super) fn until_still<T>(
        &self,
        device: &OnDevice,
        moves: impl Fn() -> (bool, u64),
        attempt: impl Fn() -> Result<T, Full>,
    ) -> Result<T, Full> {
        /// A thread can be held up in the driver; the answer is then what it is just now.
        const ROUNDS: usize = 200;
        const YIELDS: usize = 20;
        const PAUSE: Duration = Duration::from_micros(50);
        self.make_room(device);
        for round in 0..ROUNDS {
            // Nothing is on its way before or after it, and nothing has come and gone meanwhile.
            let before = moves();
            let answer = attempt();
            let still = !before.0 && moves() == before;
            if answer.is_ok() || still || leaves_out("wait:pool") {
                return answer;
            }
            if round < YIELDS {
                std::thread::yield_now();
            } else {
                std::thread::sleep(PAUSE);
            }
        }
        attempt()
    }

    /// Gives back what pools and graphs keep without using it. Never during a capture, which a trim could
    /// invalidate.
    #[cold]
    pub fn make_room(&self, device: &OnDevice) {
        if self.is_capturing() {
            return;
        }
        self.look_at_pending();
        for pool in self.pools.on(device.ordinal) {
            if !pool.is_destroyed() && pool.sum.charged() > 0 {
                let _ = query::cuMemPoolTrimTo(pool.handle, 0);
            }
            self.true_up(&pool);
        }
        if device.graphs.sum.charged() > 0 {
            let _ = self.trim_graphs(device, || query::cuDeviceGraphMemTrim(device.ordinal));
        }
        self.own_again(device);
        self.take_arrays_as_held(device);
    }

    /// The same for a device of which more is held than may be.
    pub(super) fn make_room_if_over(&self, ordinal: i32) {
        if let Some(device) = self.device(ordinal).filter(|device| self.is_over(device).is_some()) {
            self.make_room(device);
        }
    }

    /// The answer to a request that does not fit.
    #[cold]
    pub fn refuse(
        &self,
        device: &OnDevice,
        kind: Kind,
        bytes: u64,
        name: &str,
        full: Full,
    ) -> Status {
        device.count_refusal(bytes);
        self.count_memory(device, kind, Memory::Refused, (1, bytes));
        self.record(EventKind::Refused, Some(device), [bytes, full.limit, full.used]);
        let own = device.charged();
        log::warn(
            Topic::Refused,
            format_args!(
                "{name}: {} on device {} ({}) refused: client {} may hold {} and holds {}, {} of it in this process{}; free memory, or raise the limit: cuota set {} --vram SIZE",
                Bytes(bytes),
                device.ordinal,
                cuota_core::config::Uuid(device.uuid),
                self.client,
                Bytes(full.limit),
                Bytes(full.used),
                Bytes(own),
                Holders { member: self, device },
                self.client,
            ),
        );
        Status::OUT_OF_MEMORY
    }
}

/// A size as people read it, and exactly where that is short.
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
        let mut unit = None;
        let mut shown = self.0 as f64;
        for name in UNITS {
            if shown < 1024.0 {
                break;
            }
            shown /= 1024.0;
            unit = Some(name);
        }
        match unit {
            Some(unit) if shown.fract() == 0.0 => write!(out, "{shown} {unit}"),
            Some(unit) => write!(out, "{shown:.2} {unit}"),
            None => write!(out, "{} B", self.0),
        }
    }
}

/// Who else holds most.
struct Holders<'a> {
    member: &'a Member,
    device: &'a OnDevice,
}

impl fmt::Display for Holders<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let holders = self.member.book.holders(self.device.index);
        let own = u64::from(std::process::id());
        let others = holders.iter().filter(|holder| holder.pid != own && holder.bytes > 0);
        for (index, holder) in others.take(NAMED).enumerate() {
            let lead = if index == 0 { " (others: " } else { ", " };
            write!(out, "{lead}{} {}: {}", holder.name, holder.pid, Bytes(holder.bytes))?;
        }
        let any = holders.iter().any(|holder| holder.pid != own && holder.bytes > 0);
        if any { write!(out, ")") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn sizes_as_people_read_them() {
        let shown = |bytes| Bytes(bytes).to_string();
        assert_eq!(shown(17), "17 B");
        assert_eq!(shown(512 << 20), "512 MiB");
        assert_eq!(shown((3 << 30) + (1 << 29)), "3.50 GiB");
        assert_eq!(shown(1 << 40), "1 TiB");
    }
}
