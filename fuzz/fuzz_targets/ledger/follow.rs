//! A reader that follows the ring from before anything was done to it: every number is heard of once,
//! as an event or among the lost, whatever stands in the file.

use cuota_core::book::{Follower, Heard};

use crate::cursor::Cursor;
use crate::image::Folder;
use crate::memory;

/// What one look may take: a run of records, copied.
const MOST_BYTES: usize = 1 << 20;
/// What an event may: it, in a vector growing.
const EVENT_BYTES: usize = 512;

pub struct Following {
    follower: Option<Follower>,
    /// The number that must come next, if one was heard of.
    next: Option<u64>,
}

impl Following {
    pub fn open(folder: &Folder, input: &mut Cursor) -> Following {
        let earlier = [0, 1, 64, u64::MAX][usize::from(input.byte() & 3)];
        let follower = Follower::open(&folder.file(), earlier);
        if let Err(why) = &follower {
            crate::clear(why, folder);
        }
        Following { follower: follower.ok(), next: None }
    }

    pub fn poll(&mut self, last: bool) {
        let Some(follower) = &mut self.follower else { return };
        let (heard, most) = memory::most(|| follower.poll(last));
        let Ok(heard) = heard else {
            self.next = None;
            return;
        };
        assert!(most <= MOST_BYTES + heard.len() * EVENT_BYTES, "{most} bytes for {}", heard.len());
        for heard in heard {
            match heard {
                Heard::Event { number, event } => {
                    assert!(self.next.is_none_or(|next| next == number), "{number}: {event:?}");
                    self.next = Some(number + 1);
                }
                Heard::Lost(count) => {
                    assert!(count > 0);
                    self.next = self.next.and_then(|next| next.checked_add(count));
                }
            }
        }
    }
}
