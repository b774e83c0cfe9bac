//! Becoming a member: which client this is, where its ledger lies, and which limits hold.
#![forbid(unsafe_code)]

use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, Ordering};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

use cuota_core::book::layout::Layout;
use cuota_core::book::{self, Book, Device, Member as Who, Plan, Report, Seat, Trouble, Wish};
use cuota_core::config::{Config, Uuid};
use cuota_core::identity::{self, Candidates, Directory, Process, Sources};
use cuota_core::shm::{Brief, Clock, alone, clock, file};

use super::captures::Captures;
use super::contexts::Contexts;
use super::counting::Counting;
use super::graphs::Graphs;
use super::greens::Greens;
use super::held::Held;
use super::limits::Limits;
use super::pending::Pending;
use super::pools::Pools;
use super::vmm::Physicals;
use super::{MEMBER, Member, ORDINALS, OnDevice, current};
use crate::driver::{fork, process, query};
use crate::log::{self, Topic};

/// Whose ledger, and where.
pub struct Place {
    pub client: String,
    pub directory: Directory,
    named: bool,
    /// Nothing else is this client: no pod, no container, no login session.
    is_own: bool,
}

impl Place {
    pub fn of(config: &Config) -> Place {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let (cgroup, mountinfo) = (text("/proc/self/cgroup"), text("/proc/self/mountinfo"));
        let session = text("/proc/self/sessionid");
        let started = |pid: u32| book::start_time(pid.into()).unwrap_or(0);
        let leader =
            process::session_leader().filter(|pid| Path::new(&format!("/proc/{pid}")).exists());
        let sources = Sources {
            cgroup: &cgroup,
            mountinfo: &mountinfo,
            uid: file::effective_user(),
            session: session.trim(),
            leader: leader.map(|pid| Process { pid, start: started(pid) }),
            own: Process { pid: process::id(), start: started(process::id()) },
        };
        let found = identity::client_name(&sources);
        let in_container =
            !matches!(found.from, identity::Origin::Session | identity::Origin::Process);
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|_| !process::has_more_rights());
        let directory = identity::directory(&Candidates {
            explicit: config.dir.as_deref(),
            shared_is_writable: file::is_writable(Path::new("/run/cuota")),
            runtime: runtime.as_deref().map(Path::new),
            uid: file::effective_user(),
            in_container,
        });
        let client = config.client.clone();
        let is_own = client.is_none() && found.from == identity::Origin::Process;
        Place { named: client.is_some(), is_own, client: client.unwrap_or(found.text), directory }
    }

    /// What anybody can read of the client's ledger.
    pub fn read(&self) -> Result<Report, Trouble> {
        book::read(&self.directory.path.join(book::file_name(&self.client)), 0)
    }
}

/// Takes a place in the client's ledger, once. Before the driver is initialised: what the process
/// opens first the kernel closes first, and the others learn of its death the sooner.
///
/// A process that is nobody's client but its own, and asks for nothing, joins none: it would leave a
/// file behind that nobody looks for.
pub fn join(config: &Config) -> Result<Option<&'static Member>, String> {
    match current() {
        Some(member) => Ok(Some(member)),
        None => become_one(config),
    }
}

/// A call of its own, as is each step of it: who has joined already needs none of the room on the stack
/// that this takes, and threads may have very little.
#[cold]
#[inline(never)]
fn become_one(config: &Config) -> Result<Option<&'static Member>, String> {
    let place = Place::of(config);
    if place.is_own && config.vram.is_empty() && config.sm.is_none() {
        return Ok(None);
    }
    let joined = MEMBER.get_or_make(|| make(config, place));
    let joined =
        joined.unwrap_or_else(|| Err("another thread has not finished joining the ledger".into()));
    joined.map(Some)
}

