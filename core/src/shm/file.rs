//! Files as the ledger needs them: who a descriptor leads to, room that is really there, a file made
//! whole before it has a name, and locks that end with the process.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::NoSizeSignal;

/// What identifies a file while it exists, and what tells whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stat {
    pub device: u64,
    pub inode: u64,
    pub size: u64,
    pub owner: u32,
    pub group: u32,
    /// Type and permissions.
    pub mode: u32,
}

impl Stat {
    pub fn is_same_file(&self, other: &Stat) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    pub fn is_regular(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFREG
    }
}

pub fn stat(file: BorrowedFd) -> io::Result<Stat> {
    // SAFETY: all zero is a valid `stat`, and the call fills it in.
    let (found, failed) = unsafe {
        let mut found = std::mem::zeroed::<libc::stat>();
        let failed = libc::fstat(file.as_raw_fd(), &mut found);
        (found, failed)
    };
    if failed != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Stat {
        device: found.st_dev,
        inode: found.st_ino,
        size: found.st_size.cast_unsigned(),
        owner: found.st_uid,
        group: found.st_gid,
        mode: found.st_mode,
    })
}

pub fn size(file: BorrowedFd) -> io::Result<u64> {
    Ok(stat(file)?.size)
}

/// Makes sure that `bytes` of the file from `start` on are there to be written: a full disk is an
/// error here, and not a SIGBUS later.
pub fn allocate(file: BorrowedFd, start: u64, bytes: u64) -> io::Result<()> {
    let _here = NoSizeSignal::new();
    let offset = |at| libc::off_t::try_from(at).map_err(|_| io::ErrorKind::InvalidInput);
    // SAFETY: grows a file whose descriptor is open.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), offset(start)?, offset(bytes)?) } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// Makes the file at least so long; what is new has no bytes yet. Nobody else does so meanwhile.
pub fn lengthen(file: BorrowedFd, bytes: u64) -> io::Result<()> {
    if size(file)? >= bytes {
        return Ok(());
    }
    let _here = NoSizeSignal::new();
    let bytes = libc::off_t::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: a descriptor that is open.
    match unsafe { libc::ftruncate(file.as_raw_fd(), bytes) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// An open file in `directory` that has no name yet, or has one that nobody looks for.
pub struct Draft {
    pub file: File,
    name: Option<std::path::PathBuf>,
}

impl Draft {
    pub fn new(directory: &Path, mode: u32) -> io::Result<Draft> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(mode);
        // It gets its name by way of `/proc`.
        if Path::new("/proc/self/fd").exists()
            && let Ok(file) =
                options.custom_flags(libc::O_TMPFILE | libc::O_CLOEXEC).open(directory)
        {
            return Ok(Draft { file, name: None });
        }
        static DRAFTS: AtomicU64 = AtomicU64::new(0);
        let count = DRAFTS.fetch_add(1, Ordering::Relaxed);
        let name = directory.join(format!(".{}.{count}.draft", std::process::id()));
        let file = options.custom_flags(libc::O_CLOEXEC).create_new(true).open(&name)?;
        Ok(Draft { file, name: Some(name) })
    }

    /// Gives the file its name, which nobody else may have yet.
    pub fn publish(self, path: &Path) -> io::Result<()> {
        if let Some(name) = &self.name {
            return std::fs::hard_link(name, path);
        }
        let from = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let (from, to) = (CString::new(from)?, CString::new(path.as_os_str().as_bytes())?);
        let (cwd, flags) = (libc::AT_FDCWD, libc::AT_SYMLINK_FOLLOW);
        // SAFETY: both are C strings that outlive the call.
        match unsafe { libc::linkat(cwd, from.as_ptr(), cwd, to.as_ptr(), flags) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _ = std::fs::remove_file(name);
        }
    }
}

fn byte(at: u64) -> libc::flock {
    // SAFETY: all zero is a valid `flock`.
    let mut lock = unsafe { std::mem::zeroed::<libc::flock>() };
    lock.l_type = libc::F_WRLCK as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = at.cast_signed();
    lock.l_len = 1;
    lock
}

/// Locks a byte of the file for this open file description; false if another has it. The kernel
/// unlocks it when the last descriptor and the last mapping made from this one are gone, whatever
/// ended the process.
pub fn lock(file: BorrowedFd, at: u64) -> io::Result<bool> {
    let mut lock = byte(at);
    // SAFETY: reads a `flock` of ours.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &mut lock) } {
        0 => Ok(true),
        _ => match io::Error::last_os_error() {
            why if matches!(why.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
            why => Err(why),
        },
    }
}

pub fn unlock(file: BorrowedFd, at: u64) {
    let mut lock = byte(at);
    lock.l_type = libc::F_UNLCK as libc::c_short;
    // SAFETY: reads a `flock` of ours.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &mut lock) };
}

/// Whether another open file description holds that byte. Needs no permission to write.
pub fn is_locked(file: BorrowedFd, at: u64) -> io::Result<bool> {
    let mut lock = byte(at);
    // SAFETY: reads a `flock` of ours and writes the answer to it.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &mut lock) } {
        0 => Ok(lock.l_type != libc::F_UNLCK as libc::c_short),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether another open file description holds any byte from that one on.
pub fn is_locked_from(file: BorrowedFd, at: u64) -> io::Result<bool> {
    let mut lock = byte(at);
    // To the end, wherever that is.
    lock.l_len = 0;
    // SAFETY: reads a `flock` of ours and writes the answer to it.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &mut lock) } {
        0 => Ok(lock.l_type != libc::F_UNLCK as libc::c_short),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Opens a file that is nobody's link.
pub fn open(path: &Path, write: bool) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK;
    OpenOptions::new().read(true).write(write).custom_flags(flags).open(path)
}

/// Who this process acts as, for files.
pub fn effective_user() -> u32 {
    // SAFETY: only asks.
    unsafe { libc::geteuid() }
}

/// Whether the kernel lets this process make files in a directory.
pub fn is_writable(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: a C string that outlives the call.
    unsafe {
        libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::W_OK | libc::X_OK, libc::AT_EACCESS)
            == 0
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_lock_is_seen_from_elsewhere_until_it_goes() {
        let path = std::env::temp_dir().join(format!("cuota-lock-{}", std::process::id()));
        let open =
            || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let (one, two) = (open().expect("made"), open().expect("made"));
        assert!(lock(one.as_fd(), 1 << 40).expect("locks work"));
        assert!(is_locked(two.as_fd(), 1 << 40).expect("locks work"));
        assert!(!is_locked(two.as_fd(), (1 << 40) + 1).expect("locks work"));
        assert!(is_locked_from(two.as_fd(), 1 << 39).expect("locks work"));
        assert!(!is_locked_from(two.as_fd(), (1 << 40) + 1).expect("locks work"));
        assert!(!lock(two.as_fd(), 1 << 40).expect("locks work"));
        drop(one);
        assert!(!is_locked(two.as_fd(), 1 << 40).expect("locks work"));
        let _ = std::fs::remove_file(&path);
    }
}
