//! What the machine's owner calls a device.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use cuota_core::config::Uuid;

use crate::native::nvml::{self, Card};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The card's number.
    pub index: u32,
    /// The card a MIG instance is part of.
    pub parent: Option<Uuid>,
}

#[derive(Default)]
pub struct Gpus {
    known: HashMap<[u8; 16], Place>,
    asked: Option<Instant>,
}

/// How long an answer is good for a device that it does not have: drivers are loaded late, and
/// instances made at any time.
const AGAIN: Duration = Duration::from_secs(60);

impl Gpus {
    /// Nothing where NVML does not know the device or cannot be asked.
    pub fn place(&mut self, uuid: Uuid) -> Option<&Place> {
        let stale = self.asked.is_none_or(|asked| asked.elapsed() > AGAIN);
        if stale && !self.known.contains_key(&uuid.0) {
            self.known = places(&nvml::cards());
            self.asked = Some(Instant::now());
        }
        self.known.get(&uuid.0)
    }
}

fn places(cards: &[Card]) -> HashMap<[u8; 16], Place> {
    let mut all = HashMap::new();
    for Card { uuid, index, instances } in cards {
        all.insert(uuid.0, Place { index: *index, parent: None });
        let place = Place { index: *index, parent: Some(*uuid) };
        all.extend(instances.iter().map(|instance| (instance.0, place.clone())));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_its_cards() {
        let [first, second, part] = [1, 2, 3].map(|byte| Uuid([byte; 16]));
        let cards = [
            Card { uuid: first, index: 0, instances: Vec::new() },
            Card { uuid: second, index: 1, instances: vec![part] },
        ];
        let found = places(&cards);
        assert_eq!(found[&second.0], Place { index: 1, parent: None });
        assert_eq!(found[&part.0], Place { index: 1, parent: Some(second) });
        assert_eq!(found.len(), 3);
    }
}