/// Takes the place, and then makes what goes with it: one after the other on the stack.
fn make(config: &Config, place: Place) -> Result<Box<Member>, String> {
    let who = myself();
    #[cfg(cuota_sabotage)]
    stand_in_for_time();
    let clock = Clock::new();
    if let Some(word) = process::one_thread() {
        alone::learn(word);
    }
    let (book, seat) = take_place(config, &place, &who, &clock)?;
    let member = seated(place.client, who, clock, book, seat);
    fork::in_every_child(in_child);
    process::before_exit(at_exit);
    Ok(member)
}

#[inline(never)]
fn myself() -> Who {
    Who {
        pid: process::id().into(),
        start: book::start_time(process::id().into()).unwrap_or(0),
        pid_namespace: fs::metadata("/proc/self/ns/pid").map_or(0, |found| found.ino()),
        user: file::effective_user().into(),
        // The kernel cuts it where it is too long, be that inside a letter.
        name: String::from_utf8_lossy(&fs::read("/proc/self/comm").unwrap_or_default())
            .trim_end()
            .into(),
    }
}

#[inline(never)]
fn take_place(
    config: &Config,
    place: &Place,
    who: &Who,
    clock: &Clock,
) -> Result<(Book, Seat), String> {
    let labels: Vec<String> = config.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let plan = Plan {
        directory: &place.directory.path,
        make_directory: config.dir.is_none(),
        client: &place.client,
        labels: &labels.join(","),
        layout: Layout::new(config.members.into(), config.ring.into()),
        boot: clock::boot_id(),
    };
    let entered = book::enter(&plan, who, &|| clock.now()).map_err(|why| why.to_string())?;
    if place.directory.private && !config.vram.is_empty() {
        log::warn(
            Topic::Ledger,
            format_args!(
                "the ledger is in {}, which is this container's own: nobody outside can read it, and a pod's other containers do not share the quota; mount a directory and name it with CUOTA_DIR",
                place.directory.path.display()
            ),
        );
    }
    if !place.named {
        log::info(Topic::Ledger, format_args!("this is client {}", place.client));
    }
    Ok(entered)
}

/// The member that has the seat: 40 KB, so it is on the stack once, and nothing else beside it.
#[inline(never)]
fn seated(client: String, who: Who, clock: Clock, book: Book, seat: Seat) -> Box<Member> {
    Box::new(Member {
        book,
        clock,
        client,
        who,
        seat: Brief::new(seat),
        counting: Counting::new(seat),
        contexts: Contexts::new(),
        greens: Greens::default(),
        pages: Brief::default(),
        held: Held::new(),
        physicals: Physicals::new(),
        pools: Pools::new(),
        graphs: Graphs::new(),
        limits: Limits::new(),
        used: Brief::default(),
        captures: Captures::new(),
        pending: Pending::new(),
        settled: AtomicBool::new(false),
        asked: Brief::default(),
        devices: no_devices(),
    })
}

/// Nearly all of a member. What a call answers is made in its place; what is written there as an
/// expression is made elsewhere on the stack, and copied.
#[inline(never)]
fn no_devices() -> [OnceLock<OnDevice>; ORDINALS] {
    [const { OnceLock::new() }; ORDINALS]
}

/// Who says so was not killed. Not in a child, which has the handler too. Waits for no lock: `exit` may
/// have been called in a signal handler, on top of whoever has it.
extern "C" fn at_exit(_: *mut core::ffi::c_void) {
    if let Some(member) = current() {
        member.say_goodbye();
    }
}

/// A test that knows what is held for how long moves time itself.
#[cfg(cuota_sabotage)]
fn stand_in_for_time() {
    let file = std::env::var_os("CUOTA_SIM_CLOCK")
        .and_then(|path| fs::OpenOptions::new().read(true).write(true).open(path).ok());
    let word = file.and_then(|file| cuota_core::shm::Words::map(&file, 1).ok()?.get(0));
    if let Some(word) = word {
        let _ = cuota_core::shm::clock::STAND_IN.set(word);
    }
}

/// A child is no member, and must not keep its parent's locks.
extern "C" fn in_child() {
    if let Some(parents) = MEMBER.take_from_parent() {
        parents.book.close_in_child();
    }
}

