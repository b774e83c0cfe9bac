//! A fault takes the device from this process, and under MPS from everybody: what was seen of it first is
//! kept, with whose work it was where that can be told; and the process leaves, if it is to.
#![forbid(unsafe_code)]

use core::fmt;

use cuota_core::book::{Fault, Verdict};
use cuota_core::config::{LEFT_FOR_FAULT, OnFault};

use crate::client;
use crate::driver::{Status, process};
use crate::log::{self, Topic};
use crate::member::{Member, OnDevice};
use crate::mps;

/// The driver has not said yes.
#[cold]
#[inline(never)]
pub fn met(call: &'static str, status: Status) {
    if !status.is_fatal() {
        return;
    }
    let Some(client) = client::get() else { return };
    let leaves = client.config().on_fault == OnFault::Exit;
    let _here = process::NotCancelled::new();
    let member = client.member().filter(|member| member.devices().any(OnDevice::has_contexts));
    match member {
        Some(member) => {
            let lost: Vec<_> = member.lost_devices().collect();
            if lost.is_empty() {
                log::error(Topic::Fault, format_args!("{call} answered {}", status.0));
            }
            for device in lost.into_iter().filter(|device| device.is_lost_now()) {
                let by_mps = mps::is_client(device.ordinal);
                let fault = member.keep_fault(device, call, status.0, by_mps);
                log::error(
                    Topic::Fault,
                    format_args!("{}", Words { member, device, fault, leaves }),
                );
            }
        }
        // Not even a context: `explain` says what came of MPS.
        None if status.is_of_mps() => return,
        None => log::error(
            Topic::Fault,
            format_args!("{call} answered {}: the device is lost to this process", status.0),
        ),
    }
    if leaves {
        leave();
    }
}

/// Ends the process as it is, with a status of its own: the server takes nobody new before all whom the
/// fault has reached are gone, and what handlers of `exit` would ask of the driver it refuses.
pub fn leave() -> ! {
    if let Some(member) = client::get().and_then(client::Client::member) {
        member.say_goodbye();
    }
    process::end(LEFT_FOR_FAULT)
}

struct Words<'a> {
    member: &'a Member,
    device: &'a OnDevice,
    fault: Fault,
    leaves: bool,
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Words { member, device, fault, leaves } = self;
        write!(
            out,
            "client {}: device {} ({}) is lost to this process: {} answered {}",
            member.client(),
            device.ordinal,
            cuota_core::config::Uuid(device.uuid),
            fault.call,
            fault.status,
        )?;
        if fault.function != 0 {
            let Fault { function, stream, .. } = fault;
            write!(out, " (its thread last launched {function:#x} on stream {stream:#x})")?;
        }
        let (busy, all) = (fault.busy, fault.members);
        match (fault.verdict, &fault.culprit) {
            (Verdict::Nobody, _) => write!(
                out,
                "; the MPS server ended or let go of it: see its log; start this process again"
            )?,
            (Verdict::Own, _) if !mps::is_client(device.ordinal) => {
                write!(out, "; by its own work")?;
            }
            (Verdict::Own, _) => {
                write!(out, "; by its own work: of {all} processes it alone had any in flight")?;
            }
            (Verdict::Other, Some((client, pid))) => write!(
                out,
                "; by the work of client {client}, process {pid}, which alone of {all} had any in flight"
            )?,
            _ => write!(
                out,
                "; by whose work is unknown ({busy} of {all} processes had some in flight): the MPS server's log names the process"
            )?,
        }
        match leaves {
            true => write!(out, "; ends with status {LEFT_FOR_FAULT}, for CUOTA_ON_FAULT=exit"),
            false if mps::is_client(device.ordinal) => write!(
                out,
                "; until every process on the device has ended, new ones get 807: end this one (CUOTA_ON_FAULT=exit does)"
            ),
            false => write!(out, "; start it again"),
        }
    }
}
