//! Who had work in flight on a device when it was lost: looked up in all ledgers of a directory, by the
//! member that met the fault. Nothing it answers is a guess: whom it cannot see makes it unsure.
#![forbid(unsafe_code)]

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use super::device::uuid_of;
use super::fault::{Fault, Verdict, Who};
use super::layout::{self, DEVICES, Layout, count, device, header, member};
use super::living::byte_of;
use super::read::{Copied, opened};
use super::{client_of, list};
use crate::ledger::{LANE, head};
use crate::shm::file;

/// What all ledgers say of a device.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Members that use the device and live, as they see themselves, or have died and nobody noticed.
    pub members: Vec<Who>,
    /// Those of them with work in flight.
    pub busy: Vec<Who>,
    /// Somebody was there and is not any more, or could not be looked at.
    pub unsure: bool,
    /// Another member has met the same fault before, and knew whose work it was, or did not.
    pub before: Option<Option<Who>>,
}

/// Looks at every member on the device; `since`: until then it is known to have been well, in
/// nanoseconds since boot.
pub fn census(directory: &Path, uuid: [u8; 16], since: u64) -> Census {
    let mut census = Census::default();
    let Ok(ledgers) = list(directory) else {
        census.unsure = true;
        return census;
    };
    for path in ledgers {
        let Some(client) = client_of(&path) else { continue };
        if look(&path, client, uuid, since, &mut census).is_none() {
            census.unsure = true;
        }
    }
    census
}

fn look(path: &Path, client: &str, uuid: [u8; 16], since: u64, census: &mut Census) -> Option<()> {
    let (file, layout) = opened(path).ok()?;
    let words = Copied::read(&file, 0, header::WORDS).ok()?;
    let of_device = |index: &usize| {
        let get = |word| words.get(header::DIRECTORY + index * header::DIRECTORY_ENTRY + word);
        get(2) == 1 && uuid_of(get(0), get(1)) == uuid
    };
    let Some(index) = (0..DEVICES).find(of_device) else { return Some(()) };
    let places = (words.get(header::PLACES) as usize).min(layout.members as usize);
    let members = Copied::read(&file, layout.members_at(), places * member::WORDS).ok()?;
    let account = device::LANES + places * LANE;
    let account = Copied::read(&file, layout.device_at(index), account).ok()?;
    for place in 0..places {
        let get = |word| members.get(place * member::WORDS + word);
        let lane = |word| account.get(device::LANES + place * LANE + word);
        // Whoever was here and left after the device was last well may have been the one.
        census.unsure |= get(member::GONE_AT) >= since;
        let id = get(member::OWNER);
        if let Some(fault) = Fault::read(&get).filter(|fault| is_same(fault, index, since)) {
            let own =
                Who { client: client.into(), pid: get(member::PID), id: get(member::FAULT_OF) };
            hear(census, &fault, own);
        }
        if id == 0 {
            continue;
        }
        let who = Who { client: client.into(), pid: get(member::PID), id };
        census.unsure |= lane(head::BLIND) == id;
        match busy(&file, layout, index, place, id)? {
            // It has done nothing there.
            None if lane(head::OWNER) != id => continue,
            // Copies go to another device's streams without saying so: whoever is busy anywhere may be here.
            _ if is_busy_anywhere(&file, layout, &words, place, id)? => {
                census.busy.push(who.clone())
            }
            _ => {}
        }
        if file::is_locked(file.as_fd(), byte_of(id)).ok()? || get(member::LEAVING) != id {
            census.members.push(who);
        }
    }
    Some(())
}

fn is_same(fault: &Fault, index: usize, since: u64) -> bool {
    let of_all = fault.by_mps && fault.verdict != Verdict::Nobody;
    of_all && fault.device == index && fault.time >= since
}

/// What another made of the same fault. One that did not know is believed before one that did.
fn hear(census: &mut Census, fault: &Fault, own: Who) {
    let named = match fault.verdict {
        Verdict::Own => Some(own),
        Verdict::Other => fault.culprit.as_ref().map(|(client, pid)| Who {
            client: client.clone(),
            pid: *pid,
            id: 0,
        }),
        Verdict::Unknown | Verdict::Nobody => None,
    };
    census.before = Some(match census.before.take() {
        None => named,
        Some(before) => before.filter(|before| named.is_some_and(|it| it.is(before))),
    });
}

fn is_busy_anywhere(
    file: &File,
    layout: Layout,
    head: &Copied,
    place: usize,
    id: u64,
) -> Option<bool> {
    let is_there =
        |index: &usize| head.get(header::DIRECTORY + index * header::DIRECTORY_ENTRY + 2) == 1;
    for index in (0..DEVICES).filter(is_there) {
        if busy(file, layout, index, place, id)? == Some(true) {
            return Some(true);
        }
    }
    Some(false)
}

/// Whether the member of the place may have work in flight on a device; nothing if it never had any.
fn busy(file: &File, layout: Layout, index: usize, place: usize, id: u64) -> Option<Option<bool>> {
    let at = layout.device_at(index) + layout::bytes(layout.counts_at(place));
    let Ok(Copied(words)) = Copied::read(file, at, count::PLACE) else { return Some(None) };
    let mut blocks = words.chunks(count::WORDS);
    if blocks.next()?.get(count::EARLIER_FOR) != Some(&id) {
        return Some(None);
    }
    let (mut begun, mut quiet, mut open) = (0_u64, 0, false);
    for block in blocks {
        let get = |word: usize| block.get(word).copied().unwrap_or(0);
        open |= get(count::BEGUN) != get(count::ENDED);
        begun = begun.wrapping_add(get(count::BEGUN));
        quiet |= get(count::QUIET);
    }
    Some(Some(open || begun != quiet))
}
