//! Memory that is held by a pool or by a device's graphs rather than by a pointer: the charge is an
//! upper bound of what the driver says they have reserved.
//!
//! Invariant: `charged` ≥ reserved. Before a call that may grow the reserve its bound is added; after
//! it the driver is asked once, and the charge set to that plus the bounds of calls still on their way.
//! What a call relies on to be in the reserve stays charged until it ends, even if the reserve shrinks
//! under it: it grows again for that call.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use cuota_core::shm::Brief;

use super::charge::Full;
use super::{Kind, Member, OnDevice};
use crate::driver::query;

const RESERVED: u32 = 5;
const USED: u32 = 7;
const GRAPHS_RESERVED: u32 = 2;

#[derive(Default)]
struct State {
    charged: u64,
    /// Bounds of calls on their way; part of `charged`.
    outstanding: u64,
    /// What the calls on their way ask for, whether or not the reserve has to grow for it.
    asked: u64,
    /// What the reserve may have to grow by for calls on their way that found room in it, should that be
    /// gone by the time the driver looks.
    relied: u64,
    /// Calls that are about to begin, whose bounds may be charged already.
    coming: u64,
    /// Changes with every call that begins or ends.
    version: u64,
}

/// A call on its way: what it asks for, and what was charged in case the reserve grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    bytes: u64,
    bound: u64,
    relied: u64,
}

impl Call {
    const NONE: Call = Call { bytes: 0, bound: 0, relied: 0 };

    /// One that may take as much and no more.
    pub fn bounded(bytes: u64, bound: u64) -> Call {
        Call { bytes, bound, relied: 0 }
    }

    /// The same, should the reserve have the room already.
    fn within(self) -> Call {
        Call { bytes: self.bytes, bound: 0, relied: self.bound }
    }
}

pub struct Sum {
    state: Brief<State>,
}

impl Sum {
    pub fn new() -> Sum {
        Sum { state: Brief::new(State::default()) }
    }

    pub fn charged(&self) -> u64 {
        self.state.with(|state| state.charged)
    }

    /// Whether any call is on its way, whose charge may turn out to be less; and a number that changes
    /// with every one that begins or ends.
    fn moves(&self) -> (bool, u64) {
        self.state.with(|state| {
            let moving = state.outstanding > 0 || state.relied > 0 || state.coming > 0;
            (moving, state.version)
        })
    }

    fn version(&self) -> u64 {
        self.state.with(|state| state.version)
    }
}

/// A pool of the program's, or a device's own.
pub struct Pool {
    pub handle: u64,
    /// The device whose memory it hands out; nothing if it hands out the host's.
    pub ordinal: Option<i32>,
    pub sum: Sum,
    /// Its memory stays until the last allocation is freed, and cannot be asked for any more.
    pub destroyed: AtomicBool,
    /// Streams in whose order its memory was ever freed: what was is its until they get there.
    streams: Brief<Vec<u64>>,
}

impl Pool {
    pub fn reserved(&self) -> Option<u64> {
        let mut bytes = 0;
        query::cuMemPoolGetAttribute(self.handle, RESERVED, &mut bytes).ok().then_some(bytes)
    }

    /// Bytes it has reserved and nobody uses.
    pub fn room(&self) -> u64 {
        let mut used = 0;
        let asked = query::cuMemPoolGetAttribute(self.handle, USED, &mut used).ok();
        self.reserved().filter(|_| asked).map_or(0, |reserved| reserved.saturating_sub(used))
    }

    pub fn is_destroyed(&self) -> bool {
        self.destroyed.load(Ordering::Acquire)
    }
}

pub struct Pools {
    list: Brief<Vec<Arc<Pool>>>,
    /// There is something that a synchronisation may give back.
    pub in_use: AtomicBool,
}

fn living(list: &[Arc<Pool>], handle: u64) -> Option<Arc<Pool>> {
    list.iter().find(|pool| pool.handle == handle && !pool.is_destroyed()).cloned()
}

impl Pools {
    pub(super) fn new() -> Pools {
        Pools { list: Brief::new(Vec::new()), in_use: AtomicBool::new(false) }
    }

