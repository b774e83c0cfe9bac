//! Whose clients the daemon serves: one user's at a time.
#![forbid(unsafe_code)]

use cuota_core::shm::file;

use super::Here;
use crate::doctor::check::{Check, Severity};
use crate::mps::servers;
use crate::processes::Processes;

const USERS: &str = "a daemon serves one user at a time: others are refused (805), or wait without end for that user's last client";

pub fn check(here: &Here) -> Check {
    match here.process() {
        Some(daemon) => of(&here.processes, daemon, file::effective_user()),
        None => {
            Check::not_looked_at("mps-user", USERS, "the daemon's process cannot be seen from here")
        }
    }
}

fn of(processes: &Processes, daemon: i32, us: u32) -> Check {
    let Some(owner) = processes.user(daemon) else {
        return Check::not_looked_at("mps-user", USERS, "whose the daemon is cannot be read");
    };
    let check = |found| Check::ok("mps-user", USERS, found);
    if owner != 0 && owner != us {
        let found =
            format!("the daemon (process {daemon}) is user {owner}'s, and this is user {us}");
        let advice = format!("Start the daemon as root, or run the program as user {owner}.");
        return check(found).worse(Severity::Warn, advice);
    }
    if processes.words(daemon).iter().any(|word| word == "-multiuser-server") {
        let found = "the daemon has one server for all users, and nothing between their clients";
        return check(found.to_owned()).worse(Severity::Info, "");
    }
    let servers = servers::of(processes, daemon).into_iter();
    let users: Vec<(i32, Option<u32>)> =
        servers.map(|server| (server, processes.user(server))).collect();
    match users.iter().find(|(_, user)| *user != Some(us)) {
        Some((_, None)) => {
            Check::not_looked_at("mps-user", USERS, "whose the server is cannot be read")
        }
        Some((server, Some(other))) => {
            let found = format!("server {server} serves user {other}, and this is user {us}");
            let advice = format!(
                "Wait until user {other}'s clients have ended (`echo get_client_list {server} | nvidia-cuda-mps-control` names them), or run the program as that user."
            );
            check(found).worse(Severity::Warn, advice)
        }
        None if users.is_empty() => {
            check(format!("the daemon is user {owner}'s, and serves nobody yet"))
        }
        None => check(format!("the daemon is user {owner}'s, and serves this user ({us})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::made_up::MadeUp;

    #[track_caller]
    fn is(made: &MadeUp, us: u32, severity: Severity, words: &str) {
        let check = of(&made.0, 5, us);
        assert!(check.severity == severity && check.found.contains(words), "{check:?}");
    }

    #[test]
    fn whose_turn_it_is() {
        let (nobody, daemon) = (MadeUp::of(&[]), (5, 1, "nvidia-cuda-mps-control -d", ""));
        let owned = |user| MadeUp::of(&[daemon]).of_user(&[5], user);
        let serving = |parent, user| {
            MadeUp::of(&[daemon, (6, parent, "nvidia-cuda-mps-server", "")]).of_user(&[6], user)
        };
        is(&nobody, 7, Severity::Unknown, "cannot be read");
        is(&owned(0), 7, Severity::Ok, "serves nobody yet");
        is(&owned(7), 7, Severity::Ok, "user 7's");
        is(&owned(8), 7, Severity::Warn, "is user 8's");
        is(&owned(8), 0, Severity::Warn, "this is user 0");
        is(&serving(5, 7), 7, Severity::Ok, "serves this user (7)");
        is(&serving(5, 8), 7, Severity::Warn, "server 6 serves user 8");
        // Of another daemon.
        is(&serving(4, 8), 7, Severity::Ok, "nobody yet");
        let many = "nvidia-cuda-mps-control -d -multiuser-server";
        let many = MadeUp::of(&[(5, 1, many, ""), (6, 5, "nvidia-cuda-mps-server", "")]);
        is(&many, 7, Severity::Info, "for all users");
    }
}
