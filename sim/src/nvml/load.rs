//! How busy cards and processes are: busy time from the machine's exact account, over the time
//! between two looks at it.

use std::collections::HashMap;
use std::ffi::c_uint;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::device::{Handle, number};
use super::{N, R, put, take};
use crate::clock::clock;
use crate::machine;

/// A look younger than this is not repeated.
const PERIOD_NS: u64 = 1_000_000_000 / 6;

#[derive(Default)]
struct Looks {
    /// By card number and pid: busy time at the last look, share of the time before it in percent.
    processes: HashMap<(usize, u32), (u64, u32)>,
    at: u64,
    /// Wall time of the last look, in microseconds.
    stamp: u64,
}

static LOOKS: Mutex<Option<Looks>> = Mutex::new(None);

/// Takes the first look, which the next one is compared with.
pub(super) fn begin() {
    drop(latest());
}

fn latest() -> MutexGuard<'static, Option<Looks>> {
    let mut looks = LOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    let now = clock().now();
    let first = looks.is_none();
    let known = looks.get_or_insert_default();
    let passed = now.saturating_sub(known.at);
    if !first && passed < PERIOD_NS {
        return looks;
    }
    let machine = machine::current();
    let mut processes = HashMap::new();
    for card in 0..machine.cards() {
        for process in machine.processes(card).iter().filter(|process| process.alive) {
            let key = (card, process.pid);
            let before = known.processes.get(&key).map_or(process.busy_ns, |(busy, _)| *busy);
            let busy = process.busy_ns.saturating_sub(before);
            processes.insert(key, (process.busy_ns, percent(busy, passed)));
        }
    }
    let stamp =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
    *known = Looks { processes, at: now, stamp };
    looks
}

fn percent(busy: u64, passed: u64) -> u32 {
    let share = busy.saturating_mul(100).checked_div(passed);
    share.unwrap_or(0).min(100) as u32
}

#[repr(C)]
pub struct Rates {
    gpu: u32,
    memory: u32,
}

/// How busy memory is goes with how busy the SMs are: nothing else is known of it.
pub fn utilization(card: Handle, out: *mut Rates) -> R {
    let number = number(card)?;
    let looks = latest();
    let processes = looks.iter().flat_map(|looks| &looks.processes);
    let sum: u32 = processes.filter(|(key, _)| key.0 == number).map(|(_, (_, share))| share).sum();
    put(out, Rates { gpu: sum.min(100), memory: sum.min(100) / 2 })
}

#[repr(C)]
pub struct Sample {
    pid: u32,
    stamp: u64,
    sm: u32,
    memory: u32,
    encoder: u32,
    decoder: u32,
}

/// One sample per process that was busy, if newer than the caller's last.
pub fn process_utilization(card: Handle, out: *mut Sample, count: *mut c_uint, since: u64) -> R {
    let number = number(card)?;
    let room = take(count)?;
    let looks = latest();
    let newer = looks.iter().filter(|looks| looks.stamp > since);
    let found: Vec<Sample> = newer
        .flat_map(|looks| looks.processes.iter().map(|(key, value)| (looks.stamp, key, value)))
        .filter(|(_, key, (_, share))| key.0 == number && *share > 0)
        .map(|(stamp, key, (_, share))| Sample {
            pid: key.1,
            stamp,
            sm: *share,
            memory: *share / 2,
            encoder: 0,
            decoder: 0,
        })
        .collect();
    put(count, found.len() as c_uint)?;
    if found.is_empty() {
        return Err(N::NOT_FOUND);
    }
    if out.is_null() || found.len() > room as usize {
        return Err(N::INSUFFICIENT_SIZE);
    }
    for (at, sample) in found.into_iter().enumerate() {
        put(out.wrapping_add(at), sample)?;
    }
    Ok(())
}

/// Encoders and decoders: idle. The sampling period is in microseconds.
pub fn codec_utilization(card: Handle, out: *mut c_uint, period: *mut c_uint) -> R {
    number(card)?;
    put(out, 0)?;
    put(period, (PERIOD_NS / 1000) as c_uint)
}
