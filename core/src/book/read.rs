//! Reading a ledger without being a member: from a copy, with read permission only, and without
//! believing any of it. The file is never mapped: one that is cut short meanwhile gives a short read,
//! not a SIGBUS.
#![forbid(unsafe_code)]

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::counts::Counts;
use super::device::{share_of, uuid_of};
use super::lanes::{LaneReport, lanes};
use super::layout::{self, DEVICES, Layout, count, device, header, member};
use super::living::byte_of;
use super::open::{check, unopened};
use super::record::Exact;
use super::report::{DeviceReport, MemberReport, Report, Share};
use super::ring::{Found, records};
use super::trouble::{Trouble, What};
use super::{Fault, Grant};
use crate::ledger::{LANE, Slot, Total, UNLIMITED, head};
use crate::shm::clock::{boot_id, boot_time};
use crate::shm::file;

/// Times a part is read again because its sums moved meanwhile.
const RETRIES: usize = 8;
/// The newest members that may be on their way to a place.
const NEWCOMERS: u64 = 4;

/// Words copied from a file.
pub(super) struct Copied(pub(super) Vec<u64>);

impl Copied {
    pub(super) fn read(file: &File, at: u64, words: usize) -> std::io::Result<Copied> {
        let mut bytes = vec![0; words * 8];
        file.read_exact_at(&mut bytes, at)?;
        let words = bytes.chunks_exact(8);
        Ok(Copied(words.map(|word| word.try_into().map_or(0, u64::from_le_bytes)).collect()))
    }

    pub(super) fn get(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or(0)
    }

    fn run(&self, start: usize, count: usize) -> &[u64] {
        self.0.get(start..start.saturating_add(count)).unwrap_or_default()
    }
}

/// The file at `path`, if it is a ledger as far as its header says.
pub(super) fn opened(path: &Path) -> Result<(File, Layout), Trouble> {
    let trouble = |what| Trouble::new(path, what);
    let file = file::open(path, false).map_err(|why| unopened(path, why))?;
    let stat = file::stat(file.as_fd()).map_err(|why| trouble(What::File(why)))?;
    if !stat.is_regular() {
        return Err(trouble(What::Foreign("is no plain file")));
    }
    let layout = check(&file, &stat).map_err(|why| trouble(What::Unreadable(why)))?;
    Ok((file, layout))
}

/// Reads the ledger at `path`, with its newest `events` events.
pub fn read(path: &Path, events: u64) -> Result<Report, Trouble> {
    let (file, layout) = opened(path)?;
    let whole = read_whole(&file, layout, events);
    whole.map_err(|_| Trouble::new(path, What::Unreadable("it is cut short")))
}

fn read_whole(file: &File, layout: Layout, events: u64) -> std::io::Result<Report> {
    let head = Copied::read(file, 0, header::WORDS)?;
    let mut report = Report {
        client: layout::words_text(head.run(header::CLIENT, header::CLIENT_WORDS)),
        labels: layout::words_text(head.run(header::LABELS, header::LABELS_WORDS)),
        epoch: head.get(header::EPOCH),
        created_wall: head.get(header::CREATED_WALL),
        owner: head.get(header::OWNER),
        written: head.get(header::WRITTEN),
        joined: head.get(header::LAST_ID),
        left: head.get(header::LEFT),
        created_boot: head.get(header::CREATED_BOOT),
        boot: [head.get(header::BOOT_ID), head.get(header::BOOT_ID + 1)],
        read: boot_time(),
        ..Report::default()
    };
    report.touch(report.created_boot);
    let lives = |id: u64| file::is_locked(file.as_fd(), byte_of(id)).unwrap_or(false);
    let places = (head.get(header::PLACES) as usize).min(layout.members as usize);
    for _ in 0..RETRIES {
        report.members.clear();
        read_members(file, layout, places, &lives, &mut report)?;
        // Who left while it was asked who lives is neither there nor among those that have left.
        let word = |word| Ok(Copied::read(file, layout::bytes(word), 1)?.get(0));
        let now: [std::io::Result<u64>; 2] = [word(header::LAST_ID), word(header::LEFT)];
        let [joined, left] = now;
        let (joined, left) = (joined?, left?);
        let settled = (joined, left) == (report.joined, report.left);
        (report.joined, report.left) = (joined, left);
        if settled {
            break;
        }
    }
    report.died = died(&report, &lives);
    for index in 0..DEVICES {
        let entry = header::DIRECTORY + index * header::DIRECTORY_ENTRY;
        if head.get(entry + 2) == 1 {
            read_device(file, layout, places, index, &mut report)?;
        }
    }
    read_events(file, layout, events, &mut report)?;
    Ok(report)
}

