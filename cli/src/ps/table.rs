//! Clients as a table of 80 columns.
#![forbid(unsafe_code)]

use std::cmp::Reverse;
use std::fmt::Write;

use cuota_core::book::{DeviceReport, MemberReport, Verdict};

use crate::ledgers::{Client, device_name};
use crate::screen;
use crate::sizes::short;
use crate::sms::Sms;

/// What is left of a line for the client's name; a longer one has a line of its own.
const WIDEST_NAME: usize = 19;

/// Marks, and what they mean.
const BY_COMMAND: (char, &str) =
    ('*', "set by command (cuota set), in force until the client's last member ends");
const ELSEWHERE: (char, &str) = ('~', "a pid in the member's own PID namespace, not in this one");

pub fn text(clients: &[Client], pid_namespace: u64) -> String {
    let widest = clients.iter().map(|client| client.name.len()).max().unwrap_or(0);
    let width = widest.clamp("CLIENT".len(), WIDEST_NAME);
    let mut text = line(
        width,
        "CLIENT",
        ["DEVICE", "USED", "QUOTA ", "PEAK", "UNTRACKED", "REFUSED"].map(str::to_owned),
    );
    for client in clients {
        let (mut name, mut nobody) = (client.name.as_str(), "");
        if name.len() > WIDEST_NAME {
            let _ = writeln!(text, "{name}");
            name = "";
        }
        let report = &client.report;
        let runs = report.members.iter().any(|member| member.alive);
        if report.devices.is_empty() {
            let what = if runs { "no device yet" } else { "no device yet, no member runs" };
            let _ = writeln!(text, "{name:<width$} {what}");
        } else if !runs {
            nobody = "    no member runs\n";
        }
        for device in &report.devices {
            text += &line(width, name, figures(device));
            text += &members(&report.members, Some(device.index), pid_namespace);
            if let Some(sms) = Sms::of(report, device) {
                text += &screen::wrapped("    ", &sms.to_string());
            }
        }
        text += &members(&report.members, None, pid_namespace);
        text += nobody;
    }
    let reports = || clients.iter().map(|client| &client.report);
    let by_command = reports().flat_map(|report| &report.devices).any(|device| device.by_command);
    let members = || reports().flat_map(|report| &report.members).filter(|member| member.alive);
    let elsewhere = members().any(|member| is_elsewhere(member, pid_namespace));
    for ((mark, meaning), used) in [(BY_COMMAND, by_command), (ELSEWHERE, elsewhere)] {
        if used {
            text += &screen::wrapped(&format!("{mark} "), meaning);
        }
    }
    text
}

fn is_elsewhere(member: &MemberReport, pid_namespace: u64) -> bool {
    ![0, pid_namespace].contains(&member.pid_namespace)
}

fn figures(device: &DeviceReport) -> [String; 6] {
    let mark = if device.by_command { BY_COMMAND.0 } else { ' ' };
    [
        device_name(device),
        short(device.used),
        format!("{}{mark}", device.limit.map_or("-".to_owned(), short)),
        short(device.peak),
        short(device.untracked),
        device.refused.to_string(),
    ]
}

fn line(width: usize, name: &str, figures: [String; 6]) -> String {
    let [device, used, quota, peak, untracked, refused] = figures;
    // A device's name may lose its last digit: what is left still is the beginning of its UUID.
    format!(
        "{name:<width$} {device:<14.14} {used:>8} {quota:>9} {peak:>8} {untracked:>9} {refused:>7}\n"
    )
}

/// That it has lost a device, and whose work that was; its end is waited for.
fn lost(member: &MemberReport) -> String {
    let Some(fault) = &member.fault else { return String::new() };
    let by = match (&fault.culprit, fault.verdict) {
        (Some((client, pid)), _) => format!(" by {} {pid}", screen::plain(client)),
        (None, Verdict::Own) => " by itself".into(),
        _ => String::new(),
    };
    format!("  lost ({}{by})", fault.status)
}

/// The living that hold something of a device, the largest first; or, of none, those that hold
/// nothing anywhere.
fn members(members: &[MemberReport], device: Option<usize>, pid_namespace: u64) -> String {
    let holds = |member: &MemberReport| {
        let share = member.shares.iter().find(|share| Some(share.device) == device)?;
        Some(share.used)
    };
    let listed = members.iter().filter(|member| member.alive).filter_map(|member| match device {
        Some(_) => Some((member, holds(member)?)),
        None => member.shares.is_empty().then_some((member, 0)),
    });
    let mut listed: Vec<_> = listed.collect();
    listed.sort_by_key(|(member, used)| (Reverse(*used), member.pid));
    let row = |(member, used): (&MemberReport, u64)| {
        let mark = if is_elsewhere(member, pid_namespace) { ELSEWHERE.0 } else { ' ' };
        let pid = format!("{}{mark}", member.pid);
        let line = format!("    {pid:<9} {:<16} {:>8}", screen::plain(&member.name), short(used));
        line + &lost(member) + "\n"
    };
    listed.into_iter().map(row).collect()
}
