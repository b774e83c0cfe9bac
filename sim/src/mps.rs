//! Being an MPS client, when `CUOTA_SIM_MPS=1`: fewer SMs, and faults shared with the card's others.

use std::env;
use std::sync::LazyLock;

struct Client {
    enabled: bool,
    /// Of the SMs, as a percentage.
    share: Option<f64>,
    /// The daemon's own: the tighter of both holds.
    default: Option<f64>,
}

/// Read once, by `cuInit`.
static CLIENT: LazyLock<Client> = LazyLock::new(|| Client {
    enabled: env::var("CUOTA_SIM_MPS").is_ok_and(|value| value == "1"),
    share: percentage("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE").filter(|_| !is_deaf()),
    default: percentage("CUOTA_SIM_MPS_PERCENTAGE"),
});

/// What is none is passed over.
fn percentage(variable: &str) -> Option<f64> {
    let value = env::var(variable).ok()?.trim().parse().ok()?;
    (value > 0.0 && value <= 100.0).then_some(value)
}

fn is_deaf() -> bool {
    env::var("CUOTA_SIM_MPS_DEAF").is_ok_and(|value| value == "1")
}

pub fn enabled() -> bool {
    CLIENT.enabled
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
