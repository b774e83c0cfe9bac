//! A ledger's file, whatever stands in it. The input says what is written over a valid one (or is the
//! file itself), and then what a member and a reader do with it, while more is written under them.
//! Nothing may panic, hang, or ask for more memory than the file justifies; that no word outside of
//! the mapping is touched is the sanitizer's and the kernel's to say.
#![no_main]

mod cursor;
mod follow;
mod image;
mod memory;

use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use cuota_core::book::layout::{DEVICES, count, header};
use cuota_core::book::{
    self, Book, Count, Device, Direction, Event, Kind, Member, Seat, Trouble, Wish,
};
use cuota_core::ledger::{Account, Change, Exact, Owned, TotalWord, Word, join, leave, reap};
use cuota_core::shm::file;
use cursor::Cursor;
use image::{CARD, Folder};
use libfuzzer_sys::fuzz_target;

/// What a report may take beside its events.
const MOST_BYTES: usize = 4 << 20;
/// What an event may: copied words, the event, and a vector growing.
const EVENT_BYTES: usize = 512;
/// Acts of one execution.
const ACTS: usize = 24;

fuzz_target!(|input: &[u8]| {
    let mut input = Cursor(input);
    image::with_folder(|folder| {
        folder.write(&mut input);
        read(folder, &mut input);
        let mut follower = follow::Following::open(folder, &mut input);
        // As a member would, or as `cuota set` does, or only to see whether it could be joined.
        let opened = match input.byte() & 3 {
            0 => book::open_existing(&folder.file()),
            1 => {
                let could = book::rehearse(folder.path(), false, "pod-1", folder.plan().layout);
                could.and_then(|()| book::open(&folder.plan()))
            }
            _ => book::open(&folder.plan()),
        };
        match opened {
            Err(why) => clear(&why, folder),
            Ok(book) => {
                use_it(&book, folder, &mut input, &mut follower);
                read(folder, &mut input);
            }
        }
        follower.poll(true);
    });
});

/// An error says where, and can be printed.
fn clear(why: &Trouble, folder: &Folder) {
    let text = why.to_string();
    let named = text.contains(&folder.path().display().to_string());
    assert!(named && text.len() < 600 && !text.contains(char::is_control), "{text:?}");
}

fn read(folder: &Folder, input: &mut Cursor) {
    let wanted = [0, 1, 64, u64::MAX][usize::from(input.byte() & 3)];
    let (report, most) = memory::most(|| book::read(&folder.file(), wanted));
    match report {
        Err(why) => clear(&why, folder),
        Ok(report) => {
            let size = std::fs::metadata(folder.file()).map_or(0, |found| found.len());
            let events = (size / 64).min(wanted) as usize;
            assert!(most <= MOST_BYTES + events * EVENT_BYTES, "{most} bytes for {size}");
            assert!(report.devices.len() <= DEVICES && report.members.len() <= 512);
            let alive = report.members.iter().filter(|member| member.alive).count() as u64;
            assert!(report.died.saturating_add(alive) <= report.joined.max(alive));
            for text in report.members.iter().map(|member| &member.name).chain([&report.client]) {
                assert!(!text.contains(char::is_control), "{text:?}");
            }
        }
    }
}

struct Process<'a> {
    book: &'a Book,
    seat: Option<Seat>,
    lane: Option<(usize, Owned<Exact>)>,
}

fn use_it(
    book: &Book,
    folder: &Folder,
    input: &mut Cursor,
    follower: &mut follow::Following,
) {
    let there = file::open(&folder.file(), true).expect("it was just opened");
    // Some incarnations look alive: their locks are held.
    for id in [7, input.word(), input.byte().into()] {
        let byte = book::byte_of(id);
        let _ = file::lock(there.as_fd(), byte);
    }
    let mut process = Process { book, seat: None, lane: None };
    for _ in 0..ACTS {
        if input.is_empty() {
            break;
        }
        process.act(input);
        if input.byte() & 3 == 0 {
            poke(&there, book, input);
        }
        if input.byte() & 7 == 0 {
            follower.poll(input.byte() & 1 == 0);
        }
    }
}

/// Another process writes, whatever it likes.
fn poke(file: &std::fs::File, book: &Book, input: &mut Cursor) {
    let at = image::place(&book.layout(), input) * 8;
    let size = file.metadata().map_or(0, |found| found.len());
    if at + 8 <= size {
        let _ = file.write_all_at(&image::value(input).to_le_bytes(), at);
    }
}

