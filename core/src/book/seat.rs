//! A member's place: taken at the door, kept by a lock, given back by dying.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering;

use super::events::{Event, Kind};
use super::layout::{self, DEVICES, header, member};
use super::living::{MOST_IDS, byte_of};
use super::trouble::{Trouble, What};
use super::{Book, Door};
use crate::ledger::{Exact, Living, TotalWord, Word, is_closed, reap};
use crate::shm::file;

/// Who a member is, for people and for a second opinion on whether it lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    pub pid: u64,
    /// Clock ticks since boot; 0 if unknown.
    pub start: u64,
    /// Inode; 0 if unknown.
    pub pid_namespace: u64,
    pub user: u64,
    pub name: String,
}

/// Who holds how much of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub pid: u64,
    pub name: String,
    pub bytes: u64,
}

/// A place taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    pub index: usize,
    /// The incarnation, which is never given twice.
    pub id: u64,
}

impl Door<'_> {
    /// Whether anybody else lives whose limits were settled.
    pub(super) fn has_company(&self, seat: Seat, living: &dyn Living) -> bool {
        self.has_members_but(Some(seat.index), living)
    }

    /// Whether anybody lives who keeps the limits in force.
    pub fn has_members(&self, living: &dyn Living) -> bool {
        self.has_members_but(None, living)
    }

    fn has_members_but(&self, left_out: Option<usize>, living: &dyn Living) -> bool {
        let book = self.book;
        book.members().any(|index| {
            let owner = book.member_value(index, member::OWNER);
            Some(index) != left_out
                && owner != 0
                && book.member_value(index, member::SETTLED) == 1
                && living.is_alive(owner)
        })
    }
}

impl Book {
    /// Takes a place. Whoever joins does so at the door; a member that was taken for dead takes
    /// another without, since nobody waits on the way of an allocation.
    pub fn seat(&self, who: &Member, now: u64) -> Result<Seat, Trouble> {
        let id = self.new_incarnation()?;
        let locked = self.file.with(|fd| file::lock(fd, byte_of(id)));
        match locked.map_err(|why| self.trouble(What::Locks(why)))? {
            true => {}
            // Somebody has locked a byte that is nobody's yet: a file that lies.
            false => {
                return Err(self.trouble(What::Unreadable("another holds a new member's lock")));
            }
        }
        self.sweep(&self.witness(id, who.pid_namespace), now);
        let take = |index: &usize| {
            let word = self.head.get(self.member_word(*index, member::OWNER));
            word.is_some_and(|word| Word::replace(word, 0, id))
        };
        let index = self.members().find(take);
        let index = index.ok_or_else(|| {
            // Nobody came, and nobody died.
            if let Some(left) = self.head.get(header::LEFT) {
                left.fetch_add(1, Ordering::AcqRel);
            }
            let _ = self.file.with(|fd| {
                file::unlock(fd, byte_of(id));
                Ok(())
            });
            self.trouble(What::Crowded(self.layout.members))
        })?;
        if let Some(places) = self.head.get(header::PLACES) {
            Word::raise(places, index as u64 + 1);
        }
        self.write_member(index, id, who, now);
        let (kind, payload) = (Kind::Joined, [who.pid, 0, 0]);
        self.record(Event { time: now, member: id, kind, device: None, payload });
        Ok(Seat { index, id })
    }

    fn new_incarnation(&self) -> Result<u64, Trouble> {
        let last = self.head.get(header::LAST_ID).map(|word| word.fetch_add(1, Ordering::AcqRel));
        let id = last.filter(|last| *last < MOST_IDS).map(|last| last + 1);
        id.ok_or_else(|| {
            self.trouble(What::Unreadable("it has counted more members than there can be"))
        })
    }

    /// The pids of the members in a PID namespace.
    pub fn pids(&self, namespace: u64) -> Vec<u32> {
        let value = |index, word| self.member_value(index, word);
        let there = |index: &usize| {
            value(*index, member::OWNER) != 0 && value(*index, member::PID_NAMESPACE) == namespace
        };
        self.members().filter(there).map(|index| value(index, member::PID) as u32).collect()
    }

