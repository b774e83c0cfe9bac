//! Where everything stands in a ledger's file. All of it is 64-bit little-endian words; an offset
//! here is an index of a word unless it says bytes.
//!
//! `include/cuota.h` says the same for C, and `tests/header.rs` compares. A change of any of it
//! raises `VERSION`, which is also in the file's name: another version never meets this one.
#![forbid(unsafe_code)]

use crate::ledger::LANE;

pub const VERSION: u64 = 1;
/// Written last: a file without it is not finished.
pub const MARK: u64 = u64::from_le_bytes(*b"cuotaldg");
pub const PAGE: u64 = 4096;
/// Parts that are mapped for themselves begin at multiples of the largest page a kernel has.
pub const APART: u64 = 64 << 10;
/// A file that claims to be larger than this is not a ledger.
pub const MOST_FILE_BYTES: u64 = 256 << 20;

pub const FEWEST_MEMBERS: u64 = 64;
pub const MOST_MEMBERS: u64 = 512;
pub const DEVICES: usize = 32;
pub const MOST_EVENTS: u64 = 1 << 20;

/// The header, one page.
pub mod header {
    pub const MARK: usize = 0;
    pub const VERSION: usize = 1;
    /// How many members there can be.
    pub const MEMBERS: usize = 2;
    /// How many devices there can be.
    pub const DEVICES: usize = 3;
    /// Records of the ring.
    pub const EVENTS: usize = 4;
    /// Bytes: where the ring begins, where the first device's part begins, and how long each is.
    pub const RING_AT: usize = 5;
    pub const DEVICES_AT: usize = 6;
    pub const DEVICE_BYTES: usize = 7;
    /// Differs for every ledger there ever was: counters count from its beginning.
    pub const EPOCH: usize = 8;
    /// Nanoseconds since 1970 and since boot, when it was made.
    pub const CREATED_WALL: usize = 9;
    pub const CREATED_BOOT: usize = 10;
    /// Two words.
    pub const BOOT_ID: usize = 11;
    pub const OWNER: usize = 13;
    /// 64 bytes, ends in NUL.
    pub const CLIENT: usize = 16;
    pub const CLIENT_WORDS: usize = 8;
    /// `name=value,…`, ends in NUL.
    pub const LABELS: usize = 24;
    pub const LABELS_WORDS: usize = 136;
    /// The last incarnation given out. Alone in its line, as is what follows.
    pub const LAST_ID: usize = 160;
    /// Raised whenever a limit changes.
    pub const GENERATION: usize = 168;
    /// When all that were members then were told to stop, in nanoseconds since boot; 0 if they were not.
    pub const DRAIN: usize = 169;
    /// How many events were ever written to the ring.
    pub const WRITTEN: usize = 176;
    /// How many bytes of the ring are there: an idle client has few events, and a thousand of them
    /// must cost little. Raised only.
    pub const RING_BYTES: usize = 177;
    /// How many places were ever taken at once: those beyond were never anybody's. Raised only.
    pub const PLACES: usize = 178;
    /// How many members said that they leave; the others that are gone were killed.
    pub const LEFT: usize = 179;
    /// How often anybody has come through the door.
    pub const PASSED: usize = 184;
    /// Four words for each device: its UUID (two), whether its part is there (1).
    pub const DIRECTORY: usize = 192;
    pub const DIRECTORY_ENTRY: usize = 4;
    pub const WORDS: usize = 512;
}