    pub fn named(&self, handle: u64) -> Option<Arc<Pool>> {
        self.list.with(|list| living(list, handle))
    }

    /// The pool of an entry: a destroyed one has the handle too.
    pub fn of_entry(&self, handle: u64) -> Vec<Arc<Pool>> {
        self.list.with(|list| list.iter().filter(|pool| pool.handle == handle).cloned().collect())
    }

    /// Known from now on, unless it is already.
    pub fn learn(&self, handle: u64, ordinal: Option<i32>) -> Arc<Pool> {
        self.in_use.store(true, Ordering::Release);
        // Looked for and made in one step: of two that stand for one pool each would charge for all of it.
        self.list.with(|list| match living(list, handle) {
            Some(known) => known,
            None => {
                let (destroyed, streams) = (AtomicBool::new(false), Brief::default());
                let pool = Pool { handle, ordinal, sum: Sum::new(), destroyed, streams };
                let pool = Arc::new(pool);
                list.push(pool.clone());
                pool
            }
        })
    }

    pub(super) fn on(&self, ordinal: i32) -> Vec<Arc<Pool>> {
        self.list.with(|list| list.iter().filter(|p| p.ordinal == Some(ordinal)).cloned().collect())
    }

    fn forget(&self, pool: &Arc<Pool>) {
        self.list.with(|list| list.retain(|known| !Arc::ptr_eq(known, pool)));
    }
}

pub fn graphs_reserved(device: &OnDevice) -> Option<u64> {
    let mut bytes = 0;
    query::cuDeviceGetGraphMemAttribute(device.ordinal, GRAPHS_RESERVED, &mut bytes)
        .ok()
        .then_some(bytes)
}

impl Member {
    /// Begins a call with its bound charged, if that fits.
    pub fn grow(&self, device: &OnDevice, sum: &Sum, kind: Kind, call: Call) -> Result<(), Full> {
        sum.state.with(|state| state.coming += 1);
        let added = self.try_add(device, kind, call.bound);
        sum.state.with(|state| {
            state.coming = state.coming.saturating_sub(1);
            if added.is_ok() {
                state.charged += call.bound;
                state.outstanding += call.bound;
                state.asked += call.bytes;
                state.version += 1;
            }
        });
        added
    }

    /// Begins a call that finds room in the reserve, if there is room for it beside all others on
    /// their way.
    pub fn fit(&self, pool: &Pool, call: Call) -> Option<Call> {
        const TRIES: usize = 4;
        for _ in 0..TRIES {
            let version = pool.sum.version();
            let room = pool.room();
            let fits = pool.sum.state.with(|state| {
                if state.version != version {
                    return None;
                }
                let fits = room >= state.asked.saturating_add(call.bytes);
                if fits {
                    state.asked += call.bytes;
                    state.relied += call.bound;
                    state.version += 1;
                }
                Some(fits)
            });
            if let Some(fits) = fits {
                return fits.then(|| call.within());
            }
        }
        None
    }

    /// After the call: sets the charge to what the driver has reserved, plus the bounds of others.
    /// Where the driver does not say, a call that `took` has taken its bound, and another nothing.
    /// Answers whether the driver has taken more than was charged.
    pub fn settle(
        &self,
        device: &OnDevice,
        sum: &Sum,
        kind: Kind,
        (call, took): (Call, bool),
        ask: impl Fn() -> Option<u64>,
    ) -> bool {
        const TRIES: usize = 4;
        let bound = call.bound;
        let mut tries = 0;
        loop {
            tries += 1;
            let version = sum.version();
            let asked = ask();
            let done = sum.state.with(|state| {
                // An answer from before another call ended says nothing of what that one took.
                if state.version != version && tries < TRIES {
                    return None;
                }
                let stale = state.version != version;
                let others = state.outstanding.saturating_sub(bound);
                let relied = state.relied.saturating_sub(call.relied);
                let unsaid = state.charged - if took { 0 } else { bound.min(state.charged) };
                let coming = others.saturating_add(relied);
                let most = asked.map_or(unsaid, |bytes| bytes.saturating_add(coming));
                let most = if stale { u64::MAX } else { most };
                // What others have coming may have come: that alone is no reason to charge more.
                let target = most.min(state.charged).max(asked.unwrap_or(0));
                let is_more = target > state.charged;
                if is_more {
                    self.force(device, kind, target - state.charged);
                } else {
                    self.give_back(device, kind, state.charged - target);
                }
                // A look that changes nothing is not in anybody's way.
                if call != Call::NONE || target != state.charged {
                    state.version += 1;
                }
                state.charged = target;
                state.outstanding = others;
                state.asked = state.asked.saturating_sub(call.bytes);
                state.relied = relied;
                // What the driver said before others ended is no reason to undo anything.
                Some(is_more && !stale)
            });
            if let Some(is_more) = done {
                return is_more;
            }
        }
    }

