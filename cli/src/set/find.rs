//! Which ledger a client's name means, and whether it can be changed.
#![forbid(unsafe_code)]

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;

use cuota_core::book::{Trouble, What};
use cuota_core::shm::file;

use super::failed;
use crate::command::Failure;
use crate::ledgers::{self, Client, Ledgers};
use crate::places::Places;

/// The client of that name which has members.
pub fn running(name: &str, places: &Places) -> Result<Client, Failure> {
    let Ledgers { clients, unreadable } = Ledgers::read(places, Some(name))?;
    if let (true, Some(unreadable)) = (clients.is_empty(), unreadable.first()) {
        return Err(failed(unreadable.why.clone()));
    }
    if clients.is_empty() {
        return Err(ledgers::no_such_client(name, places));
    }
    let lives = |client: &Client| client.report.members.iter().any(|member| member.alive);
    let mut living: Vec<Client> = clients.into_iter().filter(lives).collect();
    match living.pop() {
        None => Err(nobody_runs(name)),
        Some(client) if living.is_empty() => Ok(client),
        Some(client) => {
            living.push(client);
            let files: String =
                living.iter().map(|client| format!("\n{}", client.file.display())).collect();
            let say = "Say which one is meant with --dir.";
            Err(failed(format!("there are several clients {name}:{files}\n{say}")))
        }
    }
}

/// A limit set now would be forgotten.
pub fn nobody_runs(name: &str) -> Failure {
    failed(format!(
        "no process of client {name} runs, so nothing was changed: the next member's environment (CUOTA_VRAM) decides anew"
    ))
}

/// Where the file is somebody else's: whose, and what to do.
pub fn not_permitted(trouble: &Trouble) -> Option<String> {
    let denied = match &trouble.what {
        What::File(why) => why.kind() == ErrorKind::PermissionDenied,
        What::Foreign(_) => true,
        _ => false,
    };
    let owner = trouble.path.symlink_metadata().ok()?.uid();
    let theirs = owner != file::effective_user();
    (denied && theirs).then(|| {
        format!(
            "not permitted: {} belongs to uid {owner}, and this is uid {}\nRun the command as that user, or keep ledgers in a directory whose group may write (mode 2770).",
            trouble.path.display(),
            file::effective_user()
        )
    })
}