/// One process. The lane of the same index in each device's part is its too.
pub mod member {
    /// Incarnation; 0 if nobody.
    pub const OWNER: usize = 0;
    /// As the member itself sees them.
    pub const PID: usize = 1;
    pub const START: usize = 2;
    /// Inode of its PID namespace.
    pub const PID_NAMESPACE: usize = 3;
    pub const USER: usize = 4;
    /// Nanoseconds since boot.
    pub const JOINED: usize = 5;
    /// 1 once the limits of its environment were compared with those in force.
    pub const SETTLED: usize = 6;
    /// The incarnation that wrote all this, last; another's if it has not come to it yet.
    pub const WRITTEN: usize = 7;
    /// Two words of text.
    pub const NAME: usize = 8;
    /// The incarnation that left in good order, if it did.
    pub const LEAVING: usize = 10;
    /// The share of the SMs it asked for: thousandths of a percent, or a number with the highest bit set; 0
    /// if none.
    pub const SHARE: usize = 11;
    /// When the last one to leave the place with work in flight was known to be gone; whoever comes next
    /// leaves it there.
    pub const GONE_AT: usize = 12;
    /// The fault that took the device from it, and the incarnation that is about, which is written last.
    pub const FAULT_OF: usize = 13;
    pub const FAULT_AT: usize = 14;
    /// The driver's status, from 2^32 on the device's place in the directory, from 2^48 on the verdict, from
    /// 2^56 on whether it was by MPS that the device was shared.
    pub const FAULT: usize = 15;
    /// How many members had work in flight, and from 2^32 on how many there were.
    pub const FAULT_BUSY: usize = 16;
    /// What was last launched by the thread that met it, and on which stream.
    pub const FAULT_FUNCTION: usize = 17;
    pub const FAULT_STREAM: usize = 18;
    /// Whose work it was, if that is known: pid as it sees itself, and client.
    pub const CULPRIT_PID: usize = 19;
    /// The entry point that answered so; 32 bytes, ends in NUL.
    pub const FAULT_CALL: usize = 20;
    pub const CULPRIT: usize = 24;
    pub const WORDS: usize = 32;
}

/// One device's part.
pub mod device {
    /// Two words, swapped as one.
    pub const TOTAL: usize = 0;
    /// Bytes; all ones if there is none.
    pub const LIMIT: usize = 8;
    /// What the environment that set the policy asked for; all ones if no limit.
    pub const WANTED: usize = 9;
    /// Instead of it while nobody has been asked.
    pub const UNDECIDED: u64 = u64::MAX - 1;
    /// 1 if `cuota set` decided the limit.
    pub const BY_COMMAND: usize = 10;
    pub const PEAK: usize = 16;
    /// Two words.
    pub const UUID: usize = 24;
    /// What the device has.
    pub const BYTES: usize = 26;
    /// What a context was last measured to take for itself.
    pub const CONTEXT_BYTES: usize = 27;
    /// SMs it has, whatever a process is shown; 0 if nobody could tell.
    pub const SMS: usize = 28;
    pub const REFUSED: usize = 32;
    pub const REFUSED_BYTES: usize = 33;
    pub const LANES: usize = 128;
}

/// What a member counts on one device: blocks of words, `counts.rs` says which is what.
pub mod count {
    pub const WORDS: usize = 128;
    /// The first word about memory, and how many there are of each kind.
    pub const MEMORY: usize = 32;
    pub const MEMORY_EACH: usize = 6;
    /// Calls that submit work: begun and ended, in the block of the thread; how many had begun when all of
    /// it was last known to be done, in the one that is shared.
    pub const BEGUN: usize = 24;
    pub const ENDED: usize = 25;
    pub const QUIET: usize = 26;
    /// A count like those before.
    pub const FAULTS: usize = 27;
    /// What earlier members of the place had counted, and the last word says for whom that was noted.
    pub const EARLIER: usize = 0;
    pub const EARLIER_FOR: usize = WORDS - 1;
    /// Whoever adds to this one swaps.
    pub const SHARED: usize = 1;
    /// The first that belongs to one thread alone.
    pub const OWN: usize = 2;
    pub const BLOCKS: usize = 8;
    /// Words of a place.
    pub const PLACE: usize = BLOCKS * WORDS;
}

pub mod event {
    /// Twice the record's number plus two; odd while it is written, 0 if it never was.
    pub const STATE: usize = 0;
    /// Nanoseconds since boot.
    pub const TIME: usize = 1;
    /// Incarnation.
    pub const MEMBER: usize = 2;
    /// Kind, and the device's index in the directory times 2^32.
    pub const KIND: usize = 3;
    /// Three words of payload.
    pub const PAYLOAD: usize = 4;
    /// All the words above, mixed: a record two writers met in does not add up.
    pub const CHECK: usize = 7;
    pub const WORDS: usize = 8;
}

