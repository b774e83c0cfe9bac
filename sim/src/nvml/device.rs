//! Cards: how they are named and found.

use std::ffi::{c_char, c_int, c_uint, c_void};

use super::{N, R, put, put_text};
use crate::api;
use crate::device::{PCI_ID, PCI_SUBSYSTEM, pci_bus, uuid_text};
use crate::machine::{self, Card};

/// What programs hold for a card: never an address.
pub type Handle = *mut c_void;

const HANDLE_BASE: usize = 0x6e76_0000;
const HANDLE_STEP: usize = 0x100;

fn handle(number: usize) -> Handle {
    (HANDLE_BASE + number * HANDLE_STEP) as Handle
}

/// The number of the card a program means.
pub(super) fn number(card: Handle) -> Result<usize, N> {
    let number = (card as usize).checked_sub(HANDLE_BASE).ok_or(N::INVALID_ARGUMENT)?;
    let valid = number % HANDLE_STEP == 0 && number / HANDLE_STEP < machine::current().cards();
    if valid { Ok(number / HANDLE_STEP) } else { Err(N::INVALID_ARGUMENT) }
}

pub(super) fn card(handle: Handle) -> Result<Card, N> {
    machine::current().card(number(handle)?).ok_or(N::INVALID_ARGUMENT)
}

pub fn count(out: *mut c_uint) -> R {
    put(out, machine::current().cards() as c_uint)
}

pub fn by_index(index: c_uint, out: *mut Handle) -> R {
    if index as usize >= machine::current().cards() {
        return Err(N::INVALID_ARGUMENT);
    }
    put(out, handle(index as usize))
}

fn find(out: *mut Handle, is_it: impl Fn(usize, &Card) -> bool) -> R {
    let machine = machine::current();
    let found = (0..machine.cards())
        .find(|number| machine.card(*number).is_some_and(|card| is_it(*number, &card)));
    put(out, handle(found.ok_or(N::NOT_FOUND)?))
}

pub fn by_uuid(uuid: *const c_char, out: *mut Handle) -> R {
    let wanted = api::text(uuid).or(Err(N::INVALID_ARGUMENT))?;
    find(out, |_, card| uuid_text(&card.uuid).eq_ignore_ascii_case(wanted))
}

pub fn by_pci_bus_id(id: *const c_char, out: *mut Handle) -> R {
    let wanted = api::text(id).or(Err(N::INVALID_ARGUMENT))?;
    // Domains are written with four digits or with eight.
    let tail = |id: &str| id.trim_start_matches('0').to_ascii_uppercase();
    find(out, |number, _| tail(&bus_id(number)) == tail(wanted))
}

pub fn name(card: Handle, out: *mut c_char, room: c_uint) -> R {
    put_text(out, room, &self::card(card)?.name)
}

pub fn uuid(card: Handle, out: *mut c_char, room: c_uint) -> R {
    put_text(out, room, &uuid_text(&self::card(card)?.uuid))
}

pub fn index(card: Handle, out: *mut c_uint) -> R {
    put(out, number(card)? as c_uint)
}

pub fn capability(card: Handle, major: *mut c_int, minor: *mut c_int) -> R {
    let (high, low) = self::card(card)?.capability;
    put(major, high as c_int)?;
    put(minor, low as c_int)
}

/// By compute capability.
pub fn architecture(card: Handle, out: *mut c_uint) -> R {
    let architecture = match self::card(card)?.capability {
        (7, 0) => 5,
        (7, _) => 6,
        (8, 9) => 8,
        (8, _) => 7,
        (9, _) => 9,
        _ => 10,
    };
    put(out, architecture)
}

fn bus_id(number: usize) -> String {
    format!("00000000:{:02X}:00.0", pci_bus(number))
}

/// The part all versions of the structure share.
#[repr(C)]
pub struct PciInfoBase {
    legacy_bus_id: [u8; 16],
    domain: u32,
    bus: u32,
    device: u32,
    pci_id: u32,
    subsystem: u32,
}

#[repr(C)]
pub struct PciInfo {
    base: PciInfoBase,
    bus_id: [u8; 32],
}

fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(text.bytes().take(N - 1)).for_each(|(to, from)| *to = from);
    bytes
}

fn pci_base(number: usize) -> PciInfoBase {
    PciInfoBase {
        legacy_bus_id: padded(&bus_id(number)[4..]),
        domain: 0,
        bus: pci_bus(number),
        device: 0,
        pci_id: PCI_ID,
        subsystem: PCI_SUBSYSTEM,
    }
}

pub fn pci_info_v1(card: Handle, out: *mut PciInfoBase) -> R {
    put(out, pci_base(number(card)?))
}

pub fn pci_info(card: Handle, out: *mut PciInfo) -> R {
    let number = number(card)?;
    put(out, PciInfo { base: pci_base(number), bus_id: padded(&bus_id(number)) })
}
