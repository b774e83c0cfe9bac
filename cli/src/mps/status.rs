//! `cuota mps status`.
#![forbid(unsafe_code)]

use clap::Args;
use cuota_core::mps::{Daemon, PATIENCE, look};
use serde_json::json;

use super::state::{Server, servers};
use super::{NOT_SO, TURN, Where, ask, daemons, facts, known_holder};
use crate::command::Failure;
use crate::processes::Processes;
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
    let locked = known_holder(&place).filter(|pid| *pid > 0);
    let pid = locked.or_else(|| daemons::serving(&Processes::here(), &place));
    let servers = if runs { servers(&place, TURN) } else { Ok(Vec::new()) };
    let percentage =
        if runs && servers.is_ok() { ask::percentage(&place, TURN).ok() } else { None };
    if options.json {
        let all = servers.as_ref().ok();
        let report = json!({
            "directory": place,
            "runs": runs,
            "found": found.found(&place),
            "do": Some(found.advice()).filter(|advice| !advice.is_empty()),
            "pid": pid,
            "locked": locked.is_some(),
            "answers": runs && servers.is_ok(),
            "servers": all.map(|all| all.iter().map(Server::json).collect::<Vec<_>>()),
            "default_percentage": percentage,
            "unanswered": servers.as_ref().err(),
            "supervisor": facts::of(&place),
        });
        screen::print(&escaped(&format!("{report:#}\n")));
    } else {
        let mut said = found.in_words(&place);
        if let Some(pid) = pid.filter(|_| runs) {
            said += &format!("; it is process {pid}");
            if locked.is_none() {
                said += ", and its lock was removed: a second daemon could be started there";
            }
        }
        if let Some(percentage) = percentage {
            said += &format!("; a client's process may use {percentage} % of the SMs");
        }
        match &servers {
            Ok(servers) if servers.is_empty() && runs => {
                said += "; no server, for no client has come"
            }
            Ok(servers) if runs => said += &format!("; servers: {}", in_words(servers)),
            Ok(_) => {}
            Err(why) => said += &format!("; {why}"),
        }
        if let Some(supervisor) = facts::of(&place) {
            let number = |name: &str| supervisor.get(name).cloned().unwrap_or_default();
            said += &format!("; process {} watches over it", number("pid"));
        }
        screen::print(&screen::wrapped("", &said));
    }
    Ok(if runs { 0 } else { NOT_SO })
}

fn in_words(servers: &[Server]) -> String {
    let one = |server: &Server| match &server.state {
        Some(state) => format!("{} ({state})", server.pid),
        None => server.pid.to_string(),
    };
    servers.iter().map(one).collect::<Vec<_>>().join(", ")
}
