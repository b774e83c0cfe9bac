//! The fault that took a device from a member: what it saw of it first, and whose work it was, where that
//! can be told.
#![forbid(unsafe_code)]

use super::layout::{self, member};
use super::{Book, Seat};

/// Whose work a fault was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u64)]
pub enum Verdict {
    /// More than one had work in flight, or not everybody could be seen.
    #[default]
    Unknown = 0,
    /// This member's own.
    Own = 1,
    /// Another's: this one is a victim.
    Other = 2,
    /// Nobody's: the MPS server ended, or the client was taken from it.
    Nobody = 3,
}

impl Verdict {
    pub const ALL: [Verdict; 4] = [Verdict::Unknown, Verdict::Own, Verdict::Other, Verdict::Nobody];

    pub fn from_word(word: u64) -> Verdict {
        Verdict::ALL.into_iter().find(|verdict| *verdict as u64 == word).unwrap_or_default()
    }

    pub fn name(self) -> &'static str {
        match self {
            Verdict::Unknown => "unknown",
            Verdict::Own => "culprit",
            Verdict::Other => "victim",
            Verdict::Nobody => "nobody",
        }
    }
}

/// A member of some client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    pub client: String,
    /// As it sees itself.
    pub pid: u64,
    pub id: u64,
}

impl Who {
    /// The same process, whichever of its incarnations.
    pub fn is(&self, other: &Who) -> bool {
        (&self.client, self.pid) == (&other.client, other.pid)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Nanoseconds since boot.
    pub time: u64,
    pub status: u32,
    /// Place in the ledger's directory.
    pub device: usize,
    /// The entry point that answered so.
    pub call: String,
    /// What its thread launched last, and on which stream; 0 if nothing.
    pub function: u64,
    pub stream: u64,
    pub verdict: Verdict,
    /// How many members had work in flight, of how many.
    pub busy: u32,
    pub members: u32,
    /// The device was shared by MPS: the fault was everybody's there.
    pub by_mps: bool,
    /// Whose work it was, if it was another's.
    pub culprit: Option<(String, u64)>,
}

const DEVICE: u32 = 32;
const VERDICT: u32 = 48;
const BY_MPS: u32 = 56;

impl Fault {
    /// From a member's words.
    pub(super) fn read(get: &dyn Fn(usize) -> u64) -> Option<Fault> {
        if get(member::FAULT_OF) == 0 {
            return None;
        }
        let text = |first: usize, count: usize| {
            let words: Vec<u64> = (first..first + count).map(get).collect();
            layout::words_text(&words)
        };
        let (what, seen) = (get(member::FAULT), get(member::FAULT_BUSY));
        let verdict = Verdict::from_word(what >> VERDICT & 0xff);
        let culprit = (verdict == Verdict::Other)
            .then(|| (text(member::CULPRIT, 8), get(member::CULPRIT_PID)));
        Some(Fault {
            time: get(member::FAULT_AT),
            status: what as u32,
            device: (what >> DEVICE & 0xffff) as usize,
            call: text(member::FAULT_CALL, 4),
            function: get(member::FAULT_FUNCTION),
            stream: get(member::FAULT_STREAM),
            verdict,
            busy: seen as u32,
            members: (seen >> 32) as u32,
            by_mps: what >> BY_MPS & 1 == 1,
            culprit,
        })
    }
}

impl Book {
    /// Keeps what took a device from the seat's process: the first, for what follows follows from it.
    pub fn note_fault(&self, seat: Seat, fault: &Fault) {
        let set = |word, value| self.head.set(self.member_word(seat.index, word), value);
        if self.member_value(seat.index, member::FAULT_OF) == seat.id {
            return;
        }
        set(member::FAULT_OF, 0);
        set(member::FAULT_AT, fault.time);
        let device = (fault.device as u64) << DEVICE;
        let judged = (fault.verdict as u64) << VERDICT | u64::from(fault.by_mps) << BY_MPS;
        set(member::FAULT, u64::from(fault.status) | device | judged);
        set(member::FAULT_BUSY, u64::from(fault.busy) | u64::from(fault.members) << 32);
        set(member::FAULT_FUNCTION, fault.function);
        set(member::FAULT_STREAM, fault.stream);
        let (client, pid) = fault.culprit.as_ref().map_or(("", 0), |(name, pid)| (name, *pid));
        set(member::CULPRIT_PID, pid);
        let call = layout::text_words::<4>(&fault.call).into_iter().enumerate();
        call.for_each(|(at, word)| set(member::FAULT_CALL + at, word));
        let client = layout::text_words::<8>(client).into_iter().enumerate();
        client.for_each(|(at, word)| set(member::CULPRIT + at, word));
        set(member::FAULT_OF, seat.id);
    }
}
