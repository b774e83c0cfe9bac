//! `cuota mps status`.
#![forbid(unsafe_code)]

use std::path::Path;

use clap::Args;
use cuota_core::mps::{Daemon, PATIENCE, look};
use serde_json::json;

use super::{NOT_SO, SOON, Where, ask, known_holder};
use crate::command::Failure;
use crate::ps::json::escaped;
use crate::screen;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    at: Where,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn status(options: &Options) -> Result<u8, Failure> {
    let place = options.at.place()?;
    let found = look(&place, PATIENCE);
    let runs = matches!(found, Daemon::Answers);
    let pid = known_holder(&place).filter(|pid| *pid > 0);
    let servers = if runs { servers(&place) } else { Ok(Vec::new()) };
    let percentage = if runs {
        ask::ask(&place, "get_default_active_thread_percentage", SOON).ok()
    } else {
        None
    };
    if options.json {
        let report = json!({
            "directory": place,
            "runs": runs,
            "found": found.found(&place),
            "do": Some(found.advice()).filter(|advice| !advice.is_empty()),
            "pid": pid,
            "servers": servers.as_ref().ok(),
            "default_percentage": percentage,
            "unanswered": servers.as_ref().err(),
        });
        screen::print(&escaped(&format!("{report:#}\n")));
    } else {
        let mut said = found.in_words(&place);
        if let Some(pid) = pid.filter(|_| runs) {
            said += &format!("; it is process {pid}");
        }
        if let Some(percentage) = percentage {
            said += &format!("; a client's process may use {percentage} % of the SMs");
        }
        match &servers {
            Ok(servers) if servers.is_empty() && runs => {
                said += "; no server, for no client has come"
            }
            Ok(servers) if runs => {
                let all: Vec<String> = servers.iter().map(ToString::to_string).collect();
                said += &format!("; servers: {}", all.join(", "));
            }
            Ok(_) => {}
            Err(why) => said += &format!("; {why}"),
        }
        screen::print(&screen::wrapped("", &said));
    }
    Ok(if runs { 0 } else { NOT_SO })
}

/// Its servers' pids.
fn servers(place: &Path) -> Result<Vec<i32>, String> {
    let text = ask::ask(place, "get_server_list", SOON)?;
    text.split_whitespace()
        .map(|word| word.parse().map_err(|_| format!("get_server_list was answered: {text}")))
        .collect()
}
