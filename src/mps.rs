//! Whether this process runs under MPS as it was told to: asked before the driver is initialised, which
//! would hang where the daemon does, and after, for a client that cannot connect is not told.
#![forbid(unsafe_code)]

use core::ffi::{c_int, c_uint};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};

use cuota_core::config::{Config, Mps};
use cuota_core::mps::{Daemon, PATIENCE, PIPES, directory, look, may_be_there};
use cuota_core::share::PARTITION;

use crate::driver::{Status, process, query};
use crate::log::{self, Topic};
use crate::member::leaves_out;

/// As the driver numbers its attributes.
const IS_CLIENT: u32 = 133;

fn place() -> PathBuf {
    directory(std::env::var_os(PIPES))
}

/// Before the driver is initialised: words for why there is no MPS, where there has to be one.
pub fn before(config: &Config) -> Result<(), String> {
    if config.mps != Mps::Require {
        return Ok(());
    }
    let place = place();
    match look(&place, PATIENCE) {
        Daemon::Answers => Ok(()),
        found => Err(found.in_words(&place)),
    }
}

/// How long `cuInit` may take before somebody is told that it hangs, and before whoever has to be under MPS
/// gives up: a server that starts on many devices takes its time.
const LONG: Duration = Duration::from_secs(15);
const TOO_LONG: Duration = Duration::from_secs(60);

fn patience(time: Duration) -> Duration {
    if leaves_out("patience:mps") { time / 60 } else { time }
}

/// Runs the driver's start, which waits without end for a server that is stuck, for another user's turn, or
/// for a daemon that was stopped meanwhile. That is said; and where there has to be an MPS it is not waited
/// for: the call goes on, on a thread of its own, and the program has its error.
pub fn wait_for_init(
    config: &Config,
    flags: c_uint,
    call: impl FnOnce() -> Status,
) -> Result<Status, Status> {
    let place = place();
    if config.mps == Mps::Ignore || !may_be_there(&place) {
        return Ok(call());
    }
    let (tell, told) = mpsc::channel();
    if config.mps == Mps::Require {
        let asks = move || {
            let _ = tell.send(query::cuInit(flags));
        };
        // What the driver and its tools begin there takes after it.
        if !process::begin_plain_thread("cuota-init", asks) {
            return Ok(call());
        }
        return told.recv_timeout(patience(TOO_LONG)).map_err(|_| {
            log::error(
                Topic::Setting,
                format_args!("cuInit fails, for CUOTA_MPS=require: {}", hangs(&place, TOO_LONG)),
            );
            Status::MPS_CONNECTION_FAILED
        });
    }
    let watched = move || {
        if matches!(told.recv_timeout(patience(LONG)), Err(RecvTimeoutError::Timeout)) {
            log::warn(Topic::Setting, format_args!("{}", hangs(&place, LONG)));
        }
    };
    process::begin_thread("cuota-init", watched);
    let status = call();
    drop::<Sender<Status>>(tell);
    Ok(status)
}

/// Why it may hang, in words.
fn hangs(place: &Path, time: Duration) -> String {
    let found = look(place, PATIENCE);
    let why = match &found {
        Daemon::Answers => "its server does not get ready (INITIALIZING), or serves another user, whose clients have to end first: see cuota mps status and the server's log".to_owned(),
        other => other.in_words(place),
    };
    format!(
        "cuInit has not come back for {} s: the MPS daemon of {} is in its way; {why}",
        time.as_secs(),
        place.display()
    )
}

/// After it: whether every device is under MPS. A device that is not, beside a daemon that answers, is
/// warned of, once, where nobody said anything.
pub fn after(config: &Config) -> Result<(), String> {
    if config.mps == Mps::Ignore {
        return Ok(());
    }
    let Some(beside) = devices().find(|ordinal| !is_client(*ordinal)) else { return Ok(()) };
    let place = place();
    let named = std::env::var_os(PIPES).is_some_and(|value| !value.is_empty());
    if config.mps == Mps::Require {
        return Err(format!(
            "device {beside} is not under MPS, though the daemon of {} answered: its compute mode or another user's server keeps this process out, or the driver looks elsewhere (CUDA_VISIBLE_DEVICES, a driver newer than the daemon); see the daemon's log",
            place.display()
        ));
    }
    static LOOKED: AtomicBool = AtomicBool::new(false);
    if LOOKED.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let found = look(&place, PATIENCE);
    if named || matches!(found, Daemon::Answers) {
        log::warn(
            Topic::Setting,
            format_args!(
                "device {beside} is used beside MPS, not under it, and nothing else says so: {}; CUOTA_MPS=require makes that an error, CUOTA_MPS=ignore is silent",
                found.in_words(&place)
            ),
        );
    }
    Ok(())
}

fn devices() -> impl Iterator<Item = c_int> {
    let mut count = 0;
    let said = query::cuDeviceGetCount(&mut count).ok();
    0..if said { count } else { 0 }
}

/// The static partition this process was told to be in.
pub fn partition() -> Option<String> {
    std::env::var(PARTITION).ok().filter(|value| !value.is_empty())
}

/// What to do where there is no connection.
fn to_connect() -> String {
    match partition() {
        Some(name) => format!(
            "see that {PARTITION}={name} names a partition of this daemon, which is started with -S (lspart lists them), and that the daemon runs (cuota mps status)"
        ),
        None => format!(
            "see that the daemon runs, and as root if users differ (cuota mps status); one that is started with -S takes only who names a partition in {PARTITION}"
        ),
    }
}

pub fn is_client(device: c_int) -> bool {
    let mut value = 0;
    query::cuDeviceGetAttribute(&mut value, IS_CLIENT, device).ok() && value != 0
}

/// Says what came of MPS where `cuInit`, or making a context, failed for it.
pub fn explain(status: Status) {
    let to_connect = to_connect();
    let (why, advice) = match status.0 {
        805 => ("no connection to the MPS daemon or its server", to_connect.as_str()),
        807 => (
            "the MPS server takes no new clients: a fault took the device from others, and not all of them have ended; or it is just starting or ending, or serves another user",
            "end the processes that had the device (cuota ps shows who lost it), then start this one again; cuota run --retry waits for it",
        ),
        808 => (
            "the MPS server has as many clients as a device can have",
            "end some, or start fewer; a CUDA_DEVICE_MAX_CONNECTIONS above 2 makes it fewer",
        ),
        809 => (
            "the device has no connection left for another MPS client",
            "end some, or lower CUDA_DEVICE_MAX_CONNECTIONS",
        ),
        811 => (
            "this driver takes no module with dynamic parallelism (kernels that launch kernels) under MPS",
            "build the program without it, or run it beside MPS",
        ),
        806 | 810 => ("the MPS server has ended, or has let go of this client", "start it again"),
        _ => return,
    };
    log::error(Topic::Setting, format_args!("the driver answered {}: {why}; {advice}", status.0));
}
