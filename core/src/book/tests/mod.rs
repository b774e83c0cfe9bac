#![forbid(unsafe_code)]

mod counts;
mod files;
mod limits;
mod members;
mod reading;
mod retire;
mod ring;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::*;
use crate::ledger::{Answer, Change, Exact, Owned, join};

pub(in crate::book) struct Folder(pub(in crate::book) PathBuf);

impl Folder {
    pub(in crate::book) fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("cuota-book-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory can be made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("it is ours");
        Folder(path)
    }

    pub(in crate::book) fn plan(&self) -> Plan<'_> {
        Folder::plan_in(&self.0)
    }

    pub(in crate::book) fn plan_in(directory: &Path) -> Plan<'_> {
        Plan {
            directory,
            make_directory: false,
            client: "pod-1",
            labels: "pod=a",
            layout: Layout::new(64, 64),
            boot: [1, 2],
        }
    }

    pub(in crate::book) fn file(&self) -> PathBuf {
        self.0.join(file_name("pod-1"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(in crate::book) const CARD: Device = Device { uuid: *b"0123456789abcdef", bytes: 1 << 30 };

/// A member as a process would be one: with an open file of its own.
pub(in crate::book) struct Process {
    pub(in crate::book) book: Book,
    pub(in crate::book) seat: Seat,
}

impl Process {
    pub(in crate::book) fn start(plan: &Plan, limit: Option<u64>) -> (Process, Standing) {
        let book = open(plan).expect("the ledger opens");
        let door = book.door().expect("nobody else is there");
        let who =
            Member { pid: std::process::id().into(), name: "test".into(), ..Member::default() };
        let seat = book.seat(&who, 5).expect("there is room");
        let wish = Wish { device: CARD, limit };
        let standings = door.settle(seat, &[wish], &book.witness(seat.id, 0), 5);
        let standing = standings.expect("there is room")[0];
        drop(door);
        (Process { book, seat }, standing)
    }

    pub(in crate::book) fn lane(&self) -> Owned<Exact> {
        let part = self.book.part(0).expect("claimed");
        let witness = self.book.witness(self.seat.id, 0);
        join(&part.account(), self.seat.index, self.seat.id, 5, &witness).expect("a free lane")
    }

    pub(in crate::book) fn change(&self, lane: &mut Owned<Exact>, change: Change) -> Answer {
        self.change_at(lane, change, 6)
    }

    pub(in crate::book) fn change_at(
        &self,
        lane: &mut Owned<Exact>,
        change: Change,
        now: u64,
    ) -> Answer {
        let part = self.book.part(0).expect("claimed");
        lane.change(&part.account(), change, now, &self.book.witness(self.seat.id, 0))
    }
}
