//! Devices: the cards this process may see, and what it may ask of them.

mod attributes;
mod peer;
mod queries;
mod visible;

pub use attributes::{SmLimits, attribute, compute_capability, properties};
pub use peer::{can_access_peer, p2p_atomics, p2p_attribute};
pub use queries::{
    affinity_support, by_pci_bus_id, count, get, host_atomics, luid, name, pci_bus_id, total_mem,
    total_mem_v1, uuid,
};

use std::sync::LazyLock;

use cudarc::driver::sys::CUdevice;

use crate::api::E;
use crate::machine::{self, Card};

/// A card, as one of this process's devices.
pub struct Device {
    pub ordinal: CUdevice,
    /// The card's number on the machine, before any mask.
    pub number: usize,
    pub card: Card,
}

static VISIBLE: LazyLock<Vec<Device>> = LazyLock::new(|| {
    let machine = machine::current();
    let cards: Vec<Card> = (0..machine.cards()).filter_map(|number| machine.card(number)).collect();
    let uuids: Vec<String> = cards.iter().map(|card| uuid_text(&card.uuid)).collect();
    let mask = std::env::var("CUDA_VISIBLE_DEVICES").ok();
    visible::chosen(mask.as_deref(), &uuids)
        .into_iter()
        .enumerate()
        .map(|(ordinal, number)| Device {
            ordinal: ordinal as CUdevice,
            number,
            card: cards[number].clone(),
        })
        .collect()
});

/// In the order of the ordinals. The mask is read once, by `cuInit`.
pub fn visible() -> &'static [Device] {
    &VISIBLE
}

pub fn of(device: CUdevice) -> Result<&'static Device, E> {
    let ordinal = usize::try_from(device).or(Err(E::INVALID_DEVICE))?;
    visible().get(ordinal).ok_or(E::INVALID_DEVICE)
}

/// `GPU-01234567-89ab-…`, as tools print it and the mask accepts it.
pub fn uuid_text(uuid: &[u8; 16]) -> String {
    let mut text = String::from("GPU-");
    for (at, byte) in uuid.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// Where a card sits: its bus number; domain, device and function are 0.
pub fn pci_bus(number: usize) -> u32 {
    0x18 + 8 * number as u32
}

/// Device 0x2335 of vendor 0x10de.
pub const PCI_ID: u32 = 0x2335_10de;
pub const PCI_SUBSYSTEM: u32 = 0x18be_10de;
