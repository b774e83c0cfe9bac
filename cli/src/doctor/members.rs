//! Who is in the ledgers: how many under MPS, and who shares a quota with whom.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;

use cuota_core::config::Uuid;

use super::ask::Answers;
use super::check::{Check, Severity};
use super::devices::VOLTA;
use super::mps::Here;
use crate::ledgers::Ledgers;
use crate::screen::count;

const CLIENTS: &str =
    "beyond the most contexts a device may have under MPS, a program is refused (808)";
const REPLICAS: &str = "a quota is the client's: whoever has its name takes from it";

const CONNECTIONS: &str = "CUDA_DEVICE_MAX_CONNECTIONS";
/// Of each client, where nobody sets it.
const USUAL_CONNECTIONS: u32 = 2;

/// How many contexts MPS lets a device have.
fn most(told: &Answers, device: &Uuid) -> Option<usize> {
    let device = told.devices.iter().find(|it| it.uuid == *device);
    if device.is_some_and(|device| device.capability < VOLTA) {
        return Some(16);
    }
    told.version.map(|version| if version > 13000 { 60 } else { 48 })
}

/// Nothing where nobody is under MPS, or is to be.
pub fn clients(ledgers: &Ledgers, told: &Answers, here: &Here) -> Option<Check> {
    let devices = under_mps(ledgers);
    if devices.is_empty() && !here.is_in_play() {
        return None;
    }
    Some(of(&devices, told, env::var_os(CONNECTIONS)))
}

fn of(devices: &[(Uuid, usize)], told: &Answers, connections: Option<OsString>) -> Check {
    let mut found = Vec::new();
    let mut full = false;
    for (device, clients) in devices {
        let Some(most) = most(told, device) else {
            return Check::not_looked_at(
                "mps-clients",
                CLIENTS,
                "needs a driver, which decides how many",
            );
        };
        full |= clients * 10 >= most * 9;
        found.push(format!(
            "{} of ours on {device}, which takes {most} contexts",
            count(*clients, "member")
        ));
    }
    if found.is_empty() {
        found.push("no process of a ledger is under MPS".to_owned());
    }
    found.push("others are not seen".to_owned());
    let raised = connections.as_ref().and_then(|text| text.to_str()?.parse::<u32>().ok());
    if let Some(raised) = raised.filter(|raised| *raised > USUAL_CONNECTIONS) {
        found.push(format!("{CONNECTIONS}={raised} makes it fewer"));
    }
    let check = Check::ok("mps-clients", CLIENTS, found.join("; "));
    if full {
        let advice = "End some, or spread them over more devices. `cuota ps` names them.";
        return check.worse(Severity::Warn, advice);
    }
    check.worse(Severity::Info, "")
}

/// Of each device, how many living members have it by MPS.
fn under_mps(ledgers: &Ledgers) -> Vec<(Uuid, usize)> {
    let mut found: Vec<(Uuid, usize)> = Vec::new();
    for client in &ledgers.clients {
        for device in &client.report.devices {
            let has = |member: &&cuota_core::book::MemberReport| {
                let by_mps = |(at, grant): &(usize, cuota_core::book::Grant)| {
                    *at == device.index && grant.by_mps
                };
                member.alive && member.grants.iter().any(by_mps)
            };
            let number = client.report.members.iter().filter(has).count();
            let uuid = Uuid(device.uuid);
            match found.iter_mut().find(|(known, _)| *known == uuid) {
                Some((_, all)) => *all += number,
                None => found.push((uuid, number)),
            }
        }
    }
    found.retain(|(_, number)| *number > 0);
    found
}

/// Clients that are more than one container, or more than one user.
pub fn replicas(ledgers: &Ledgers) -> Check {
    let shared = ledgers.clients.iter().filter_map(|client| {
        let living = client.report.members.iter().filter(|member| member.alive);
        let (mut namespaces, mut users) = (BTreeSet::new(), BTreeSet::new());
        for member in living {
            namespaces.insert(member.pid_namespace);
            users.insert(member.user);
        }
        let many = [(namespaces.len(), "container"), (users.len(), "user")];
        let many: Vec<String> = many
            .iter()
            .filter(|(number, _)| *number > 1)
            .map(|(number, what)| count(*number, what))
            .collect();
        (!many.is_empty()).then(|| format!("client {} is {}", client.name, many.join(" and ")))
    });
    let shared: Vec<String> = shared.collect();
    if shared.is_empty() {
        let found = "no client is more than one container or user";
        return Check::ok("replicas", REPLICAS, found.to_owned());
    }
    let found = format!(
        "{}: all of them share one quota. If each is to have a quota of its own, give each a CUOTA_CLIENT of its own, and see that the quotas together fit on the card",
        shared.join("; ")
    );
    Check::ok("replicas", REPLICAS, found).worse(Severity::Info, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::ask::Device;

    #[test]
    fn how_many_are_too_many_depends_on_driver_and_device() {
        let uuid = Uuid([1; 16]);
        let told = |version, capability| Answers {
            version: Some(version),
            devices: vec![Device { uuid, capability, compute_mode: 0, under_mps: None }],
            ..Answers::default()
        };
        let severity = |told: &Answers, clients| of(&[(uuid, clients)], told, None).severity;
        for (version, capability, still, too_many) in [
            (12040, (9, 0), 43, 44),
            (13000, (7, 0), 43, 44),
            (13010, (9, 0), 53, 54),
            (13010, (6, 1), 14, 15),
        ] {
            let told = told(version, capability);
            assert_eq!(severity(&told, still), Severity::Info, "{version} {capability:?}");
            assert_eq!(severity(&told, too_many), Severity::Warn, "{version} {capability:?}");
        }
        assert_eq!(severity(&Answers::default(), 1), Severity::Unknown);
        let fewer = |connections: &str| {
            let check = of(&[], &told(12040, (9, 0)), Some(connections.into()));
            check.found.contains("makes it fewer")
        };
        assert!(fewer("8") && !fewer("2") && !fewer("many"));
    }
}
