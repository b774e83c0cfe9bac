//! A client's file: made whole before it has a name, and looked at hard before it is trusted.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::layout::{self, Layout, header};
use super::trouble::{Trouble, What};
use super::{Book, Member, Seat};
use crate::shm::file::{self, Draft, Stat};
use crate::shm::{Descriptor, NoSizeSignal, Words, clock};

/// What a new file is made for.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    pub directory: &'a Path,
    /// Made, for us alone, if it is not there.
    pub make_directory: bool,
    pub client: &'a str,
    pub labels: &'a str,
    pub layout: Layout,
    /// Two words that differ with every start of the machine.
    pub boot: [u64; 2],
}

pub(super) const STICKY: u32 = 0o1000;
const SETGID: u32 = 0o2000;
/// Attempts to open what others keep replacing.
const ATTEMPTS: usize = 16;

pub fn file_name(client: &str) -> String {
    format!("{client}.v{}.cuota", layout::VERSION)
}

/// Whose ledger a file is, by its name.
pub fn client_of(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?.strip_suffix(&file_name(""))?;
    crate::config::is_client_name(name).then_some(name)
}

/// Opens the client's ledger, making it if it is not there or is of an earlier start of the machine.
pub fn open(plan: &Plan) -> Result<Book, Trouble> {
    let shared = directory(plan.directory, plan.make_directory)?;
    let path = plan.directory.join(file_name(plan.client));
    for _ in 0..ATTEMPTS {
        let file = match file::open(&path, true) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                make(plan, &path, shared)?;
                continue;
            }
            opened => opened.map_err(|why| unopened(&path, why))?,
        };
        let book = trust(file, &path, shared)?;
        if !is_of_client(&book, plan.client) {
            return Err(Trouble::new(
                &path,
                What::Foreign("is another client's, moved or linked here"),
            ));
        }
        // A lock that is held was taken since the machine started, whatever the file or our view says.
        if is_of_this_boot(&book, plan.boot) || book.is_in_use()? {
            return Ok(book);
        }
        book.discard()?;
    }
    Err(Trouble::new(&path, What::Moved))
}

fn is_of_client(book: &Book, client: &str) -> bool {
    let words = layout::text_words::<{ header::CLIENT_WORDS }>(client);
    (header::CLIENT..).zip(words).all(|(at, word)| book.head.value(at) == word)
}

/// Where one of the two is not known (a `/proc` that does not show it) the file is of this start of the
/// machine unless it was made later than now.
fn is_of_this_boot(book: &Book, boot: [u64; 2]) -> bool {
    let unknown = [boot, book.boot()].contains(&[0; 2]);
    book.boot() == boot || unknown && book.head.value(header::CREATED_BOOT) <= clock::boot_time()
}

/// Opens the client's ledger and takes a place in it. One that was removed in between is nobody's any
/// more: then in the one that has its name.
pub fn enter(plan: &Plan, who: &Member, now: &dyn Fn() -> u64) -> Result<(Book, Seat), Trouble> {
    let mut moved = None;
    for _ in 0..ATTEMPTS {
        let book = open(plan)?;
        let taken = book.door().and_then(|_door| book.seat(who, now()));
        match taken {
            Ok(seat) => return Ok((book, seat)),
            Err(why @ Trouble { what: What::Moved, .. }) => moved = Some(why),
            Err(why) => return Err(why),
        }
    }
    Err(moved.unwrap_or_else(|| Trouble::new(plan.directory, What::Moved)))
}

/// Why a file that is there could not be opened.
pub(super) fn unopened(path: &Path, why: io::Error) -> Trouble {
    let is_link = why.raw_os_error() == Some(libc::ELOOP);
    let what = if is_link { What::Foreign("is a symbolic link") } else { What::File(why) };
    Trouble::new(path, what)
}

/// Whether the directory is one that several users share; an error if it is not safe to use.
pub fn directory(path: &Path, make: bool) -> Result<bool, Trouble> {
    let trouble = |what| Trouble::new(path, what);
    if make {
        let made = fs::DirBuilder::new().mode(0o700).create(path);
        if let Err(why) = made
            && why.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(trouble(What::Directory(why)));
        }
    }
    let found = fs::symlink_metadata(path).and_then(|found| {
        // A link that root or we made is as good as what it leads to.
        let ours = found.uid() == 0 || found.uid() == file::effective_user();
        if found.is_symlink() && ours { fs::metadata(path) } else { Ok(found) }
    });
    let found = found.map_err(|why| trouble(What::Directory(why)))?;
    if !found.is_dir() {
        return Err(trouble(What::Directory(io::ErrorKind::NotADirectory.into())));
    }
    let (owner, mode) = (found.uid(), found.permissions().mode() & 0o7777);
    let writable_by_others = mode & 0o022 != 0;
    let trusted = owner == 0 || owner == file::effective_user();
    if !trusted || (writable_by_others && mode & STICKY == 0) {
        return Err(trouble(What::DirectoryOwner { owner, mode }));
    }
    Ok(mode & SETGID != 0 && mode & 0o020 != 0)
}

