//! A look at the client's slice from a process that may be no member: nvidia-smi asks NVML and never
//! initialises CUDA.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::MetadataExt;

use cuota_core::config::{Config, Uuid};

use super::start::Place;
use super::view::Slice;
use super::{Member, current};
use crate::driver::process;

/// What there is to see of one device.
#[derive(Debug)]
pub struct Looked {
    /// The limit, if there is one: in the ledger, or, before there is a ledger, in the environment.
    limit: Limit,
    used: u64,
    /// The client's processes, where their pids mean the same to NVML.
    pub pids: Vec<u32>,
}

#[derive(Debug)]
enum Limit {
    None,
    Bytes(u64),
    Of(cuota_core::config::Size),
}

impl Looked {
    /// The slice of a device with so many bytes; nothing without a limit.
    pub fn slice(&self, total: u64) -> Option<Slice> {
        let limit = match &self.limit {
            Limit::None => return None,
            Limit::Bytes(bytes) => *bytes,
            Limit::Of(size) => size.of(total),
        };
        Some(Slice { total: limit.min(total), used: self.used })
    }
}

pub fn look(config: &Config, uuid: [u8; 16]) -> Option<Looked> {
    match current() {
        Some(member) => member.look(uuid),
        None => from_outside(config, uuid),
    }
}

impl Member {
    fn look(&self, uuid: [u8; 16]) -> Option<Looked> {
        let device = self.devices().find(|device| device.uuid == uuid)?;
        let slice = self.slice(device);
        let pids = self.book.pids(self.who.pid_namespace);
        let limit = slice.map_or(Limit::None, |slice| Limit::Bytes(slice.total));
        Some(Looked { limit, used: slice.map_or(0, |slice| slice.used), pids })
    }
}

fn from_outside(config: &Config, uuid: [u8; 16]) -> Option<Looked> {
    let _here = process::NotCancelled::new();
    let report = Place::of(config).read().ok();
    let device = report.iter().flat_map(|report| &report.devices).find(|d| d.uuid == uuid);
    let namespace = fs::metadata("/proc/self/ns/pid").map_or(0, |found| found.ino());
    let members = report.iter().flat_map(|report| &report.members);
    let seen = members.filter(|member| member.alive && member.pid_namespace == namespace);
    let pids: Vec<u32> = seen.map(|member| member.pid as u32).collect();
    // With nobody alive the ledger's limit is what the next member's environment will replace.
    let in_force = report.as_ref().is_some_and(|report| report.members.iter().any(|m| m.alive));
    let wanted = config.vram.for_device(&Uuid(uuid), None).map_or(Limit::None, Limit::Of);
    let limit = match device {
        Some(device) if in_force => device.limit.map_or(Limit::None, Limit::Bytes),
        _ => wanted,
    };
    Some(Looked { limit, used: device.map_or(0, |device| device.used), pids })
}
