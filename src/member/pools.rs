//! The pools there are: which device's memory each hands out, and when it has it no more.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use cuota_core::shm::Brief;

use super::reserve::{Call, Sum};
use super::spot::{Mark, Spot};
use super::{Kind, Member, OnDevice};
use crate::driver::query;

const RESERVED: u32 = 5;
const USED: u32 = 7;
const GRAPHS_RESERVED: u32 = 2;

/// A pool of the program's, or a device's own.
pub struct Pool {
    pub handle: u64,
    /// The device whose memory it hands out; nothing if it hands out the host's.
    pub ordinal: Option<i32>,
    pub sum: Sum,
    /// Its memory stays until the last allocation is freed, and cannot be asked for any more.
    pub destroyed: AtomicBool,
    /// Streams in whose order its memory was ever freed: what was is its until they get there.
    streams: Brief<Vec<Spot>>,
    /// With how many of them marks are looked at again: else each that goes would ask for all that went.
    many: AtomicUsize,
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

    fn knows(&self, stream: u64) -> bool {
        self.streams.with(|streams| streams.iter().any(|spot| spot.is_in(stream)))
    }

    /// Marks that were passed: else there would be one of every stream there ever was.
    fn forget_passed(&self) {
        // The driver is asked, and the last of a mark let go, without the lock.
        let mut all = self.streams.with(|streams| {
            let enough = streams.len() > self.many.load(Ordering::Relaxed);
            if enough { streams.clone() } else { Vec::new() }
        });
        if all.is_empty() {
            return;
        }
        all.retain(Spot::has_passed_its_mark);
        let passed = |spot: &Spot| all.iter().any(|passed| passed.has_the_mark_of(spot));
        self.streams.with(|streams| {
            streams.retain(|spot| !passed(spot));
            self.many.store(streams.len() * 2 + 8, Ordering::Relaxed);
        });
    }

    fn is_freed_in(&self, stream: u64) {
        // A stream with a handle is known by that, and the driver need not be asked whose it is.
        if self.knows(stream) {
            return;
        }
        let spot = Spot::of(stream);
        self.streams.with(|streams| add(streams, spot));
    }

    pub fn is_destroyed(&self) -> bool {
        self.destroyed.load(Ordering::Acquire)
    }
}

fn add(streams: &mut Vec<Spot>, spot: Spot) {
    if !streams.iter_mut().any(|known| known.takes_in(&spot)) {
        streams.push(spot);
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
                let many = AtomicUsize::new(0);
                let pool = Pool { handle, ordinal, sum: Sum::new(), destroyed, streams, many };
                let pool = Arc::new(pool);
                list.push(pool.clone());
                pool
            }
        })
    }

    pub(super) fn on(&self, ordinal: i32) -> Vec<Arc<Pool>> {
        self.list.with(|list| list.iter().filter(|p| p.ordinal == Some(ordinal)).cloned().collect())
    }

    fn all(&self) -> Vec<Arc<Pool>> {
        self.list.with(|list| list.clone())
    }

    pub(super) fn any_freed_in(&self, stream: u64) -> bool {
        self.all().iter().any(|pool| pool.knows(stream))
    }

    /// A stream is destroyed, and its handle not to be asked again.
    pub(super) fn lose_stream(&self, stream: u64, mark: Option<Mark>) {
        for pool in self.all() {
            pool.streams.with(|streams| {
                if let Some(at) = streams.iter().position(|spot| spot.is_in(stream)) {
                    let mut spot = streams.swap_remove(at);
                    spot.is_left(mark.clone());
                    add(streams, spot);
                }
            });
            pool.forget_passed();
        }
    }

    pub(super) fn forget_streams_of(&self, context: u64) {
        for pool in self.all() {
            pool.streams.with(|streams| {
                for spot in streams.extract_if(.., |spot| spot.is_of(context)) {
                    spot.ends();
                }
            });
        }
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

    /// After the device was waited for: what pools gave back to it goes back to the client.
    pub fn true_up_pools(&self, device: &OnDevice) {
        for pool in self.pools.on(device.ordinal) {
            if pool.sum.charged() > 0 {
                self.true_up(&pool);
            }
        }
    }

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
                pool.is_freed_in(stream);
            }
        }
    }

    /// A pool is about to be destroyed, and cannot be asked afterwards: what it keeps beyond this has not
    /// been freed, or not yet.
    pub fn pool_empties(&self, pool: &Arc<Pool>) {
        if !self.is_capturing() && pool.sum.charged() > 0 {
            let _ = query::cuMemPoolTrimTo(pool.handle, 0);
            self.true_up(pool);
        }
    }

    /// A pool was destroyed. What was freed in streams that have not got there yet it still has.
    pub fn pool_destroyed(&self, pool: &Arc<Pool>) {
        let streams = pool.streams.with(core::mem::take);
        if pool.sum.charged() > 0 {
            for spot in streams {
                self.let_go_pool_at(spot, pool);
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
}