/// Brings the limits of this environment in force, or learns which are. Words for what speaks against
/// going on, if anything.
pub fn settle(config: &Config) -> Result<(), String> {
    match current().filter(|member| !member.settled.load(Ordering::Acquire)) {
        Some(member) => settle_first(config, member),
        None => Ok(()),
    }
}

#[cold]
#[inline(never)]
fn settle_first(config: &Config, member: &Member) -> Result<(), String> {
    let seen = visible();
    let wishes: Vec<Wish> = seen
        .iter()
        .map(|(ordinal, device)| {
            let size = config.vram.for_device(&Uuid(device.uuid), Some(ordinal.cast_unsigned()));
            Wish { device: *device, limit: size.map(|size| size.of(device.bytes)) }
        })
        .collect();
    let no_limit = !config.vram.is_empty() && wishes.iter().all(|wish| wish.limit.is_none());
    let none_named = (no_limit && !seen.is_empty()).then(|| names_none(&seen));
    if let Some(why) = none_named.as_ref().filter(|_| config.strict) {
        return Err(why.clone());
    }
    let seat = member.seat.with(|seat| *seat);
    let settled = member.book.door().and_then(|door| {
        let witness = member.book.witness(seat.id, member.who.pid_namespace);
        let now = member.clock.now();
        if config.strict {
            door.settle_if_agreed(seat, &wishes, &witness, now)
        } else {
            door.settle(seat, &wishes, &witness, now)
        }
    });
    let standings = settled.map_err(|why| why.to_string())?;
    let mut complaint = none_named;
    for ((ordinal, device), standing) in seen.iter().zip(&standings) {
        let Some(part) = member.book.part(standing.index) else { continue };
        let place = usize::try_from(*ordinal).ok().and_then(|at| member.devices.get(at));
        if let Some(place) = place {
            let made = || OnDevice::new(*ordinal, standing.index, device.uuid, device.bytes, part);
            place.get_or_init(made);
        }
        if let Some(first) = standing.instead_of {
            complaint.get_or_insert_with(|| disagreement(member, *ordinal, first));
        }
    }
    match complaint {
        Some(complaint) => Err(complaint),
        None => {
            member.settled.store(true, Ordering::Release);
            Ok(())
        }
    }
}

/// A mistyped name is no limit at all.
fn names_none(seen: &[(c_int, Device)]) -> String {
    let device = |(ordinal, device): &(c_int, Device)| format!("{ordinal}: {}", Uuid(device.uuid));
    let seen: Vec<String> = seen.iter().map(device).collect();
    format!(
        "CUOTA_VRAM names none of the devices that this process sees ({}), so none has a limit: correct the names, or give one that is meant to have none 100%",
        seen.join(", ")
    )
}

fn disagreement(member: &Member, ordinal: c_int, first: Option<u64>) -> String {
    let first = first.map_or("no limit".to_string(), |bytes| format!("{bytes} bytes"));
    format!(
        "CUOTA_VRAM of this process differs from the one in force for client {} on device {ordinal} ({first}, set by its first member): give all members the same, or change it with cuota set {} --vram SIZE",
        member.client, member.client
    )
}

/// Every device this process sees, by ordinal.
fn visible() -> Vec<(c_int, Device)> {
    let mut count = 0;
    if !query::cuDeviceGetCount(&mut count).ok() {
        return Vec::new();
    }
    let device = |ordinal: c_int| {
        let (mut handle, mut uuid, mut bytes) = (0, [0; 16], 0);
        let known = query::cuDeviceGet(&mut handle, ordinal).ok()
            // The second tells MIG instances apart.
            && (query::cuDeviceGetUuid_v2(&mut uuid, handle).ok()
                || query::cuDeviceGetUuid(&mut uuid, handle).ok())
            && query::cuDeviceTotalMem_v2(&mut bytes, handle).ok();
        known.then_some((handle, Device { uuid, bytes: bytes as u64 }))
    };
    (0..count).filter_map(device).collect()
}
