//! What the clients of this machine ask for of the SMs, together.
#![forbid(unsafe_code)]

use cuota_core::config::Sm;

use super::check::{Check, Severity};
use crate::ledgers::Ledgers;

const SHARES: &str =
    "a percentage is a cap of each process: what adds up to more is not reserved for anybody";
/// Thousandths of a percent.
const WHOLE: u64 = 100_000;

/// Of each device, what the living ask for, added up.
pub fn shares(ledgers: &Ledgers) -> Check {
    let mut sums: Vec<([u8; 16], u64)> = Vec::new();
    for client in &ledgers.clients {
        for device in &client.report.devices {
            let living = client.report.members.iter().filter(|member| member.alive);
            let here =
                living.filter(|member| member.grants.iter().any(|(at, _)| *at == device.index));
            let asked = here.filter_map(|member| match member.asked? {
                Sm::Percent(part) => Some(part),
                Sm::Count(count) if device.sms > 0 => {
                    Some(u64::from(count) * WHOLE / u64::from(device.sms))
                }
                Sm::Count(_) => None,
            });
            let sum: u64 = asked.sum();
            match sums.iter_mut().find(|(uuid, _)| *uuid == device.uuid) {
                Some((_, all)) => *all += sum,
                None => sums.push((device.uuid, sum)),
            }
        }
    }
    let most = sums.iter().map(|(_, sum)| *sum).max().unwrap_or(0);
    let found = format!("the processes of all clients ask for {} % of a device's SMs", most / 1000);
    let check = Check::ok("shares", SHARES, found);
    if most > WHOLE {
        return check.worse(
            Severity::Warn,
            "Give them less, or fewer processes: CUOTA_SM is for each, and they compete beyond 100 %.",
        );
    }
    check
}
