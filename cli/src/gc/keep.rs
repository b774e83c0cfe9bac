//! A closing bill on the disk: whole under its name, or not there.
#![forbid(unsafe_code)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cuota_core::book::{self, Trouble, What};

use crate::bill::closed::FOLDER;

/// A bill that is on the disk, under a name nobody looks for until it is kept.
pub struct Draft {
    written: PathBuf,
    pub kept: PathBuf,
}

impl Draft {
    /// Writes it into the folder of bills of that directory of ledgers.
    pub fn write(ledgers: &Path, name: &str, text: &str) -> Result<Draft, String> {
        let folder = ledgers.join(FOLDER);
        let shared = prepare(ledgers, &folder)?;
        let written = folder.join(format!(".{name}.{}", std::process::id()));
        let draft = Draft { kept: folder.join(name), written };
        let write = || {
            // Left by one of our number that was killed.
            remove_if_there(&draft.written)?;
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o640).open(&draft.written)?;
            if shared {
                // Past the umask: the group may bill, too.
                file.set_permissions(fs::Permissions::from_mode(0o640))?;
            }
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|why: io::Error| cannot(&draft.kept, &why))?;
        Ok(draft)
    }

    /// Gives it its name, for good.
    pub fn keep(self) -> Result<PathBuf, String> {
        let folder = self.kept.parent().unwrap_or(Path::new("/"));
        let keep = || {
            fs::rename(&self.written, &self.kept)?;
            File::open(folder)?.sync_all()
        };
        keep().map_err(|why: io::Error| cannot(&self.kept, &why))?;
        Ok(self.kept.clone())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = remove_if_there(&self.written);
    }
}

/// Makes the folder of bills as its ledgers' directory is, if it is not there; whether a group shares it.
fn prepare(ledgers: &Path, folder: &Path) -> Result<bool, String> {
    let safe = |path: &Path, make| book::directory(path, make).map_err(|why| why.to_string());
    let shared = safe(ledgers, false)?;
    let ledgers_found = fs::metadata(ledgers).map_err(|why| cannot(folder, &why))?;
    if folder.symlink_metadata().is_err() {
        safe(folder, true)?;
        let like = || {
            if shared {
                let mode = mode_of_bills(&ledgers_found);
                fs::set_permissions(folder, fs::Permissions::from_mode(mode))?;
            }
            File::open(ledgers)?.sync_all()
        };
        like().map_err(|why: io::Error| cannot(folder, &why))?;
    }
    let Some(group) = sharing(&ledgers_found) else { return safe(folder, false).map(|_| shared) };
    let found = folder.symlink_metadata().map_err(|why| cannot(folder, &why))?;
    let theirs = sharing(&found) == Some(group) && found.permissions().mode() & 0o007 == 0;
    if theirs { Ok(shared) } else { own(folder, group).map(|()| shared) }
}

/// As any directory of ledgers has to be; but here the group may have one together.
fn own(folder: &Path, group: u32) -> Result<(), String> {
    match book::directory(folder, false) {
        Err(Trouble { what: What::DirectoryOwner { owner, mode }, .. }) => Err(format!(
            "the folder of bills {} belongs to uid {owner} with mode {mode:o}, so others could replace what is in it: have it made the group's alone (chgrp {group}, chmod 3770), or removed",
            folder.display()
        )),
        found => found.map(drop).map_err(|why| why.to_string()),
    }
}

/// The group whose members put things there and take away none but their own, as nobody else does. They
/// may write each other's ledgers, so also keep each other's bills.
fn sharing(directory: &fs::Metadata) -> Option<u32> {
    let is_theirs = directory.is_dir() && directory.permissions().mode() & 0o3022 == 0o3020;
    is_theirs.then(|| directory.gid())
}

/// As that of the ledgers; without what others may, where a group shares these: they may read no bill.
fn mode_of_bills(ledgers: &fs::Metadata) -> u32 {
    let mode = ledgers.permissions().mode() & 0o7777;
    if sharing(ledgers).is_some() { mode & !0o007 } else { mode }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(why) if why.kind() != ErrorKind::NotFound => Err(why),
        _ => Ok(()),
    }
}

fn cannot(path: &Path, why: &io::Error) -> String {
    format!("the closing bill {} cannot be written: {why}", path.display())
}
