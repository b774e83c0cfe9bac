//! Being an MPS client, when `CUOTA_SIM_MPS=1`: fewer SMs, faults shared with the card's others, and a
//! server that has its limits.

use std::env;
use std::path::Path;
use std::sync::LazyLock;

use crate::api::{E, R};
use crate::device::Device;
use crate::machine::{self, Turn};
use crate::{clock, init};

struct Client {
    enabled: bool,
    /// Of the SMs, as a percentage.
    share: Option<f64>,
    /// The daemon's own: the tighter of both holds.
    default: Option<f64>,
}

/// Read once, by `cuInit`.
static CLIENT: LazyLock<Client> = LazyLock::new(|| Client {
    enabled: is_set("CUOTA_SIM_MPS") || is_a_file("CUOTA_SIM_MPS"),
    share: percentage("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE")
        .filter(|_| !is_set("CUOTA_SIM_MPS_DEAF")),
    default: percentage("CUOTA_SIM_MPS_PERCENTAGE"),
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
pub fn granted(sms: u32) -> u32 {
    let shares = [CLIENT.share, CLIENT.default].into_iter().flatten();
    match shares.reduce(f64::min) {
        Some(share) if CLIENT.enabled => portion(sms, share),
        _ => sms,
    }
}

/// SMs are given in pairs; a share is rounded down to them, but never to nothing.
fn portion(sms: u32, share: f64) -> u32 {
    let exact = (f64::from(sms) * share / 100.0) as u32;
    (exact - exact % 2).max(2).min(sms)
}

#[cfg(test)]
mod tests {
    use super::portion;

    #[test]
    fn portions_are_pairs() {
        assert_eq!(portion(132, 100.0), 132);
        assert_eq!(portion(132, 50.0), 66);
        assert_eq!(portion(132, 30.0), 38);
        assert_eq!(portion(132, 0.1), 2);
        assert_eq!(portion(1, 50.0), 1);
    }
}
