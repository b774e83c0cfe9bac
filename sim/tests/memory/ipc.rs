//! Memory of one process in another.

use crate::driver::{MIB, Machine, alloc, cu, finish, ok, role, start};
use cudarc::driver::sys::*;
use std::io::Write;

/// How two processes of a test find each other: a socket in the machine's directory.
pub mod meet {
    use std::io::{IoSlice, IoSliceMut, Read, Write};
    use std::os::fd::{AsRawFd, RawFd};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::PathBuf;
    use std::sync::Mutex;

    static PEER: Mutex<Option<UnixStream>> = Mutex::new(None);

    fn path() -> PathBuf {
        PathBuf::from(std::env::var_os("CUOTA_SIM").unwrap()).join("meet")
    }

    /// Waits for the other process, which asks.
    pub fn listen() -> UnixStream {
        let listener = UnixListener::bind(path()).unwrap();
        listener.accept().unwrap().0
    }

    /// Asks until the other process listens.
    pub fn ask() -> UnixStream {
        loop {
            match UnixStream::connect(path()) {
                Ok(stream) => return stream,
                Err(_) => std::thread::yield_now(),
            }
        }
    }

    /// Gives a descriptor away, then waits to be killed.
    pub fn give(fd: RawFd) -> ! {
        let mut peer = listen();
        send(&peer, fd);
        let _ = peer.read(&mut [0]);
        // SAFETY: ends this process; that is the point.
        unsafe { libc::raise(libc::SIGKILL) };
        unreachable!()
    }

    pub fn take() -> RawFd {
        let peer = ask();
        let fd = receive(&peer);
        *PEER.lock().unwrap() = Some(peer);
        fd
    }

    /// Ends the giver, and returns when it is gone.
    pub fn kill_maker() {
        let mut peer = PEER.lock().unwrap().take().unwrap();
        peer.write_all(&[1]).unwrap();
        // The giver's end closes while it dies; its locks go after its descriptors do.
        let _ = peer.read(&mut [0]);
    }

    const SPACE: usize = 24;

    fn message(buffer: &mut [u64; 3], name: *mut libc::iovec) -> libc::msghdr {
        // SAFETY: plain numbers and pointers.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = name;
        message.msg_iovlen = 1;
        message.msg_control = buffer.as_mut_ptr().cast();
        message.msg_controllen = SPACE as _;
        message
    }

    fn send(peer: &UnixStream, fd: RawFd) {
        let (mut buffer, byte) = ([0u64; 3], [0u8]);
        let mut slice = IoSlice::new(&byte);
        let message = message(&mut buffer, (&raw mut slice).cast());
        // SAFETY: the buffer has room for one header and one descriptor, and outlives the call.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(4) as _;
            libc::CMSG_DATA(header).cast::<i32>().write_unaligned(fd);
            assert_eq!(libc::sendmsg(peer.as_raw_fd(), &message, 0), 1);
        }
    }

    fn receive(peer: &UnixStream) -> RawFd {
        let (mut buffer, mut byte) = ([0u64; 3], [0u8]);
        let mut slice = IoSliceMut::new(&mut byte);
        let mut message = message(&mut buffer, (&raw mut slice).cast());
        // SAFETY: as for sending.
        unsafe {
            assert_eq!(libc::recvmsg(peer.as_raw_fd(), &mut message, 0), 1);
            let header = libc::CMSG_FIRSTHDR(&message);
            libc::CMSG_DATA(header).cast::<i32>().read_unaligned()
        }
    }
}

#[test]
fn an_allocation_is_really_shared() {
    const TEST: &str = "ipc::an_allocation_is_really_shared";
    match role().as_deref() {
        Some("exporter") => exporter(),
        Some("importer") => importer(),
        _ => {
            let machine = Machine::of(64 * MIB, 1);
            let children = ["exporter", "importer"].map(|role| machine.start(TEST, role));
            children.into_iter().for_each(finish);
        }
    }
}

fn handle() -> CUipcMemHandle {
    CUipcMemHandle { reserved: [0; 64] }
}

fn exporter() {
    start();
    alloc(700);
    let (small, large) = (alloc(3000), alloc(5 * MIB));
    let mut handles = [handle(), handle()];
    ok!(cuMemsetD8_v2(small, 3, 3000));
    ok!(cuIpcGetMemHandle(&mut handles[0], small));
    ok!(cuIpcGetMemHandle(&mut handles[1], large));
    let mut address = 0;
    assert_eq!(cu!(cuIpcOpenMemHandle_v2(&mut address, handles[0], 1)), 201);
    let mut peer = meet::listen();
    for handle in handles {
        peer.write_all(&handle.reserved.map(|byte| byte as u8)).unwrap();
    }
    std::io::Read::read_exact(&mut peer, &mut [0]).unwrap();
    let mut bytes = [0u8; 2];
    ok!(cuMemcpyDtoH_v2(bytes.as_mut_ptr().cast(), large + 5 * MIB as u64 - 2, 2));
    assert_eq!(bytes, [0, 44]);
    let mut pooled = 0;
    ok!(cuMemAllocAsync(&mut pooled, 100, std::ptr::null_mut()));
    assert_eq!(cu!(cuIpcGetMemHandle(&mut handles[0], pooled)), 1);
}

fn importer() {
    let mut peer = meet::ask();
    start();
    let mut handles = [handle(), handle()];
    for handle in &mut handles {
        let mut bytes = [0u8; 64];
        std::io::Read::read_exact(&mut peer, &mut bytes).unwrap();
        handle.reserved = bytes.map(|byte| byte as _);
    }
    let before = crate::driver::free();
    let (mut small, mut large, mut again) = (0, 0, 0);
    assert_eq!(cu!(cuIpcOpenMemHandle_v2(&mut small, handles[0], 0)), 1);
    ok!(cuIpcOpenMemHandle_v2(&mut small, handles[0], 1));
    ok!(cuIpcOpenMemHandle_v2(&mut large, handles[1], 1));
    ok!(cuIpcOpenMemHandle_v2(&mut again, handles[0], 1));
    assert_eq!((small, crate::driver::free()), (again, before));
    let mut byte = 0u8;
    ok!(cuMemcpyDtoH_v2((&raw mut byte).cast(), small + 2999, 1));
    assert_eq!(byte, 3);
    assert_eq!(cu!(cuMemcpyDtoH_v2((&raw mut byte).cast(), small + 3000, 1)), 1);
    ok!(cuMemsetD8_v2(large + 5 * MIB as u64 - 1, 44, 1));
    assert_eq!(cu!(cuMemFree_v2(large)), 1);
    ok!(cuIpcCloseMemHandle(large));
    ok!(cuIpcCloseMemHandle(small));
    ok!(cuIpcCloseMemHandle(small));
    assert_eq!(cu!(cuIpcCloseMemHandle(small)), 1);
    peer.write_all(&[1]).unwrap();
    assert_eq!(cu!(cuIpcOpenMemHandle_v2(&mut small, handle(), 1)), 1);
}
