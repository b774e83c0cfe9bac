//! Limits of a context that are memory: stacks, printf's buffer, malloc's heap. The driver takes it
//! when it is first needed; it counts from when it is promised.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use cuota_core::shm::Brief;

use super::{Context, Kind, Member, OnDevice};
use crate::driver::{Status, query};

const STACK: u32 = 0;
const PRINTF: u32 = 1;
const HEAP: u32 = 2;
const SMS: u32 = 16;
const THREADS_OF_AN_SM: u32 = 39;

/// A limit that was set: the context's, and which.
pub(super) type Limit = ((u64, u32), Set);

#[derive(Clone, Copy)]
pub(super) struct Set {
    /// What the driver began with; that much goes with the context.
    initial: u64,
    charged: u64,
    ordinal: i32,
}

/// By context and limit.
pub struct Limits {
    set: Brief<HashMap<(u64, u32), Set>>,
}

impl Limits {
    pub(super) fn new() -> Limits {
        Limits { set: Brief::new(HashMap::new()) }
    }
}

/// Bytes a unit of the limit stands for; nothing where it is no memory.
fn unit(limit: u32, device: &OnDevice) -> Option<u64> {
    let ask = |attribute| {
        let mut value = 0;
        let asked = query::cuDeviceGetAttribute(&mut value, attribute, device.ordinal);
        if asked.ok() { u64::try_from(value).unwrap_or(0) } else { 0 }
    };
    match limit {
        STACK => Some(ask(SMS) * ask(THREADS_OF_AN_SM)),
        PRINTF | HEAP => Some(1),
        _ => None,
    }
}

impl Member {
    /// Charged on a device, and taken when it is first needed.
    pub(super) fn limits_charged(&self, device: &OnDevice) -> u64 {
        self.limits.set.with(|set| {
            let here = set.values().filter(|set| set.ordinal == device.ordinal);
            here.map(|set| set.charged).sum()
        })
    }

    pub fn with_limit(
        &self,
        context: Context,
        limit: u32,
        value: u64,
        name: &str,
        call: impl FnOnce() -> Status,
    ) -> Status {
        let Some(unit) = unit(limit, context.device) else { return call() };
        let key = (context.handle, limit);
        let known = self.limits.set.with(|set| set.get(&key).copied());
        let before = known.or_else(|| {
            let mut initial = 0;
            let asked = query::cuCtxGetLimit(&mut initial, limit).ok();
            let ordinal = context.device.ordinal;
            asked.then_some(Set { initial: initial as u64, charged: 0, ordinal })
        });
        let Some(before) = before else { return call() };
        let wanted = value.saturating_sub(before.initial).saturating_mul(unit);
        let more = wanted.saturating_sub(before.charged);
        let charge = match self.reserve(context.device, Kind::Limit, more, name) {
            Ok(charge) => charge,
            Err(refused) => return refused,
        };
        let status = call();
        if status.ok() {
            let after = Set { charged: wanted, ..before };
            // What was charged until now is what is there now: another thread may have set it too.
            let until = self.limits.set.with(|set| set.insert(key, after));
            let charged = until.map_or(0, |set| set.charged) + charge.keep();
            self.give_back(context.device, Kind::Limit, charged.saturating_sub(wanted));
            self.force(context.device, Kind::Limit, wanted.saturating_sub(charged));
        }
        status
    }

    pub(super) fn take_limits(&self, context: u64) -> Vec<Limit> {
        self.limits.set.with(|set| set.extract_if(|(owner, _), _| *owner == context).collect())
    }

    pub(super) fn put_limits_back(&self, limits: Vec<Limit>) {
        self.limits.set.with(|set| set.extend(limits));
    }

    /// A context is gone, and its limits with it.
    pub(super) fn let_go_limits(&self, limits: Vec<Limit>) {
        for (_, set) in limits {
            if let Some(device) = self.device(set.ordinal) {
                self.give_back(device, Kind::Limit, set.charged);
            }
        }
    }
}