/// Where the parts of one file are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    pub members: u64,
    pub events: u64,
}

impl Layout {
    pub fn new(members: u64, events: u64) -> Layout {
        Layout {
            members: members.clamp(FEWEST_MEMBERS, MOST_MEMBERS),
            events: events.clamp(1, MOST_EVENTS),
        }
    }

    pub fn members_at(self) -> u64 {
        PAGE
    }

    pub fn ring_at(self) -> u64 {
        self.members_at() + pages(self.members * bytes(member::WORDS))
    }

    pub fn devices_at(self) -> u64 {
        (self.ring_at() + self.events * bytes(event::WORDS)).next_multiple_of(APART)
    }

    /// Lanes of a device's part: one a member, and one that is nobody's.
    pub fn lanes_words(self) -> usize {
        (self.members as usize + 1) * LANE
    }

    /// What a device's part has at once; counts get their bytes when there is something to count.
    pub fn device_head_words(self) -> usize {
        device::LANES + self.lanes_words()
    }

    /// Where the counts of a place begin.
    pub fn counts_at(self, place: usize) -> usize {
        self.device_head_words().next_multiple_of(PAGE as usize / 8) + place * count::PLACE
    }

    pub fn device_words(self) -> usize {
        self.counts_at(self.members as usize)
    }

    /// From one to the next; what is between stays empty.
    pub fn device_bytes(self) -> u64 {
        bytes(self.device_words()).next_multiple_of(APART)
    }

    pub fn device_at(self, index: usize) -> u64 {
        self.devices_at() + index as u64 * self.device_bytes()
    }
}

pub const fn bytes(words: usize) -> u64 {
    words as u64 * 8
}

const fn pages(bytes: u64) -> u64 {
    bytes.next_multiple_of(PAGE)
}

const _: () = assert!(header::LABELS + header::LABELS_WORDS <= header::LAST_ID);
const _: () = assert!(header::DIRECTORY + DEVICES * header::DIRECTORY_ENTRY <= header::WORDS);
const _: () = assert!(bytes(header::WORDS) == PAGE);

/// Text as words, cut to fit with a NUL after it.
pub fn text_words<const N: usize>(text: &str) -> [u64; N] {
    let mut words = [0; N];
    let mut bytes = text.bytes().take(N * 8 - 1);
    for word in &mut words {
        *word = u64::from_le_bytes([0; 8].map(|zero: u8| bytes.next().unwrap_or(zero)));
    }
    words
}

/// Text from words, up to a NUL; what is no printable UTF-8 is replaced.
pub fn words_text(words: &[u64]) -> String {
    let bytes: Vec<u8> =
        words.iter().flat_map(|word| word.to_le_bytes()).take_while(|byte| *byte != 0).collect();
    let text = String::from_utf8_lossy(&bytes);
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_and_swapped_words_are_aligned() {
        for (members, events) in [(64, 64), (65, 8192), (512, 1 << 20)] {
            let layout = Layout::new(members, events);
            assert_eq!(layout.ring_at() % PAGE, 0);
            for at in [layout.devices_at(), layout.device_at(3)] {
                assert_eq!(at % APART, 0);
            }
            assert!(layout.ring_at() >= PAGE + members * 256);
            assert!(layout.devices_at() >= layout.ring_at() + events * 64);
            let last = layout.device_at(DEVICES);
            assert!(last <= MOST_FILE_BYTES, "{last}");
        }
    }

    #[test]
    fn text_fits_or_is_cut() {
        let words = text_words::<2>("0123456789abcdefgh");
        assert_eq!(words_text(&words), "0123456789abcde");
        assert_eq!(words_text(&text_words::<2>("a\u{1b}b")), "a\u{fffd}b");
    }
}
