//! What a card's sensors and settings would say: fixed, and plausible for an idle one.

use std::ffi::{c_char, c_int, c_uint};

use super::device::{Handle, card, number};
use super::{N, R, put, put_text};

/// A number that is the same for every card.
fn fixed<T>(card: Handle, out: *mut T, value: T) -> R {
    number(card)?;
    put(out, value)
}

/// Answers for settings and sensors this kind of card does not have.
pub fn not_supported(card: Handle) -> R {
    number(card)?;
    Err(N::NOT_SUPPORTED)
}

pub fn no_permission(card: Handle) -> R {
    number(card)?;
    Err(N::NO_PERMISSION)
}

pub fn off(card: Handle, out: *mut c_uint) -> R {
    fixed(card, out, 0)
}

pub fn on(card: Handle, out: *mut c_uint) -> R {
    fixed(card, out, 1)
}

/// Current and pending.
pub fn mig_mode(card: Handle, current: *mut c_uint, pending: *mut c_uint) -> R {
    fixed(card, current, 0)?;
    put(pending, 0)
}

pub fn ecc_mode(card: Handle, current: *mut c_uint, pending: *mut c_uint) -> R {
    fixed(card, current, 1)?;
    put(pending, 1)
}

pub fn no_mig_device(card: Handle, _: c_uint, _: *mut Handle) -> R {
    number(card)?;
    Err(N::NOT_FOUND)
}

pub fn minor_number(card: Handle, out: *mut c_uint) -> R {
    put(out, number(card)? as c_uint)
}

pub fn temperature(card: Handle, sensor: c_uint, out: *mut c_uint) -> R {
    if sensor == 0 { fixed(card, out, 34) } else { Err(N::INVALID_ARGUMENT) }
}

pub fn temperature_threshold(card: Handle, _: c_uint, out: *mut c_uint) -> R {
    fixed(card, out, 90)
}

/// Milliwatts.
pub fn power(card: Handle, out: *mut c_uint) -> R {
    fixed(card, out, 75_000)
}

pub fn power_limit(card: Handle, out: *mut c_uint) -> R {
    fixed(card, out, 700_000)
}

pub fn performance_state(card: Handle, out: *mut c_uint) -> R {
    fixed(card, out, 0)
}

/// MHz of the graphics, SM, memory and video clocks.
pub fn clock_mhz(card: Handle, kind: c_uint, out: *mut c_uint) -> R {
    match kind {
        0 | 1 => fixed(card, out, 1980),
        2 => fixed(card, out, 3201),
        3 => fixed(card, out, 1545),
        _ => Err(N::INVALID_ARGUMENT),
    }
}

pub fn pcie_generation(card: Handle, out: *mut c_uint) -> R {
    fixed(card, out, 5)
}

pub fn pcie_width(card: Handle, out: *mut c_uint) -> R {
    fixed(card, out, 16)
}

/// KB/s, sent or received.
pub fn pcie_throughput(card: Handle, direction: c_uint, out: *mut c_uint) -> R {
    if direction > 1 { Err(N::INVALID_ARGUMENT) } else { fixed(card, out, 0) }
}

pub fn gpu_cores(card: Handle, out: *mut c_uint) -> R {
    let card = self::card(card)?;
    let each = if matches!(card.capability, (7, _) | (8, 0)) { 64 } else { 128 };
    put(out, card.sm_count * each)
}

pub fn bus_width(card: Handle, out: *mut c_uint) -> R {
    fixed(card, out, 6144)
}

/// Of NVIDIA's own brands, the data-centre one.
pub fn brand(card: Handle, out: *mut c_uint) -> R {
    fixed(card, out, 14)
}

pub fn vbios_version(card: Handle, out: *mut c_char, room: c_uint) -> R {
    number(card)?;
    put_text(out, room, "96.00.00.00.01")
}

/// All processors of the host are as near as any: no bit is told apart.
pub fn cpu_affinity(card: Handle, words: c_uint, out: *mut u64) -> R {
    number(card)?;
    for at in 0..words as usize {
        put(out.wrapping_add(at), u64::MAX)?;
    }
    Ok(())
}

/// Everything is reachable between two cards of the machine.
pub fn p2p_status(from: Handle, to: Handle, _: c_uint, out: *mut c_int) -> R {
    number(from)?;
    fixed(to, out, 0)
}

/// Cards hang off one host bridge; a card is its own nearest.
pub fn common_ancestor(from: Handle, to: Handle, out: *mut c_uint) -> R {
    let near = number(from)? == number(to)?;
    put(out, if near { 0 } else { 30 })
}
