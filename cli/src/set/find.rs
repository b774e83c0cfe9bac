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

/// A limit set now would be forgotten, and there is nobody to end.
pub fn nobody_runs(name: &str) -> Failure {
    failed(format!(
        "no process of client {name} runs, so nothing was done: of its limit the next member's environment (CUOTA_VRAM) decides anew"
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
            "not permitted: {} belongs to uid {owner}, and this is uid {}\nRun the command as that user, or keep ledgers in a directory of root's that a group shares (mode 3770).",
            trouble.path.display(),
            file::effective_user()
        )
    })
}

#[cfg(test)]
mod tests {
    use cuota_core::book::layout::Layout;
    use cuota_core::book::{self, Book, Plan};

    use super::*;
    use crate::scratch::Scratch;

    fn ledger(scratch: &Scratch) -> Book {
        let plan = Plan {
            directory: scratch.path(),
            make_directory: false,
            client: "pod-1",
            labels: "",
            layout: Layout::new(64, 64),
            boot: [0, 0],
        };
        book::open(&plan).unwrap()
    }

    #[test]
    fn one_that_lives_is_meant_and_two_are_too_many() {
        let scratch = [Scratch::new().unwrap(), Scratch::new().unwrap()];
        let directories = scratch.each_ref().map(|scratch| scratch.path().to_owned());
        let places = Places { directories: directories.into(), named: false };
        let found = || running("pod-1", &places).map_err(|failure| failure.text);
        assert!(found().is_err_and(|text| text.contains("there is no client")));
        let books = scratch.each_ref().map(ledger);
        assert!(found().is_err_and(|text| text.contains("no process of client pod-1 runs")));
        books[0].seat(&book::Member::default(), 1).unwrap();
        assert_eq!(found().unwrap().file, books[0].path());
        books[1].seat(&book::Member::default(), 1).unwrap();
        let said = found().map(drop).unwrap_err();
        assert!(said.contains("several clients pod-1") && said.contains("--dir"), "{said}");
        for book in &books {
            assert!(said.contains(&book.path().display().to_string()), "{said}");
        }
    }
}