/// Members that are gone and did not say that they leave. Whoever came or went since the header was
/// read is left out, and who has a number but no place yet has not died.
fn died(report: &Report, lives: &dyn Fn(u64) -> bool) -> u64 {
    let ids = || report.members.iter().map(|member| member.id);
    let stays =
        |member: &&MemberReport| member.alive && !member.leaving && member.id <= report.joined;
    let there = report.members.iter().filter(stays).count() as u64;
    let newest = report.joined.saturating_sub(NEWCOMERS)..report.joined;
    let coming = newest.map(|id| id + 1).filter(|id| !ids().any(|seated| seated == *id));
    let coming = coming.filter(|id| lives(*id)).count() as u64;
    report.joined.saturating_sub(report.left).saturating_sub(there).saturating_sub(coming)
}

fn read_members(
    file: &File,
    layout: Layout,
    places: usize,
    lives: &dyn Fn(u64) -> bool,
    report: &mut Report,
) -> std::io::Result<()> {
    let words = Copied::read(file, layout.members_at(), places * member::WORDS)?;
    for index in 0..places {
        let get = |word| words.get(index * member::WORDS + word);
        let id = get(member::OWNER);
        report.touch(get(member::JOINED));
        if id != 0 {
            report.members.push(MemberReport {
                id,
                alive: lives(id),
                pid: get(member::PID),
                pid_namespace: get(member::PID_NAMESPACE),
                user: get(member::USER),
                joined: get(member::JOINED),
                name: layout::words_text(words.run(index * member::WORDS + member::NAME, 2)),
                shares: Vec::new(),
                asked: share_of(get(member::SHARE)),
                grants: Vec::new(),
                stopped: Vec::new(),
                fault: Fault::read(&get).filter(|_| get(member::FAULT_OF) == id),
                leaving: get(member::LEAVING) == id,
                index,
            });
        }
    }
    Ok(())
}

impl Report {
    fn touch(&mut self, time: u64) {
        // A time to come is no sign of life; but of another start of the machine nothing can be told.
        if time <= self.read || self.boot != boot_id() {
            self.touched = self.touched.max(time);
        }
    }
}

/// So many words of a device's part, read by `part`, and whether nobody committed meanwhile: a slot is
/// written over only after its owner has committed another.
pub(super) fn of_one_moment(
    part: &mut dyn FnMut(usize) -> std::io::Result<Copied>,
    count: usize,
) -> std::io::Result<(Copied, bool)> {
    let total = |words: &Copied| [device::TOTAL, device::TOTAL + 1].map(|word| words.get(word));
    let mut words = part(count)?;
    for _ in 0..RETRIES {
        if total(&part(device::TOTAL + 2)?) == total(&words) {
            return Ok((words, true));
        }
        words = part(count)?;
    }
    Ok((words, false))
}

