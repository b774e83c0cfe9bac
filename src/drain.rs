//! Stop launching, synchronise, end: a client that dies with work outstanding may take the MPS server with
//! it. Whoever ends waits for what is in flight, not for ever, and meanwhile nothing new goes in.
#![forbid(unsafe_code)]

use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use cuota_core::shm::clock::boot_time;

use crate::driver::{Status, query};
use crate::guard;
use crate::log::{self, Topic};
use crate::member::{self, Member};

/// Until when nothing new goes in, in nanoseconds since boot; 0 if it does.
static CLOSED: AtomicU64 = AtomicU64::new(0);
/// Until somebody says otherwise: the client is to stop, and is told so.
const FOR_GOOD: u64 = u64::MAX;
/// Between two looks whether it goes on.
const PAUSE: Duration = Duration::from_millis(1);

thread_local! {
    /// This thread ends the process: what handlers of `exit` behind ours still do is not held up.
    static ENDS: Cell<bool> = const { Cell::new(false) };
}

#[inline(always)]
pub fn is_closed() -> bool {
    CLOSED.load(Ordering::Relaxed) != 0
}

/// Work comes while none goes in: it waits for the end, or is refused where there is none to wait for.
#[cold]
#[inline(never)]
pub fn hold() -> Result<(), Status> {
    if ENDS.with(Cell::get) {
        return Ok(());
    }
    loop {
        match CLOSED.load(Ordering::Acquire) {
            FOR_GOOD => return Err(Status::NOT_PERMITTED),
            until if until > boot_time() => std::thread::sleep(PAUSE),
            _ => return Ok(()),
        }
    }
}

fn from_now(most: Duration) -> u64 {
    let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    boot_time().saturating_add(most).min(FOR_GOOD - 1)
}

/// From now on, for so long.
pub fn close(most: Duration) {
    CLOSED.fetch_max(from_now(most), Ordering::AcqRel);
}

/// No longer than that, from now on.
pub fn close_only(most: Duration) {
    let until = from_now(most);
    let sooner = |closed: u64| (closed != FOR_GOOD && closed > until).then_some(until);
    let _ = CLOSED.fetch_update(Ordering::AcqRel, Ordering::Acquire, sooner);
}

pub fn close_for_good() {
    CLOSED.store(FOR_GOOD, Ordering::Release);
}

pub fn open() {
    let _ = CLOSED.compare_exchange(FOR_GOOD, 0, Ordering::AcqRel, Ordering::Relaxed);
}

pub fn ends_here() {
    ENDS.with(|ends| ends.set(true));
}

/// Waits for all work there is; as long as that takes, and so on a thread of its own. Whether the driver
/// said of each context that it is done.
pub fn synchronize(member: &Member) -> bool {
    let mut all = true;
    for device in member.devices() {
        for context in device.contexts() {
            all &= of_context(member, device, context);
        }
    }
    all
}

fn of_context(member: &Member, device: &member::OnDevice, context: u64) -> bool {
    guard::with_context(device, context, || {
        let waiting = member.waits(device, member::Awaited::Context, member.now());
        let done = query::cuCtxSynchronize().ok();
        if done {
            member.has_landed(&waiting);
        }
        done
    })
}

/// What there is to say of it, once it is over.
pub fn say(done: bool, most: Duration) {
    if !done {
        log::warn(
            Topic::Fault,
            format_args!(
                "ends with work in flight: the device was not done with it within {} ms (CUOTA_DRAIN); under MPS that may cost the server, and with it the other clients",
                most.as_millis()
            ),
        );
    }
}