    /// Who holds most of a device, the largest first.
    pub fn holders(&self, device: usize) -> Vec<Holder> {
        let Some(part) = self.part(device) else { return Vec::new() };
        let account = part.account();
        let holder = |index: usize| {
            let owner = self.member_value(index, member::OWNER);
            let lane = account.lane(index)?;
            if owner == 0 || Word::load(lane.owner()) != owner {
                return None;
            }
            let seq = account.seq(index, account.total.read());
            let bytes = if is_closed(seq) { 0 } else { lane.read(seq).charge };
            let name = [member::NAME, member::NAME + 1].map(|word| self.member_value(index, word));
            let pid = self.member_value(index, member::PID);
            Some(Holder { pid, name: layout::words_text(&name), bytes })
        };
        let mut holders: Vec<Holder> = self.members().filter_map(holder).collect();
        holders.sort_by_key(|holder| core::cmp::Reverse(holder.bytes));
        holders
    }

    /// Gives back what the dead held, and empties their places.
    pub fn sweep(&self, living: &dyn Living, now: u64) {
        for index in self.members() {
            let owner = self.member_value(index, member::OWNER);
            if owner != 0 && !living.is_alive(owner) {
                self.clear_seat(index, owner, living, now);
            }
        }
    }

    fn clear_seat(&self, index: usize, owner: u64, living: &dyn Living, now: u64) {
        let (mut held, mut busy) = (0_u64, false);
        for device in 0..DEVICES {
            let Some(part) = self.part(device) else { continue };
            busy |= part.was_busy(index, owner);
            let account = part.account();
            let Some(lane) = account.lane(index) else { continue };
            let charged = Word::load(lane.owner());
            let seq = account.seq(index, account.total.read());
            let bytes = if is_closed(seq) { 0 } else { lane.read(seq).charge };
            if charged != 0 && reap::<Exact, _, _>(&account, index, charged, now, living) {
                held = held.saturating_add(bytes);
            }
        }
        let left = self.member_value(index, member::LEAVING) == owner;
        let pid = self.member_value(index, member::PID);
        let gone = self.head.get(self.member_word(index, member::GONE_AT));
        if let Some(gone) = gone.filter(|_| busy) {
            Word::raise(gone, now);
        }
        // Last, and only if nobody else has done it and given the place away.
        let word = self.head.get(self.member_word(index, member::OWNER));
        if word.is_some_and(|word| Word::replace(word, owner, 0)) && !left {
            let (kind, payload) = (Kind::Died, [pid, held, 0]);
            self.record(Event { time: now, member: owner, kind, device: None, payload });
        }
    }

    /// Gives up an own place, as dying would: what its lanes hold is nobody's from here on.
    pub fn leave(&self, seat: Seat) {
        let _ = self.file.with(|fd| {
            file::unlock(fd, byte_of(seat.id));
            Ok(())
        });
    }

    /// This member is about to end, in good order. Its place is given back when it is gone.
    pub fn say_goodbye(&self, seat: Seat, now: u64) {
        // Once, and not for whoever has the place by now.
        let word = |word| self.head.get(self.member_word(seat.index, word));
        let ours = word(member::OWNER).is_some_and(|owner| Word::load(owner) == seat.id);
        let said = word(member::LEAVING)
            .is_none_or(|word| !ours || word.swap(seat.id, Ordering::AcqRel) == seat.id);
        if said {
            return;
        }
        if let Some(left) = self.head.get(header::LEFT) {
            left.fetch_add(1, Ordering::AcqRel);
        }
        let (kind, payload) = (Kind::Left, [self.member_value(seat.index, member::PID), 0, 0]);
        self.record(Event { time: now, member: seat.id, kind, device: None, payload });
    }

    fn write_member(&self, index: usize, id: u64, who: &Member, now: u64) {
        let [first, second] = layout::text_words::<2>(&who.name);
        let words = [
            (member::PID, who.pid),
            (member::START, who.start),
            (member::PID_NAMESPACE, who.pid_namespace),
            (member::USER, who.user),
            (member::JOINED, now),
            (member::SETTLED, 0),
            (member::SHARE, 0),
            (member::NAME, first),
            (member::NAME + 1, second),
            // SYNC POINT: whoever finds it finds the rest, not what the last one left here; the other
            // end is in `is_gone_by_pid`.
            (member::WRITTEN, id),
        ];
        for (word, value) in words {
            self.head.set(self.member_word(index, word), value);
        }
    }

    /// Other members may now hold theirs against what this one found in force.
    pub fn settle(&self, seat: Seat) {
        self.head.set(self.member_word(seat.index, member::SETTLED), 1);
    }
}
