//! One device as this process sees it, and this process's lane of the device's account.
#![forbid(unsafe_code)]

use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use cuota_core::book::{Grant, Part, layout};
use cuota_core::ledger::{Answer, Change, Exact, Owned, Slot, Total, join};
use cuota_core::shm::Brief;

use super::Member;
use super::arrays::Arrays;
use super::backing::OnGraphs;
use super::flight::Flight;
use super::own::Own;
use crate::log::{self, Topic};

pub struct OnDevice {
    pub ordinal: c_int,
    /// In the ledger.
    pub index: usize,
    pub uuid: [u8; 16],
    /// What the device has.
    pub bytes: u64,
    pub(super) part: Part,
    lane: Brief<Option<Owned<Exact>>>,
    /// When this process last changed its account, for whom the lock is too dear.
    committed: AtomicU64,
    /// The incarnation that has room for its counts here, and when to look for some again.
    pub(super) counted_by: Brief<(Option<u64>, u64)>,
    pub(super) arrays: Brief<Arrays>,
    pub(super) has_small_arrays: AtomicBool,
    /// What graphs hold of the device.
    pub graphs: OnGraphs,
    pub(super) own: Own,
    primary: AtomicU64,
    pub(super) flight: Flight,
    /// What this process was granted of its SMs.
    pub(super) grant: Brief<Option<Grant>>,
    /// SMs of its largest context.
    pub(super) largest: AtomicU32,
}

impl OnDevice {
    pub(super) fn new(
        ordinal: c_int,
        index: usize,
        uuid: [u8; 16],
        bytes: u64,
        part: Part,
    ) -> OnDevice {
        OnDevice {
            ordinal,
            index,
            uuid,
            bytes,
            part,
            lane: Brief::new(None),
            committed: AtomicU64::new(0),
            counted_by: Brief::new((None, 0)),
            arrays: Brief::default(),
            has_small_arrays: AtomicBool::new(false),
            graphs: OnGraphs::new(),
            own: Own::new(),
            primary: AtomicU64::new(0),
            flight: Flight::new(),
            grant: Brief::default(),
            largest: AtomicU32::new(0),
        }
    }

    /// What this process holds by its own account.
    pub fn charged(&self) -> u64 {
        self.lane.with(|lane| lane.map_or(0, |owned| owned.slot.charge))
    }

    /// The same, and when it last changed.
    pub(super) fn standing(&self) -> (u64, u64) {
        self.lane.with(|lane| lane.map_or((0, 0), |owned| (owned.slot.charge, owned.slot.time)))
    }

    /// The device's primary context, as it was last retained.
    pub fn remember_primary(&self, context: u64) {
        self.primary.store(context, Ordering::Release);
    }

    pub fn primary(&self) -> u64 {
        self.primary.load(Ordering::Acquire)
    }

    /// When this process last changed its account.
    #[inline(always)]
    pub(super) fn last_commit(&self) -> u64 {
        self.committed.load(Ordering::Relaxed)
    }

    /// A sign of life: what is held is held for certain until then, whatever becomes of us. Under the
    /// lane's lock, so that no commit of an earlier moment comes after it; not at all while another
    /// has that, whose commit is a sign too.
    pub(super) fn note_alive(&self, now: u64) {
        let _ = self.lane.try_with(|owned| {
            if let Some(owned) = owned
                && let Some(lane) = self.part.account().lane(owned.lane)
                && lane.owner().load(Ordering::Acquire) == owned.id
            {
                lane.heartbeat().fetch_max(now, Ordering::AcqRel);
            }
        });
    }

    /// How much of that the driver took for itself.
    pub(super) fn untracked(&self) -> u64 {
        self.lane.with(|lane| lane.map_or(0, |owned| owned.slot.untracked))
    }
}

