//! The machine file: made whole and then named, so nobody ever opens half of one.

use super::config::CardSpec;
use super::layout::{FILE_BYTES, MAGIC, MAX_CARDS, VERSION, Words};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, Release};

/// Opens the directory's machine, or makes it of these cards if there is none.
pub fn open_or_create(dir: &Path, cards: &[CardSpec]) -> io::Result<(File, &'static Words)> {
    let path = dir.join("machine");
    loop {
        match OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_CLOEXEC | libc::O_NOFOLLOW)
            .open(&path)
        {
            Ok(file) => return adopt(file),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if let Some(made) = create(dir, &path, cards)? {
                    return Ok(made);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// A machine that no other process can see.
pub fn private(cards: &[CardSpec]) -> io::Result<(File, &'static Words)> {
    // SAFETY: the name is a literal with its final zero.
    let fd = unsafe { libc::memfd_create(c"cuota-sim-machine".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a descriptor just made, owned by nobody else.
    let file = unsafe { File::from_raw_fd(fd) };
    let words = fill(&file, cards)?;
    Ok((apart(&file)?, words))
}

/// `None` when another process was first: its machine is everybody's.
fn create(
    dir: &Path,
    path: &Path,
    cards: &[CardSpec],
) -> io::Result<Option<(File, &'static Words)>> {
    fs::create_dir_all(dir)?;
    // Threads may race to their first call as well as processes.
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    let draft = (std::process::id(), DRAFTS.fetch_add(1, Relaxed));
    let draft = dir.join(format!(".machine.{}.{}", draft.0, draft.1));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o660)
        .open(&draft)?;
    let words = fill(&file, cards)?;
    let named = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match named {
        Ok(()) => Ok(Some((apart(&file)?, words))),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error),
    }
}

fn fill(file: &File, cards: &[CardSpec]) -> io::Result<&'static Words> {
    // Space is taken now, so that a full disk is an error here and not a SIGBUS later.
    // SAFETY: an open descriptor and plain integers.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, FILE_BYTES as libc::off_t) } {
        0 => {}
        error => return Err(io::Error::from_raw_os_error(error)),
    }
    let words = map(file)?;
    let count = cards.len().min(MAX_CARDS);
    for (number, (spec, card)) in cards.iter().zip(&words.cards).enumerate() {
        card.write(spec, number);
    }
    words.header.cards.store(count as u64, Relaxed);
    words.header.next_id.store(1, Relaxed);
    words.header.version.store(VERSION, Relaxed);
    words.header.magic.store(MAGIC, Release);
    Ok(words)
}

fn adopt(file: File) -> io::Result<(File, &'static Words)> {
    let refuse = |text| Err(io::Error::new(ErrorKind::InvalidData, text));
    if file.metadata()?.size() != FILE_BYTES as u64 {
        return refuse("not a machine file of this version (its size differs)");
    }
    let words = map(&file)?;
    if words.header.magic.load(Relaxed) != MAGIC || words.header.version.load(Relaxed) != VERSION {
        return refuse("not a machine file of this version");
    }
    Ok((apart(&file)?, words))
}

/// The same file opened once more, to lock through. A mapping keeps the open file it was made
/// from, and with it that one's locks, alive in every fork child; these must end with us.
fn apart(file: &File) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Maps the words for as long as the process lives.
fn map(file: &File) -> io::Result<&'static Words> {
    // SAFETY: a fresh shared mapping of a file at least this long, placed by the kernel.
    let base = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            FILE_BYTES,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        )
    };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is page-aligned, `FILE_BYTES` long and never unmapped; `Words` is made of
    // atomics only, for which every bit pattern is valid.
    Ok(unsafe { &*base.cast::<Words>() })
}