    /// Sets a pool's charge to what it holds, where nothing of ours is on its way.
    pub fn true_up(&self, pool: &Arc<Pool>) {
        let Some(device) = pool.ordinal.and_then(|ordinal| self.device(ordinal)) else { return };
        if !pool.is_destroyed() {
            self.settle(device, &pool.sum, Kind::Pool, (Call::NONE, true), || pool.reserved());
        } else if self.count_of(pool.handle) == 0 && !self.waits_for(pool.handle) {
            self.settle(device, &pool.sum, Kind::Pool, (Call::NONE, true), || Some(0));
            self.pools.forget(pool);
        }
    }

    /// Whether calls of other threads are on their way that take memory of a device in advance, and a
    /// number that changes with every one that begins or ends.
    pub(super) fn moves(&self, device: &OnDevice) -> (bool, u64) {
        let pools = self.pools.on(device.ordinal);
        let all = pools.iter().map(|pool| pool.sum.moves()).chain([device.graphs.sum.moves()]);
        all.fold((false, 0), |(any, sum), (moving, version)| (any | moving, sum + version))
    }

    /// After the device was waited for: what pools gave back to it goes back to the client.
    pub fn true_up_pools(&self, device: &OnDevice) {
        for pool in self.pools.on(device.ordinal) {
            if pool.sum.charged() > 0 {
                self.true_up(&pool);
            }
        }
    }
}

impl Member {
    /// Memory of a pool has been freed, and the device waited for.
    pub fn pool_freed(&self, handle: u64) {
        for pool in self.pools.of_entry(handle) {
            self.true_up(&pool);
        }
    }

    /// Memory of a pool is freed in a stream's order. A destroyed pool ends with its last.
    pub fn pool_freed_in_order(&self, stream: u64, entry: super::Entry) {
        for pool in self.pools.of_entry(entry.owner) {
            if pool.is_destroyed() {
                self.let_go_in_order(stream, entry, 0);
            } else {
                pool.streams.with(|streams| {
                    if !streams.contains(&stream) {
                        streams.push(stream);
                    }
                });
            }
        }
    }

    /// A pool was destroyed. What was freed in streams that have not got there yet it still has.
    pub fn pool_destroyed(&self, pool: &Arc<Pool>) {
        let streams = pool.streams.with(core::mem::take);
        if pool.sum.charged() > 0 {
            for stream in streams {
                let entry =
                    super::Entry { owner: pool.handle, kind: Kind::Pool, ..Default::default() };
                self.let_go_in_order(stream, entry, 0);
            }
        }
        self.true_up(pool);
    }

    /// A thread has waited for the device, or for some of its work.
    #[inline(always)]
    pub fn waited(&self) {
        if self.pools.in_use.load(Ordering::Acquire) {
            for device in self.devices() {
                self.true_up_pools(device);
            }
        }
        self.look_at_pending();
    }

    /// Whether what is submitted to a stream just now is captured instead of run.
    pub fn is_captured(&self, stream: u64) -> bool {
        let mut status = 0;
        self.is_capturing()
            && !(query::cuStreamIsCapturing(stream, &mut status).ok() && status == 0)
    }
}