impl Member {
    /// Applies a change to the device's account, with so many bytes more or less that pools have idle.
    /// Never waits for another process, never calls the driver.
    #[inline(always)]
    pub(super) fn change(&self, device: &OnDevice, change: Change, idle: i64) -> Answer {
        // Read before the lock: the counter takes its time, and the processor can wait for both at once.
        let now = self.clock.now();
        let mut lane = device.lane.lock();
        let found = lane.as_mut().map(|owned| {
            owned.at_once(&device.part.account(), change, idle, now).map(|()| owned.slot.time)
        });
        match found {
            Some(Ok(time)) => {
                device.committed.store(time, Ordering::Relaxed);
                Answer::Done
            }
            Some(Err(found)) => {
                self.change_among_others(device, &mut lane, Some(found), (change, idle), now)
            }
            None => self.change_among_others(device, &mut lane, None, (change, idle), now),
        }
    }

    /// The same where something stands in the way, and the total was last seen so; or where we have no
    /// lane yet.
    #[cold]
    #[inline(never)]
    fn change_among_others(
        &self,
        device: &OnDevice,
        lane: &mut Option<Owned<Exact>>,
        found: Option<Total>,
        (change, idle): (Change, i64),
        now: u64,
    ) -> Answer {
        let account = device.part.account();
        let ours = lane.as_mut().zip(found).map_or(Answer::Lost, |(owned, found)| {
            let witness = self.book.witness(owned.id, self.who.pid_namespace);
            owned.among_others(&account, found, (change, idle), now, &witness)
        });
        let answer = match ours {
            Answer::Lost => self.change_anew(device, lane, change, idle),
            answer => answer,
        };
        let last = lane.map_or(now, |owned| owned.slot.time);
        device.committed.store(last, Ordering::Relaxed);
        answer
    }

    /// The first change on a device, or the first since we were taken for dead: takes a lane, with
    /// everything we hold, and applies the change there.
    #[cold]
    fn change_anew(
        &self,
        device: &OnDevice,
        lane: &mut Option<Owned<Exact>>,
        change: Change,
        idle: i64,
    ) -> Answer {
        const TRIES: usize = 8;
        let account = device.part.account();
        for _ in 0..TRIES {
            let lost = *lane;
            let Some(seat) = self.seat_after(lost.map_or(0, |owned| owned.id)) else { break };
            let (now, witness) =
                (self.clock.now(), self.book.witness(seat.id, self.who.pid_namespace));
            let Some(mut owned) = join(&account, seat.index, seat.id, now, &witness) else { break };
            let held = lost.map_or(Slot::default(), |owned| owned.slot);
            let (charge, untracked, was_idle) = (held.charge, held.untracked, held.idle.bytes);
            // The first commit makes the lane ours for everyone to see, whatever it holds.
            let tracked = charge.saturating_sub(untracked);
            let force = Change::Force(tracked);
            let mut took = owned.change_with_idle(&account, force, was_idle, now, &witness);
            if took == Answer::Done && untracked > 0 {
                took = owned.change(&account, Change::Untracked(untracked), now, &witness);
            }
            if took != Answer::Done {
                // Lost again before it held all: the next lane is for all of it.
                (owned.slot.charge, owned.slot.untracked) = (charge, untracked);
                owned.slot.idle.bytes = was_idle;
                *lane = Some(owned);
                continue;
            }
            *lane = Some(owned);
            if lost.is_some() {
                log::warn(
                    Topic::Ledger,
                    format_args!(
                        "client {}: this process was taken for dead on device {} and has joined again with the {charge} bytes it holds: something closed its descriptors",
                        self.client, device.ordinal
                    ),
                );
            }
            match owned.change_with_idle(&account, change, idle, now, &witness) {
                Answer::Lost => continue,
                answer => {
                    *lane = Some(owned);
                    return answer;
                }
            }
        }
        log::error(
            Topic::Ledger,
            format_args!(
                "client {}: this process has no place in the ledger {} any more: what it asks for is refused",
                self.client,
                self.book.path().display()
            ),
        );
        let limit = device.part.value(layout::device::LIMIT);
        Answer::Refused { used: 0, limit }
    }

    /// Our seat; another one if it is still the one of that lost incarnation.
    fn seat_after(&self, lost: u64) -> Option<cuota_core::book::Seat> {
        self.seat.with(|seat| {
            if seat.id == lost {
                *seat = self.book.seat(&self.who, self.clock.now()).ok()?;
                self.book.settle(*seat);
                self.open_counts_again(*seat);
                self.counting.moved(*seat);
                self.note_share_again(*seat);
            }
            Some(*seat)
        })
    }
}