impl Process<'_> {
    fn act(&mut self, input: &mut Cursor) {
        let (book, now) = (self.book, image::value(input));
        let id = self.seat.map_or(0, |seat| seat.id);
        let witness = book.witness(id, u64::from(input.byte() & 1));
        match input.byte() % 13 {
            0 => {
                let who = Member { pid: input.word(), name: "fuzz".into(), ..Member::default() };
                self.seat = book.seat(&who, now).ok().or(self.seat);
            }
            1 => {
                let (Ok(door), Some(seat)) = (book.door(), self.seat) else { return };
                let uuid = if input.byte() & 1 == 0 { CARD.uuid } else { [input.byte(); 16] };
                let device = Device { uuid, bytes: input.word() };
                let wishes = [
                    Wish { device, limit: Some(input.word()) },
                    Wish { device: CARD, limit: None },
                ];
                if let Ok(standings) = door.settle(seat, &wishes, &witness, now) {
                    assert_eq!(standings.len(), wishes.len());
                }
            }
            2 => {
                let Ok(door) = book.door() else { return };
                door.set(usize::from(input.byte()), Some(image::value(input)), now);
            }
            3 | 4 => {
                let device = usize::from(input.byte()) % (DEVICES + 1);
                let Some(part) = book.part(device) else { return };
                // Also lanes that are not ours, and the one that is nobody's.
                let index = match input.byte() {
                    index @ ..66 => index.into(),
                    _ => self.seat.map_or(0, |seat| seat.index),
                };
                let joined = join(&part.account(), index, id, now, &witness);
                self.lane = joined.map(|owned| (device, owned)).or(self.lane);
            }
            5..=7 => {
                let Some((device, owned)) = &mut self.lane else { return };
                let Some(part) = book.part(*device) else { return };
                let bytes = image::value(input);
                let change = match input.byte() & 3 {
                    0 => Change::Reserve(bytes),
                    1 => Change::Refund(bytes),
                    2 => Change::Force(bytes),
                    _ => Change::Untracked(bytes),
                };
                owned.change(&part.account(), change, now, &witness);
            }
            8 => book.sweep(&witness, now),
            9 => {
                let device = usize::from(input.byte()) % (DEVICES + 1);
                let holders = book.holders(device);
                assert!(holders.len() as u64 <= book.layout().members);
                let _ = book.pids(input.word());
                let Some(part) = book.part(device) else { return };
                look(&part.account(), usize::from(input.byte()), now, &witness);
            }
            10 => {
                let kind = Kind::ALL[usize::from(input.byte()) % Kind::ALL.len()];
                let payload = [input.word(), input.word(), 0];
                let device = Some(usize::from(input.byte()));
                book.record(Event { time: now, member: id, kind, device, payload });
            }
            11 => {
                let Some(seat) = self.seat else { return };
                let device = usize::from(input.byte()) % (DEVICES + 1);
                if !book.open_counts(device, seat) {
                    return;
                }
                let block = usize::from(input.byte()) % (count::BLOCKS + 1);
                let Some(block) = book.part(device).and_then(|part| part.block(seat.index, block))
                else {
                    return;
                };
                block.add(Count::Kernels, image::value(input));
                block.copied(Direction::Unified, image::value(input));
            }
            _ => {
                if let Some((device, owned)) = self.lane.take()
                    && let Some(part) = book.part(device)
                {
                    leave(&part.account(), owned, now);
                } else if let Some(seat) = self.seat.take() {
                    book.leave(seat);
                }
            }
        }
    }
}

fn look<A: Word, T: TotalWord>(
    account: &Account<A, T>,
    index: usize,
    now: u64,
    living: &dyn cuota_core::ledger::Living,
) {
    if let Some(lane) = account.lane(index) {
        let slot = lane.read(account.seq(index, account.total.read()));
        slot.held_until(now);
        slot.closed(lane.heartbeat().load(), lane.noticed().load());
        reap::<Exact, _, _>(account, index, lane.owner().load(), now, living);
    }
}

/// Where the header's words are is said here once more, so that a moved one is noticed.
const _: () = assert!(header::LAST_ID == 160 && header::WRITTEN == 176 && header::DIRECTORY == 192);
