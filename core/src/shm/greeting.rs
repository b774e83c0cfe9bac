//! Whether anybody answers at a socket, within a time.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longer than any greeting that is waited for.
const MOST: usize = 64;

/// The first message of whoever listens at `path` to those that connect; nothing if none has come in
/// time, of somebody who does not get to accepting or says nothing.
pub fn greeting(path: &Path, patience: Duration) -> io::Result<Option<Vec<u8>>> {
    let end = Instant::now() + patience;
    let (address, length) = address(path)?;
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: makes a descriptor, or fails.
    let made = unsafe { libc::socket(libc::AF_UNIX, kind, 0) };
    if made < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: made just above, and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(made) };
    let fd = socket.as_raw_fd();
    // SAFETY: an address of our own, as long as is said.
    if unsafe { libc::connect(fd, (&raw const address).cast(), length) } != 0 {
        let why = io::Error::last_os_error();
        // So many others wait to be accepted that there is no place.
        return if why.kind() == io::ErrorKind::WouldBlock { Ok(None) } else { Err(why) };
    }
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let mut ready = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: one descriptor, in our own memory.
        let found = unsafe { libc::poll(&raw mut ready, 1, left.as_millis() as libc::c_int) };
        match found {
            0 => return Ok(None),
            1.. => break,
            _ => {
                let why = io::Error::last_os_error();
                if why.kind() != io::ErrorKind::Interrupted {
                    return Err(why);
                }
            }
        }
    }
    let mut message = [0_u8; MOST];
    // SAFETY: our own memory, as long as is said.
    let length = unsafe { libc::recv(fd, message.as_mut_ptr().cast(), MOST, libc::MSG_DONTWAIT) };
    match usize::try_from(length) {
        Ok(length) => Ok(Some(message.get(..length).unwrap_or_default().to_vec())),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

fn address(path: &Path) -> io::Result<(libc::sockaddr_un, libc::socklen_t)> {
    // SAFETY: plain numbers, for which 0 is a value.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let bytes = OsStr::as_bytes(path.as_os_str());
    if bytes.len() >= address.sun_path.len() || bytes.contains(&0) {
        return Err(io::Error::from(io::ErrorKind::InvalidFilename));
    }
    for (place, byte) in address.sun_path.iter_mut().zip(bytes) {
        *place = byte.cast_signed();
    }
    Ok((address, size_of::<libc::sockaddr_un>() as libc::socklen_t))
}
