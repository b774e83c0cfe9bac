//! Closing bills: what is left of ledgers that were removed, one file each beside the ledgers.
#![forbid(unsafe_code)]

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use cuota_core::shm::file;

use super::account::{Account, State};
use super::json::{self, epoch_text};
use crate::ledgers::Unreadable;

/// In a directory of ledgers.
pub const FOLDER: &str = "bills";
const ENDING: &str = ".json";
/// More than any closing bill takes.
const MOST_BYTES: u64 = 256 << 10;

pub fn file_name(client: &str, epoch: u64) -> String {
    format!("{client}.{}{ENDING}", epoch_text(epoch))
}

/// Those of a directory; of one client, if it is named. What cannot be read goes to `unreadable`.
pub fn read(
    directory: &Path,
    client: Option<&str>,
    unreadable: &mut Vec<Unreadable>,
) -> Vec<Account> {
    let folder = directory.join(FOLDER);
    let mut complain = |file: PathBuf, why: String| {
        let why = format!("the closing bill {} cannot be read: {why}", file.display());
        unreadable.push(Unreadable { file, why });
    };
    let listed = fs::read_dir(&folder).and_then(|entries| {
        entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()
    });
    let mut files = match listed {
        Ok(files) => files,
        Err(why) if why.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(why) => {
            complain(folder, why.to_string());
            return Vec::new();
        }
    };
    files.retain(|file| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let of = name.strip_suffix(ENDING).and_then(|name| name.rsplit_once('.'));
        // One that is being written begins with a dot.
        of.is_some_and(|(of, _)| !of.starts_with('.') && client.is_none_or(|client| of == client))
    });
    files.sort();
    let mut found = Vec::new();
    for file in files {
        match one(&file) {
            Ok(account) => found.push(account),
            Err(why) => complain(file, why),
        }
    }
    found
}

fn one(path: &Path) -> Result<Account, String> {
    let text = text(path).map_err(|why| why.to_string())?;
    let value = serde_json::from_str(&text).map_err(|why| why.to_string())?;
    let account = json::account(&value).ok_or("it is not whole")?;
    let named = Path::new(&file_name(&account.client, account.epoch))
        == path.file_name().unwrap_or_default();
    if !named {
        return Err("it is another's".to_owned());
    }
    Ok(Account { state: State::Closed, ..account })
}

fn text(path: &Path) -> io::Result<String> {
    let file = file::open(path, false)?;
    let stat = file::stat(file.as_fd())?;
    if !stat.is_regular() || stat.size > MOST_BYTES {
        return Err(io::Error::other("it is no plain file of a likely size"));
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text)?;
    Ok(text)
}
