//! Members that have not stopped are ended by the MPS server, which lets go of their work first. By the
//! host's pids: from within a container they mean other processes.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use cuota_core::book::MemberReport;

use super::ask::ask;
use super::{SOON, state};

/// Has the servers of a directory's daemon end the members; what was said of each.
pub fn terminate(place: &Path, members: &[&MemberReport]) -> Result<Vec<String>, String> {
    let own = fs::metadata("/proc/self/ns/pid").map_or(0, |found| found.ino());
    if !is_first_namespace(own) {
        return Err(
            "the MPS server knows processes by the host's pids: run this on the host".into()
        );
    }
    let servers = state::servers(place, SOON)?;
    let mut said = Vec::new();
    for member in members {
        if member.pid_namespace != own {
            said.push(format!(
                "process {} is in another PID namespace, and the host's pid of it is not known here",
                member.pid
            ));
            continue;
        }
        let server = servers.iter().find(|server| has(place, server.pid, member.pid));
        said.push(match server {
            Some(server) => {
                let what = format!("terminate_client {} {}", server.pid, member.pid);
                let answer = ask(place, &what, SOON)?;
                let answer = if answer.is_empty() { "ended".to_owned() } else { answer };
                format!("process {}: {answer}", member.pid)
            }
            None => format!("process {} is no server's client", member.pid),
        });
    }
    Ok(said)
}

fn has(place: &Path, server: i32, client: u64) -> bool {
    let clients = ask(place, &format!("get_client_list {server}"), SOON).unwrap_or_default();
    clients.split_whitespace().any(|pid| pid.parse() == Ok(client))
}

/// The kernel's own number for the first one.
fn is_first_namespace(inode: u64) -> bool {
    inode == 0xefff_fffc
}
