//! The client is told to stop, by a word in its ledger.
#![forbid(unsafe_code)]

use super::Member;
use crate::log::{self, Topic};

impl Member {
    /// Since when this process is to take no new work; 0 if it may.
    pub fn is_to_stop(&self) -> u64 {
        self.book.is_told_to_stop(self.counting.seat())
    }

    pub fn say_that_it_stops(&self) {
        log::warn(
            Topic::Fault,
            format_args!(
                "client {}: told to stop (cuota mps drain): work is refused with 800 from now on, until cuota mps drain {} --undo",
                self.client, self.client
            ),
        );
    }

    /// All its work is done.
    pub fn has_stopped(&self) {
        let (seat, told) = (self.counting.seat(), self.is_to_stop());
        self.devices().for_each(|device| device.part.note_stopped(seat, told));
    }
}