/// Makes the file whole, then names it. Whoever is second uses the first's.
fn make(plan: &Plan, path: &Path, shared: bool) -> Result<(), Trouble> {
    let layout = plan.layout;
    let mut words = [0_u64; header::WORDS];
    {
        let mut set = |at: usize, values: &[u64]| {
            for (word, value) in words.iter_mut().skip(at).zip(values) {
                *word = *value;
            }
        };
        let boot_time = clock::boot_time();
        let wall_time = clock::wall_time();
        let epoch = epoch(wall_time);
        set(header::MARK, &[layout::MARK, layout::VERSION, layout.members]);
        set(header::DEVICES, &[layout::DEVICES as u64, layout.events, layout.ring_at()]);
        set(header::DEVICES_AT, &[layout.devices_at(), layout.device_bytes(), epoch]);
        set(header::CREATED_WALL, &[wall_time, boot_time]);
        set(header::BOOT_ID, &plan.boot);
        set(header::OWNER, &[file::effective_user().into()]);
        set(header::CLIENT, &layout::text_words::<{ header::CLIENT_WORDS }>(plan.client));
        set(header::LABELS, &layout::text_words::<{ header::LABELS_WORDS }>(plan.labels));
    }
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    match draft(path, layout, shared, &bytes)?.publish(path) {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => {
            Err(Trouble::new(path, What::File(why)))
        }
        _ => Ok(()),
    }
}

/// A file with room for a ledger at `path`, that has no name yet.
pub(super) fn draft(
    path: &Path,
    layout: Layout,
    shared: bool,
    header: &[u8],
) -> Result<Draft, Trouble> {
    let made = || -> io::Result<Draft> {
        let draft = Draft::new(path.parent().unwrap_or(Path::new("/")), 0o640)?;
        if shared {
            // Past the umask: the group decides who may join.
            draft.file.set_permissions(fs::Permissions::from_mode(0o660))?;
        }
        let _here = NoSizeSignal::new();
        // The ring's place is kept; its bytes come when there are events.
        draft.file.set_len(layout.devices_at())?;
        file::allocate(draft.file.as_fd(), 0, layout.ring_at())?;
        draft.file.write_all_at(header, 0)?;
        Ok(draft)
    };
    made().map_err(|why| {
        let full = matches!(why.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT | libc::EFBIG));
        Trouble::new(path, if full { What::Full(why) } else { What::File(why) })
    })
}

/// Unlike that of any other ledger, whoever makes one in the same nanosecond.
fn epoch(wall_time: u64) -> u64 {
    let mut random = [0; 8];
    let read = File::open("/dev/urandom").and_then(|file| file.read_exact_at(&mut random, 0));
    wall_time ^ read.map_or(u64::from(std::process::id()) << 40, |()| u64::from_le_bytes(random))
}

/// The file as a book, if it is one and ours to use.
pub(super) fn trust(file: File, path: &Path, shared: bool) -> Result<Book, Trouble> {
    let trouble = |what| Trouble::new(path, what);
    let (_, layout) = examine(&file, path, shared)?;
    let whole = |bytes: u64| (bytes / 8) as usize;
    let mapped = Words::map_at(file.as_fd(), 0, whole(layout.devices_at()));
    let head = mapped.map_err(|why| trouble(What::File(why)))?;
    let kept_from_children = head.keep_from_children();
    let file = Descriptor::keep(file, path).map_err(|why| trouble(What::File(why)))?;
    Ok(Book::new(file, head, layout, kept_from_children))
}

/// Whether the file is a ledger and ours to use, without mapping anything.
pub(super) fn examine(file: &File, path: &Path, shared: bool) -> Result<(Stat, Layout), Trouble> {
    let trouble = |what| Trouble::new(path, what);
    let stat = file::stat(file.as_fd()).map_err(|why| trouble(What::File(why)))?;
    is_ours(&stat, shared).map_err(|why| trouble(What::Foreign(why)))?;
    let layout = check(file, &stat).map_err(|why| trouble(What::Unreadable(why)))?;
    Ok((stat, layout))
}

fn is_ours(stat: &Stat, shared: bool) -> Result<(), &'static str> {
    if !stat.is_regular() {
        return Err("is no plain file");
    }
    let same_user = stat.owner == file::effective_user();
    let same_group = shared && stat.mode & 0o060 == 0o060;
    if !same_user && !same_group {
        return Err("belongs to another user");
    }
    if stat.mode & 0o002 != 0 {
        return Err("may be written by everybody");
    }
    Ok(())
}

// `check` says it in words.
const _: () = assert!(layout::VERSION == 1);

/// Looks at the header without mapping anything.
pub fn check(file: &File, stat: &Stat) -> Result<Layout, &'static str> {
    if stat.size < layout::PAGE {
        return Err("it is cut short");
    }
    if stat.size > layout::MOST_FILE_BYTES {
        return Err("it is larger than any ledger");
    }
    let mut bytes = [0; 64];
    file.read_exact_at(&mut bytes, 0).map_err(|_| "it cannot be read")?;
    let mut words = bytes.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_le_bytes));
    let mut next = || words.next().unwrap_or(0);
    if next() != layout::MARK {
        return Err("it does not begin like one");
    }
    if next() != layout::VERSION {
        return Err("it is of another version: this cuota reads version 1");
    }
    let (members, devices, events) = (next(), next(), next());
    let layout = Layout::new(members, events);
    let same = layout == Layout { members, events } && devices == layout::DEVICES as u64;
    let places = [layout.ring_at(), layout.devices_at(), layout.device_bytes()];
    if !same || places != [next(), next(), next()] {
        return Err("its header contradicts itself");
    }
    if stat.size < layout.devices_at() {
        return Err("it is cut short");
    }
    Ok(layout)
}

/// The ledgers of a directory: every file with this version's ending.
pub fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let ending = file_name("");
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.len() > ending.len() && name.ends_with(&ending) && !name.starts_with('.') {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
