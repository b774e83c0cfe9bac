//! The driver and the host.

use std::ffi::{c_char, c_int, c_uint};
use std::fs;

use super::{N, R, put, put_text};
use crate::init::{cuda_version, generation};

fn version() -> &'static str {
    match generation() {
        470 => "470.256.02",
        525 => "525.147.05",
        535 => "535.183.01",
        550 => "550.54.15",
        555 => "555.42.06",
        580 => "580.65.06",
        595 => "595.45.04",
        _ => "615.71.09",
    }
}

pub fn driver_version(out: *mut c_char, room: c_uint) -> R {
    put_text(out, room, version())
}

pub fn nvml_version(out: *mut c_char, room: c_uint) -> R {
    put_text(out, room, &format!("{}.{}", cuda_version() / 1000, version()))
}

pub fn cuda_driver_version(out: *mut c_int) -> R {
    put(out, cuda_version())
}

/// The command as it was started, cut to the caller's room.
pub fn process_name(pid: c_uint, out: *mut c_char, room: c_uint) -> R {
    let command = fs::read(format!("/proc/{pid}/cmdline")).or(Err(N::NOT_FOUND))?;
    let name = command.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = String::from_utf8_lossy(&name[..name.len().min(room.saturating_sub(1) as usize)])
        .into_owned();
    put_text(out, room, &name)
}
