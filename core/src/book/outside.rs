//! What those do with a ledger who are no members: change a running client's limits, or see before a
//! program is started whether it could join. Neither leaves a ledger where there was none.
#![forbid(unsafe_code)]

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use super::Book;
use super::door::BYTE;
use super::layout::Layout;
use super::open::{directory, draft, file_name, trust, unopened};
use super::trouble::{Trouble, What};
use crate::shm::file;

/// Opens the ledger at `path` to change it, as hard to convince as a member is.
pub fn open_existing(path: &Path) -> Result<Book, Trouble> {
    let shared = directory(path.parent().unwrap_or(Path::new("/")), false)?;
    let file = file::open(path, true).map_err(|why| unopened(path, why))?;
    trust(file, path, shared)
}

/// Whether a member of `client` could join in `folder`: everything it would do, but for giving a new
/// file its name.
pub fn rehearse(folder: &Path, make: bool, client: &str, layout: Layout) -> Result<(), Trouble> {
    let shared = directory(folder, make)?;
    let path = folder.join(file_name(client));
    let trouble = |what| Trouble::new(&path, what);
    match file::open(&path, true) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            let draft = draft(&path, layout, shared, &[])?;
            // Nobody else has this file: a lock not given is one that does not work.
            let locked = file::lock(draft.file.as_fd(), BYTE);
            locked.map(drop).map_err(|why| trouble(What::Locks(why)))
        }
        opened => {
            let file = opened.map_err(|why| unopened(&path, why))?;
            trust(file, &path, shared).map(drop)
        }
    }
}