fn read_device(
    file: &File,
    layout: Layout,
    places: usize,
    index: usize,
    report: &mut Report,
) -> std::io::Result<()> {
    let mut part = |words| Copied::read(file, layout.device_at(index), words);
    let (words, settled) = of_one_moment(&mut part, device::LANES + places * LANE)?;
    let held = lanes(&words, places);
    let limit = words.get(device::LIMIT);
    let mut found = DeviceReport {
        index,
        uuid: uuid_of(words.get(device::UUID), words.get(device::UUID + 1)),
        bytes: words.get(device::BYTES),
        sms: words.get(device::SMS) as u32,
        limit: (limit != UNLIMITED).then_some(limit),
        by_command: words.get(device::BY_COMMAND) == 1,
        settled,
        refused: words.get(device::REFUSED),
        refused_bytes: words.get(device::REFUSED_BYTES),
        ..DeviceReport::default()
    };
    let at = layout.device_at(index) + layout::bytes(layout.counts_at(0));
    for (place, LaneReport { owner, slot, last, noticed }) in held.into_iter().enumerate() {
        // Sums of a file that lies may be anything; they only go round.
        let until_last = slot.held_until(last);
        found.held_byte_ns = found.held_byte_ns.wrapping_add(until_last);
        found.uncertain_byte_ns = found.uncertain_byte_ns.wrapping_add(slot.uncertain);
        // What is handed out by a pool and charged for later may make a lane's idle sum negative for a moment.
        found.idle_byte_ns = found.idle_byte_ns.wrapping_add(slot.idle.until(last));
        report.touch(last);
        report.touch(noticed);
        let since = u128::from(slot.charge) * u128::from(report.read.saturating_sub(last));
        let lives = report.members.iter().any(|member| member.alive && member.id == owner);
        let open = if lives { &mut found.running_byte_ns } else { &mut found.unnoticed_byte_ns };
        *open = open.wrapping_add(since);
        if lives {
            let since = i128::from(report.read.saturating_sub(last));
            let since = i128::from(slot.idle.bytes).wrapping_mul(since);
            found.running_idle_byte_ns = found.running_idle_byte_ns.wrapping_add(since);
        }
        // Who is dead holds nothing any more, whether or not somebody has taken it off yet.
        let mut members = report.members.iter_mut().filter(|member| member.alive);
        let member = members.find(|member| member.index == place);
        let at = at + layout::bytes(place * count::PLACE);
        // Before what is counted now, which only grows.
        let earlier = member.as_ref().map(|member| earlier(file, at, member.id)).transpose()?;
        let Copied(counted) =
            Copied::read(file, at + layout::bytes(count::WORDS), count::PLACE - count::WORDS)?;
        let mut counts = Counts::default();
        counted.chunks(count::WORDS).for_each(|block| counts.add(block));
        found.counts.add(counts.words());
        let Some(member) = member else { continue };
        let note = device::LANES + place * LANE;
        if words.get(note + head::GRANTED_TO) == member.id {
            member.grants.push((index, Grant::of_word(words.get(note + head::GRANT))));
        }
        member.stopped.push((index, words.get(note + head::STOPPED)));
        match earlier.flatten() {
            Some(earlier) => counts.subtract(&earlier),
            None => counts = Counts::default(),
        }
        let Slot { charge, untracked, idle, .. } = slot;
        let idle = u64::try_from(idle.bytes).map_or(0, |bytes| bytes.min(charge));
        let own = owner == member.id;
        let (used, untracked, idle) = if own { (charge, untracked, idle) } else { (0, 0, 0) };
        if own || counts != Counts::default() {
            found.used = found.used.saturating_add(used);
            found.untracked = found.untracked.saturating_add(untracked);
            found.idle = found.idle.saturating_add(idle);
            member.shares.push(Share { device: index, used, untracked, idle, counts });
        }
    }
    // Not the sum above, which may be of several moments.
    let total = Total::from_halves([words.get(device::TOTAL), words.get(device::TOTAL + 1)]);
    found.peak = words.get(device::PEAK).max(total.used);
    report.devices.push(found);
    Ok(())
}

/// What was counted in a place, whose words begin at that byte, before the member of that incarnation
/// came; nothing if it has not noted it. The note is looked at before and after: one copy could have
/// the words of another's.
pub(super) fn earlier(file: &File, at: u64, id: u64) -> std::io::Result<Option<Vec<u64>>> {
    let noted = || Copied::read(file, at + layout::bytes(count::EARLIER_FOR), 1);
    if noted()?.get(0) != id {
        return Ok(None);
    }
    let Copied(words) = Copied::read(file, at, count::EARLIER_FOR)?;
    Ok((noted()?.get(0) == id).then_some(words))
}

fn read_events(
    file: &File,
    layout: Layout,
    wanted: u64,
    report: &mut Report,
) -> std::io::Result<()> {
    let mut next = report.written.saturating_sub(wanted.min(layout.events));
    while next < report.written {
        let found = records::<Exact>(file, layout, next, report.written)?;
        next += found.len().max(1) as u64;
        let times = found.iter().filter_map(|found| match found {
            Found::Whole(event) => Some(event.time),
            _ => None,
        });
        times.for_each(|time| report.touch(time));
        report.events.extend(found.into_iter().filter_map(|found| match found {
            Found::Whole(event) => Some(event),
            _ => None,
        }));
    }
    Ok(())
}
