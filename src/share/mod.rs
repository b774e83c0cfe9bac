//! The client's share of the SMs: asked for in the environment MPS reads, before there is a driver to
//! read it; and what came of it, once there is one.
#![forbid(unsafe_code)]

mod exact;
mod granted;
mod words;

pub use exact::{SM_COUNT, most, note_context};
pub use granted::note;

use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, Ordering};

use cuota_core::config::{Config, Priority, Share, Sm};
use cuota_core::share::{PRIORITY, Percentage, VARIABLE, tightened};

use crate::driver::{environment, nvml, query};
use crate::log::{self, Topic};
use crate::member::leaves_out;
use crate::{hooks, mps};

/// Tells MPS, if there is one, what this process may have, before the driver is loaded. Threads that
/// come at once all do so: none may go on to load the driver before it is said, nor wait for another.
pub fn ask(config: &Config) {
    static ASKED: AtomicBool = AtomicBool::new(false);
    if !ASKED.load(Ordering::Acquire) {
        set(config);
        ASKED.store(true, Ordering::Release);
    }
}

fn set(config: &Config) {
    if config.priority == Priority::Low && std::env::var_os(PRIORITY).is_none() {
        environment::set(PRIORITY, "1");
    }
    // A partition decides, and the daemon passes over percentages.
    let in_partition = mps::partition().is_some() && !leaves_out("share:partition");
    let Some(share) = config.sm.filter(|_| is_for_mps(config) && !in_partition) else { return };
    let sms = if matches!(share, Sm::Count(_)) { most_sms() } else { None };
    let Some(percentage) = Percentage::of(share, sms) else {
        log::warn(
            Topic::Setting,
            format_args!(
                "CUOTA_SM={share}: how many SMs there are cannot be told before CUDA is initialised, or the devices differ, so it cannot be asked for: give a percentage"
            ),
        );
        return;
    };
    let there = std::env::var(VARIABLE).ok().filter(|_| !leaves_out("share:tightest"));
    if let Some(percentage) = tightened(percentage, there.as_deref()) {
        environment::set(VARIABLE, &percentage.to_string());
    }
}

fn is_for_mps(config: &Config) -> bool {
    matches!(config.share, Share::Auto | Share::Mps)
}

/// SMs of a device as the driver shows them to this process.
fn shown(ordinal: c_int) -> Option<u32> {
    /// As the driver numbers its attributes.
    const SMS: u32 = 16;
    let mut sms = 0;
    let said = query::cuDeviceGetAttribute(&mut sms, SMS, ordinal).ok();
    u32::try_from(sms).ok().filter(|_| said)
}

/// Where all devices have as many: a percentage is for all of them.
fn most_sms() -> Option<u32> {
    if hooks::open_nvml(None) { nvml::common_sms() } else { None }
}
