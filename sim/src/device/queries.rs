//! What a device is: name, size, identity, place.

use std::ffi::{c_char, c_int, c_uint};

use cudarc::driver::sys::{CUdevice, CUuuid};

use super::{Device, of, pci_bus, visible};
use crate::api::{Call, E, R, given, put, put_opt, text};
use crate::mps;

pub fn count(_: &Call, out: *mut c_int) -> R {
    put(out, visible().len() as c_int)
}

pub fn get(_: &Call, out: *mut CUdevice, ordinal: c_int) -> R {
    given(out)?;
    put(out, of(ordinal)?.ordinal)
}

pub fn name(_: &Call, out: *mut c_char, len: c_int, device: CUdevice) -> R {
    put_text(out, len, &of(device)?.card.name)
}

/// As much as fits, always terminated.
fn put_text(out: *mut c_char, len: c_int, text: &str) -> R {
    given(out)?;
    let room = usize::try_from(len).ok().filter(|len| *len > 0).ok_or(E::INVALID_VALUE)?;
    for (at, byte) in text.bytes().take(room - 1).chain([0]).enumerate() {
        // SAFETY: at most `room` bytes are written, which the caller says the buffer holds.
        unsafe { out.add(at).write(byte as c_char) };
    }
    Ok(())
}

pub fn total_mem(_: &Call, out: *mut usize, device: CUdevice) -> R {
    given(out)?;
    put(out, of(device)?.card.total as usize)
}

/// The 32-bit ABI saturates.
pub fn total_mem_v1(_: &Call, out: *mut c_uint, device: CUdevice) -> R {
    given(out)?;
    put(out, c_uint::try_from(of(device)?.card.total).unwrap_or(c_uint::MAX))
}

pub fn uuid(_: &Call, out: *mut CUuuid, device: CUdevice) -> R {
    given(out)?;
    put(out, CUuuid { bytes: of(device)?.card.uuid.map(|byte| byte as c_char) })
}

/// Linux has no LUIDs.
pub fn luid(_: &Call, luid: *mut c_char, mask: *mut c_uint, device: CUdevice) -> R {
    given(luid)?;
    given(mask)?;
    of(device)?;
    Err(E::NOT_SUPPORTED)
}

fn bus_id(device: &Device) -> String {
    format!("0000:{:02X}:00.0", pci_bus(device.number))
}

pub fn pci_bus_id(_: &Call, out: *mut c_char, len: c_int, device: CUdevice) -> R {
    put_text(out, len, &bus_id(of(device)?))
}

/// `domain:bus:device.function`, in which domain and function may be left out.
pub fn by_pci_bus_id(_: &Call, out: *mut CUdevice, id: *const c_char) -> R {
    given(out)?;
    let bus = parse_bus(text(id)?).ok_or(E::INVALID_VALUE)?;
    let found = visible().iter().find(|device| pci_bus(device.number) == bus);
    put(out, found.ok_or(E::INVALID_DEVICE)?.ordinal)
}

/// The bus number, if everything beside it is 0.
fn parse_bus(id: &str) -> Option<u32> {
    let (place, function) = id.split_once('.').unwrap_or((id, "0"));
    let mut parts: Vec<u32> = Vec::new();
    for part in place.split(':').chain([function]) {
        parts.push(u32::from_str_radix(part, 16).ok()?);
    }
    match parts[..] {
        [0, bus, 0, 0] | [bus, 0, 0] => Some(bus),
        _ => None,
    }
}

const AFFINITY_SM_COUNT: c_uint = 0;

/// SM affinity is MPS's to give, where it is told to.
pub fn affinity_support(_: &Call, out: *mut c_int, kind: c_uint, device: CUdevice) -> R {
    given(out)?;
    of(device)?;
    if kind != AFFINITY_SM_COUNT {
        return Err(E::INVALID_VALUE);
    }
    put(out, mps::has_affinity().into())
}

/// No link to the host here carries atomics.
pub fn host_atomics(
    _: &Call,
    out: *mut c_uint,
    operations: *const c_uint,
    count: c_uint,
    device: CUdevice,
) -> R {
    of(device)?;
    no_atomics(out, operations, count)
}

pub(super) fn no_atomics(out: *mut c_uint, operations: *const c_uint, count: c_uint) -> R {
    given(out)?;
    given(operations)?;
    if count == 0 {
        return Err(E::INVALID_VALUE);
    }
    for at in 0..count as usize {
        // SAFETY: the caller's array holds `count` words.
        put_opt(unsafe { out.add(at) }, 0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse_bus;

    #[test]
    fn bus_ids() {
        assert_eq!(parse_bus("0000:18:00.0"), Some(0x18));
        assert_eq!(parse_bus("00000000:18:00.0"), Some(0x18));
        assert_eq!(parse_bus("18:00.0"), Some(0x18));
        assert_eq!(parse_bus("0000:18:00"), Some(0x18));
        assert_eq!(parse_bus("0001:18:00.0"), None);
        assert_eq!(parse_bus("nonsense"), None);
        assert_eq!(parse_bus(""), None);
    }
}
