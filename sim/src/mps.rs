//! Being an MPS client, when `CUOTA_SIM_MPS=1`: fewer SMs, faults shared with the card's others, and a
//! server that has its limits.

mod partition;

use std::env;
use std::path::Path;
use std::sync::LazyLock;

use crate::api::{E, R};
use crate::device::{self, Device};
use crate::machine::{self, Card, Turn};
use crate::{clock, init};
use partition::Partition;

struct Client {
    enabled: bool,
    /// Of the SMs, as a percentage.
    share: Option<f64>,
    /// The daemon's own: the tighter of both holds.
    default: Option<f64>,
    /// Contexts may ask for SMs of their own number.
    affinity: bool,
    partition: Partition,
}

/// Read once, by `cuInit`.
static CLIENT: LazyLock<Client> = LazyLock::new(|| Client {
    enabled: is_set("CUOTA_SIM_MPS") || is_a_file("CUOTA_SIM_MPS"),
    share: percentage("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE")
        .filter(|_| !is_set("CUOTA_SIM_MPS_DEAF")),
    default: percentage("CUOTA_SIM_MPS_PERCENTAGE"),
    affinity: is_set("CUDA_MPS_ENABLE_PER_CTX_DEVICE_MULTIPROCESSOR_PARTITIONING"),
    partition: Partition::of(
        env::var("CUOTA_SIM_MPS_PARTITIONS").ok().as_deref(),
        env::var("CUDA_MPS_SM_PARTITION").ok().as_deref(),
    ),
});

/// A daemon that comes and goes: a file that does.
fn is_a_file(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|path| path.len() > 1 && Path::new(&path).exists())
}

/// What is none is passed over.
fn percentage(variable: &str) -> Option<f64> {
    let value = env::var(variable).ok()?.trim().parse().ok()?;
    (value > 0.0 && value <= 100.0).then_some(value)
}

fn is_set(variable: &str) -> bool {
    env::var(variable).is_ok_and(|value| value == "1")
}

pub fn enabled() -> bool {
    CLIENT.enabled
}

/// Between two looks whether another user's clients have gone.
const TURN: u64 = 1_000_000;

/// What `cuInit` does of MPS: waits for its user's turn, as long as that takes.
pub fn connect() -> R {
    if !enabled() {
        return Ok(());
    }
    if CLIENT.partition == Partition::Missing {
        return Err(E::MPS_CONNECTION_FAILED);
    }
    let shared = is_set("CUOTA_SIM_MPS_MULTIUSER");
    // SAFETY: only asks.
    let user = unsafe { libc::geteuid() };
    loop {
        match machine::current().become_client(user, shared) {
            Turn::Yours => return Ok(()),
            Turn::Fault => return Err(E::MPS_SERVER_NOT_READY),
            Turn::Others => clock::pause(TURN),
        }
    }
}

/// Whether the server lets the client have one more context on the device.
pub fn admit(device: &Device) -> R {
    if !enabled() {
        return Ok(());
    }
    match machine::current().has_place_for(device.number, most_contexts(device)) {
        Ok(()) => Ok(()),
        Err(Turn::Fault) => Err(E::MPS_SERVER_NOT_READY),
        Err(_) => Err(E::MPS_MAX_CLIENTS_REACHED),
    }
}

/// Contexts of all clients on a device.
fn most_contexts(device: &Device) -> u64 {
    let told = env::var("CUOTA_SIM_MPS_CLIENTS").ok().and_then(|value| value.parse().ok());
    told.unwrap_or(match device.card.capability {
        (..=6, _) => 16,
        _ if init::cuda_version() <= 13000 => 48,
        _ => 60,
    })
}

/// SMs of a card that this process may use; the driver shows them as all there are.
pub fn granted(card: &Card) -> u32 {
    let shares = [CLIENT.share, CLIENT.default].into_iter().flatten();
    match (&CLIENT.partition, shares.reduce(f64::min)) {
        _ if !CLIENT.enabled => card.sm_count,
        (Partition::Reserved { uuid, sms }, _) if *uuid == device::uuid_text(&card.uuid) => {
            (*sms).min(card.sm_count)
        }
        (Partition::None, Some(share)) => portion(card.sm_count, share, card.sm_step),
        _ => card.sm_count,
    }
}

/// Whether a context may ask for a number of SMs.
pub fn has_affinity() -> bool {
    CLIENT.enabled && CLIENT.affinity
}

/// What a context gets that asks for so many.
pub fn exactly(card: &Card, sms: u32) -> u32 {
    at_least(sms, granted(card), card.sm_step)
}

/// SMs are given some at a time; a share is rounded down to them, but never to nothing.
fn portion(sms: u32, share: f64, step: u32) -> u32 {
    match (f64::from(sms) * share / 100.0) as u32 {
        all if all == sms => sms,
        exact => (exact - exact % step).max(step).min(sms),
    }
}

/// A number of them is rounded up, as far as there are any.
fn at_least(sms: u32, all: u32, step: u32) -> u32 {
    sms.checked_next_multiple_of(step).map_or(all, |sms| sms.min(all))
}

#[cfg(test)]
mod tests {
    use super::{at_least, portion};

    #[test]
    fn portions_are_whole_steps() {
        for (sms, share, step, given) in [
            (132, 100.0, 2, 132),
            (132, 50.0, 2, 66),
            (132, 30.0, 2, 38),
            (132, 0.1, 2, 2),
            (1, 50.0, 2, 1),
            (132, 50.0, 8, 64),
            (132, 100.0, 8, 132),
            (132, 0.1, 8, 8),
            (131, 50.0, 7, 63),
        ] {
            assert_eq!(portion(sms, share, step), given, "{share} of {sms} by {step}");
        }
    }

    #[test]
    fn a_number_is_rounded_up_to_what_there_is() {
        for (sms, all, step, given) in [
            (1, 132, 2, 2),
            (40, 132, 8, 40),
            (41, 132, 8, 48),
            (41, 44, 8, 44),
            (u32::MAX, 9, 2, 9),
        ] {
            assert_eq!(at_least(sms, all, step), given, "{sms} of {all} by {step}");
        }
    }
}
