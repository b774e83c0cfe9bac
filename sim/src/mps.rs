//! Being an MPS client, when `CUOTA_SIM_MPS=1`: fewer SMs, and faults shared with the card's others.

use std::env;
use std::sync::LazyLock;

struct Client {
    enabled: bool,
    /// Of the SMs, as a percentage.
    share: Option<f64>,
}

/// Read once, by `cuInit`.
static CLIENT: LazyLock<Client> = LazyLock::new(|| Client {
    enabled: env::var("CUOTA_SIM_MPS").is_ok_and(|value| value == "1"),
    share: env::var("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .filter(|share| *share > 0.0 && *share <= 100.0),
});

pub fn enabled() -> bool {
    CLIENT.enabled
}

/// SMs of a card that this process may use; the driver shows them as all there are.
pub fn granted(sms: u32) -> u32 {
    match CLIENT.share {
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
