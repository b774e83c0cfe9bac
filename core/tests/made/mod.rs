//! A ledger with something of everything, and ledgers as text: a line for each word that is not zero.

#![allow(dead_code)] // each test uses some of it

use std::fmt::Write;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use cuota_core::book::layout::{Layout, count, device};
use cuota_core::book::{self, Book, Count, Device, Event, Kind, Member, Plan, Wish};
use cuota_core::ledger::{Change, Exact, Owned, join};
use cuota_core::shm::file;

const CARD: Device = Device { uuid: *b"0123456789abcdef", bytes: 1 << 30 };

/// Compiles a program in C that reads ledgers by `cuota.h` alone, for the sanitizers to watch.
pub fn compiled(folder: &Folder, source: &str) -> PathBuf {
    let program = folder.path("program");
    let mut gcc = Command::new("gcc");
    gcc.args(["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-g"]);
    gcc.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I"]);
    gcc.arg(root().join("include")).arg(root().join(source)).arg("-o").arg(&program);
    let made = gcc.output().expect("gcc can be run");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    program
}

/// The folder of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A directory for one test, removed at its end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("cuota-{}-{name}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&path).expect("a fresh directory");
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub struct Ledger {
    pub file: PathBuf,
    /// The member that lives.
    _one: Book,
}

/// One of two members lives, the ring has gone round, and both have launched.
pub fn ledger(folder: &Folder) -> Ledger {
    let plan = Plan {
        directory: &folder.0,
        make_directory: false,
        client: "pod-1",
        labels: "pod=a",
        layout: Layout::new(64, 16),
        boot: [1, 2],
    };
    let books = ["first é\u{1b}", "second"].map(|name| {
        let book = book::open(&plan).expect("a ledger can be made");
        take(&book, name);
        book
    });
    let [one, two] = books;
    for number in 0..20 {
        let payload = [number, 1 << 20, 0];
        let event = Event { time: 9, member: 1, kind: Kind::Allocated, device: Some(0), payload };
        one.record(event);
    }
    one.record(Event {
        time: 10,
        member: 2,
        kind: Kind::Refused,
        device: Some(0),
        payload: [4096, 1 << 20, 1500],
    });
    let part = one.part(0).expect("claimed");
    part.set(device::REFUSED, 1);
    part.set(device::REFUSED_BYTES, 4096);
    two.leave(book::Seat { index: 1, id: 2 });
    Ledger { file: folder.path(&book::file_name("pod-1")), _one: one }
}

fn take(book: &Book, name: &str) {
    let door = book.door().expect("nobody else is there");
    let who = Member { pid: 4711, user: 1000, name: name.into(), ..Member::default() };
    let seat = book.seat(&who, 5).expect("there is room");
    let witness = book.witness(seat.id, 0);
    let wish = Wish { device: CARD, limit: Some(1 << 20) };
    let index = door.settle(seat, &[wish], &witness, 5).expect("there is room")[0].index;
    let part = book.part(index).expect("claimed");
    let mut lane: Owned<Exact> =
        join(&part.account(), seat.index, seat.id, 5, &witness).expect("a free lane");
    for (bytes, idle, now) in [(1000, 300, 6), (500, 0, 10)] {
        lane.change_with_idle(&part.account(), Change::Reserve(bytes), idle, now, &witness);
    }
    assert!(book.open_counts(index, seat), "there is room");
    for (block, what) in [(count::SHARED, Count::Kernels), (count::OWN, Count::GraphKernels)] {
        part.block(seat.index, block).expect("opened").add(what, 1 << (4 * seat.id));
    }
}

/// Holds that member's lock for as long as it is kept.
pub fn living(path: &Path, id: u64) -> File {
    let file = file::open(path, true).expect("ours");
    assert!(file::lock(file.as_fd(), book::byte_of(id)).expect("locks work"));
    file
}

pub fn to_words(path: &Path) -> String {
    let bytes = fs::read(path).expect("readable");
    let mut text = format!("size {}\n", bytes.len());
    for (index, word) in bytes.chunks_exact(8).enumerate() {
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
        if word != 0 {
            let _ = writeln!(text, "{} {word:#x}", index * 8);
        }
    }
    text
}

pub fn from_words(text: &str, path: &Path) {
    let file = File::create_new(path).expect("a fresh file");
    for line in text.lines() {
        match line.split_once(" 0x") {
            None => {
                let size = line.strip_prefix("size ").expect("the size").parse().expect("a number");
                file.set_len(size).expect("there is room");
            }
            Some((at, word)) => {
                let word = u64::from_str_radix(word, 16).expect("a word");
                let at = at.parse().expect("an offset");
                file.write_all_at(&word.to_le_bytes(), at).expect("there is room");
            }
        }
    }
}
