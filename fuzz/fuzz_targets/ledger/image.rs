//! The file: a valid ledger of one device and a few members, and what the input makes of it.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use cuota_core::book::layout::{Layout, count, device, event, header, member};
use cuota_core::book::{self, Count, Device, Event, Kind, Member, Plan, Wish};
use cuota_core::ledger::{Change, Exact, HEAD, LANE, Owned, SLOT, join};

use crate::cursor::Cursor;

pub const CARD: Device = Device { uuid: *b"0123456789abcdef", bytes: 1 << 30 };
/// No file is made larger than this.
const MOST_FILE: u64 = 1 << 20;
/// Mappings last as long as the process, so they are taken off by hand now and then.
const UNMAP_EVERY: u64 = 128;

pub struct Folder {
    path: PathBuf,
    /// A valid file's bytes.
    image: Vec<u8>,
    executions: u64,
}

/// One folder for all executions, in memory.
pub fn with_folder(act: impl FnOnce(&Folder)) {
    thread_local!(static FOLDER: RefCell<Option<Folder>> = const { RefCell::new(None) });
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(Folder::new);
        act(folder);
        folder.executions += 1;
        if folder.executions % UNMAP_EVERY == 0 {
            folder.unmap();
        }
    });
}

impl Folder {
    fn new() -> Folder {
        let path = PathBuf::from(format!("/dev/shm/cuota-fuzz-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::DirBuilder::new().mode(0o700).create(&path).expect("a folder in memory");
        let mut folder = Folder { path, image: Vec::new(), executions: 0 };
        folder.image = folder.valid();
        folder
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn plan(&self) -> Plan<'_> {
        Plan {
            directory: &self.path,
            make_directory: false,
            client: "pod-1",
            labels: "pod=a",
            layout: Layout::new(64, 64),
            boot: [1, 2],
        }
    }

    pub fn file(&self) -> PathBuf {
        self.path.join(book::file_name("pod-1"))
    }

    /// Two members that hold something, and a few events.
    fn valid(&self) -> Vec<u8> {
        // Each with an open file of its own, as processes have, so that each sees the other live.
        let books = [1, 2].map(|n| (n, book::open(&self.plan()).expect("a ledger can be made")));
        for (n, book) in &books {
            let n = *n;
            let who = Member { pid: n, name: format!("member {n}"), ..Member::default() };
            let door = book.door().expect("nobody else is there");
            let seat = book.seat(&who, n).expect("there is room");
            let witness = book.witness(seat.id, 0);
            let wish = Wish { device: CARD, limit: Some(1 << 20) };
            let standing = door.settle(seat, &[wish], &witness, n).expect("there is room")[0];
            let account = book.part(standing.index).expect("claimed").account();
            let mut owned: Owned<Exact> =
                join(&account, seat.index, seat.id, n, &witness).expect("a free lane");
            for bytes in [1000, 500] {
                owned.change(&account, Change::Reserve(bytes), n, &witness);
            }
            let (kind, payload) = (Kind::Refused, [n; 3]);
            book.record(Event { time: n, member: seat.id, kind, device: Some(0), payload });
            assert!(book.open_counts(standing.index, seat), "there is room");
            let part = book.part(standing.index).expect("claimed");
            let block = part.block(seat.index, count::OWN).expect("opened");
            block.add(Count::Kernels, n);
        }
        let report = book::read(&self.file(), 9).expect("readable");
        assert_eq!(
            (report.members.len(), report.devices[0].used, report.events.len()),
            (2, 3000, 5)
        );
        fs::read(self.file()).expect("readable")
    }

    /// A new file each time: locks and mappings of earlier executions are not its.
    pub fn write(&self, input: &mut Cursor) {
        let path = self.file();
        let _ = fs::remove_file(&path);
        let mut bytes = self.image.clone();
        let mut mode = 0o640;
        match input.byte() {
            0 => bytes = input.rest().to_vec(),
            1 => mode = 0o666,
            count => change(&mut bytes, count % 32, input),
        }
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(mode).open(&path).expect("made");
        file.write_all_at(&bytes, 0).expect("there is room");
    }

    fn unmap(&self) {
        let maps = fs::read_to_string("/proc/self/maps").expect("it is there");
        let name = self.path.to_str().expect("ASCII");
        for line in maps.lines().filter(|line| line.contains(name)) {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let (start, end) = range.expect("a range");
            let number = |text| usize::from_str_radix(text, 16).expect("an address");
            let (start, end) = (number(start), number(end));
            // SAFETY: mapped by books that are gone, in a thread that is the only one.
            unsafe { libc::munmap(start as *mut libc::c_void, end - start) };
        }
    }
}

/// Words written, the end cut off or moved out.
fn change(bytes: &mut Vec<u8>, count: u8, input: &mut Cursor) {
    let layout = Layout::new(64, 64);
    for _ in 0..count {
        match input.byte() % 16 {
            0 => bytes.truncate((input.word() % MOST_FILE) as usize),
            1 => bytes.resize((input.word() % MOST_FILE) as usize, input.byte()),
            2 => {
                // A stretch somewhere else again: doubled members, lanes, directory entries.
                let (from, to) =
                    (place(&layout, input) as usize * 8, place(&layout, input) as usize * 8);
                let length = usize::from(input.byte()) * 8;
                if from.max(to) + length <= bytes.len() {
                    bytes.copy_within(from..from + length, to);
                }
            }
            _ => {
                let (at, value) = (place(&layout, input) as usize * 8, value(input));
                if let Some(word) = bytes.get_mut(at..at + 8) {
                    word.copy_from_slice(&value.to_le_bytes());
                }
            }
        }
    }
}

const WRITTEN_BY_ALL: [usize; 6] = [
    header::LAST_ID,
    header::GENERATION,
    header::WRITTEN,
    header::RING_BYTES,
    header::PLACES,
    header::LEFT,
];

/// The index of a word that means something, or of any.
pub fn place(layout: &Layout, input: &mut Cursor) -> u64 {
    let (kind, first, second) = (input.byte(), u64::from(input.byte()), u64::from(input.byte()));
    let part = |index: u64| layout.device_at(index as usize % 32) / 8;
    let lane = |index: u64| device::LANES as u64 + index % (layout.members + 1) * LANE as u64;
    match kind % 13 {
        0 => first % 16,
        1 => WRITTEN_BY_ALL[first as usize % WRITTEN_BY_ALL.len()] as u64,
        2 => header::DIRECTORY as u64 + first % 128,
        3 => layout.members_at() / 8 + first % layout.members * member::WORDS as u64 + second % 11,
        4 => layout.members_at() / 8 + first % 4 * member::WORDS as u64,
        5 => layout.ring_at() / 8 + first % layout.events * event::WORDS as u64 + second % 8,
        6 => part(0) + first % 2,
        7 => part(0) + [8, 9, 10, 16, 24, 25, 26, 27, 32, 33][first as usize % 10],
        8 => part(0) + lane(first % 4) + second % 4,
        9 => part(0) + lane(first % 4) + HEAD as u64 + second % (2 * SLOT as u64),
        10 => part(first) + lane(second),
        11 => {
            let block = (layout.counts_at(0) + usize::from(kind / 13) * count::WORDS) as u64;
            part(0) + block + first % 2 * count::PLACE as u64 + second % count::WORDS as u64
        }
        _ => (first << 8 | second) % (layout.device_at(1) / 8),
    }
}

/// A word: one that is at some edge, or any.
pub fn value(input: &mut Cursor) -> u64 {
    let small = u64::from(input.byte());
    match input.byte() % 12 {
        0 => small,
        1 => u64::MAX - small,
        2 => (1 << 48) - 1 - small,
        3 => (1 << 48) + small,
        4 => 1 << (small % 64),
        5 => (1 << (small % 64)) - 1,
        6 => i64::MAX as u64 - small,
        7 => small << 48 | 2,
        8 => small << 32 | u64::from(input.byte()),
        9 => (1 << 40) + small,
        _ => input.word(),
    }
}
