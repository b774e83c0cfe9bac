//! Memory that is held by a pool or by a device's graphs rather than by a pointer: the charge is an
//! upper bound of what the driver says they have reserved.
//!
//! Invariant: `charged` ≥ reserved. Before a call that may grow the reserve its bound is added; after
//! it the driver is asked once, and the charge set to that plus the bounds of calls still on their way.
//! What a call relies on to be in the reserve stays charged until it ends, even if the reserve shrinks
//! under it: it grows again for that call.
#![forbid(unsafe_code)]

use cuota_core::shm::Brief;

use super::charge::Full;
use super::pools::Pool;
use super::{Kind, Member, OnDevice, leaves_out};

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
    /// No piece of the reserve is larger, as far as calls have shown: what is larger finds no room in it, however
    /// much there is in all.
    piece: u64,
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
    pub(super) const NONE: Call = Call { bytes: 0, bound: 0, relied: 0 };

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

    /// What is charged whatever comes of calls on their way.
    pub fn settled(&self) -> u64 {
        let coming = |state: &State| state.outstanding.saturating_add(state.relied);
        self.state.with(|state| state.charged.saturating_sub(coming(state)))
    }

    /// Whether any call is on its way, whose charge may turn out to be less; and a number that changes
    /// with every one that begins or ends.
    fn moves(&self) -> (bool, u64) {
        self.state.with(|state| {
            let moving = state.outstanding > 0 || state.relied > 0 || state.coming > 0;
            (moving, state.version)
        })
    }

    /// Begins a call that finds in the reserve what it needs, if that `is_there`: it stays charged until the
    /// call ends, whoever takes it meanwhile.
    pub(super) fn rely(&self, call: Call, is_there: impl FnOnce() -> bool) -> Option<Call> {
        self.state.with(|state| {
            is_there().then(|| {
                state.asked += call.bytes;
                state.relied += call.bound;
                state.version += 1;
                call.within()
            })
        })
    }

    pub(super) fn version(&self) -> u64 {
        self.state.with(|state| state.version)
    }
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
                let fits = room >= state.asked.saturating_add(call.bytes)
                    && (call.bytes <= state.piece || leaves_out("piece:pool"));
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
                if took {
                    state.piece = state.piece.max(bound).max(call.bytes);
                }
                let others = state.outstanding.saturating_sub(bound);
                let relied = state.relied.saturating_sub(call.relied);
                let unsaid = state.charged - if took { 0 } else { bound.min(state.charged) };
                let kept = if leaves_out("relied:pool") { 0 } else { relied };
                let coming = others.saturating_add(kept);
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

    /// Whether calls of other threads are on their way that take memory of a device in advance, and a
    /// number that changes with every one that begins or ends.
    pub(super) fn moves(&self, device: &OnDevice) -> (bool, u64) {
        let pools = self.pools.on(device.ordinal);
        let all = pools.iter().map(|pool| pool.sum.moves()).chain([device.graphs.sum.moves()]);
        all.fold((false, 0), |(any, sum), (moving, version)| (any | moving, sum + version))
    }
}
