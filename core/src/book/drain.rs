//! A client that is told to stop: whoever is a member then takes no new work, finishes what it has, and
//! says so. Whoever joins later is not meant.
#![forbid(unsafe_code)]

use super::layout::{device, header, member};
use super::{Book, Part, Seat};
use crate::ledger::{LANE, head};

impl Book {
    /// Tells all members there are to stop; 0: to go on.
    pub fn tell_to_stop(&self, now: u64) {
        self.head.set(header::DRAIN, now);
    }

    /// When the seat's process was told to stop; 0 if it is not.
    pub fn is_told_to_stop(&self, seat: Seat) -> u64 {
        let told = self.head.value(header::DRAIN);
        let joined = self.member_value(seat.index, member::JOINED);
        if joined < told { told } else { 0 }
    }
}

impl Part {
    /// The seat's process has stopped as it was told then, and all its work on the device is done.
    pub fn note_stopped(&self, seat: Seat, told: u64) {
        self.set(device::LANES + seat.index * LANE + head::STOPPED, told);
    }
}
