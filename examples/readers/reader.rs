//! What a ledger says, in Rust: `cargo run -p cuota-core --example reader FILE`

use std::path::Path;
use std::process::ExitCode;

use cuota_core::book::{self, DeviceReport, Report};
use cuota_core::config::Uuid;

/// Names are whatever others wrote: nothing that could steer a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect()
}

fn device(found: &DeviceReport) {
    let limit = found.limit.map_or("none".to_owned(), |limit| limit.to_string());
    let launches = found.counts.launches();
    let DeviceReport { used, peak, refused, .. } = found;
    print!("device {} used {used} limit {limit} peak {peak}", Uuid(found.uuid));
    println!(" launches {launches} refusals {refused}");
}

fn say(report: &Report) {
    println!("client {}", plain(&report.client));
    report.devices.iter().for_each(device);
    for member in &report.members {
        let state = if member.alive { "alive" } else { "dead" };
        println!("member {} pid {} {} {state}", member.id, member.pid, plain(&member.name));
    }
    println!("events {}", report.written);
    for event in &report.events {
        let [first, second, third] = event.payload;
        println!("{} by {}: {first} {second} {third}", event.kind.name(), event.member);
    }
}

fn main() -> ExitCode {
    let path = std::env::args_os().nth(1).unwrap_or_default();
    match book::read(Path::new(&path), 8) {
        Ok(report) => {
            say(&report);
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
