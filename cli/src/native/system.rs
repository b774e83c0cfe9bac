//! A few questions only the system can answer.

use std::ffi::{CString, c_int};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

fn c_path(path: &Path) -> Option<CString> {
    CString::new(path.as_os_str().as_bytes()).ok()
}

/// Whether this process may execute the file.
pub fn may_execute(file: &Path) -> bool {
    let Some(path) = c_path(file) else { return false };
    // SAFETY: the path ends in NUL.
    unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::X_OK, libc::AT_EACCESS) == 0 }
}

/// Whether the file gives capabilities to whoever executes it.
pub fn has_capabilities(file: &Path) -> bool {
    let Some(path) = c_path(file) else { return false };
    let name = c"security.capability";
    // SAFETY: both strings end in NUL; a size of 0 asks for the length only and writes nothing.
    unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0) > 0 }
}

/// The real user and group of this process.
pub fn user_and_group() -> (u32, u32) {
    // SAFETY: neither takes anything or can fail.
    unsafe { (libc::getuid(), libc::getgid()) }
}

/// From now on an interrupt from the terminal does not end this process: it ends the children, which
/// get it too, and this one has still to report and to clean up.
///
/// By a handler, not SIG_IGN: children would inherit that.
pub fn outlive_interrupt() {
    extern "C" fn nothing(_: c_int) {}
    handle(libc::SIGINT, nothing);
}

/// The child that is waited for; 0 when there is none.
static CHILD: AtomicI32 = AtomicI32::new(0);

/// What came before there was a child to pass it on to; 0 if nothing did.
static EARLY: AtomicI32 = AtomicI32::new(0);

/// The last request to end, whoever it was passed on to; 0 if none came.
static REQUESTED: AtomicI32 = AtomicI32::new(0);

/// What the terminal sends it sends to the child, too: only what a process sent is passed on.
extern "C" fn pass_on_if_sent(signal: c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel gives a handler of this kind what it knows of the signal.
    if !info.is_null() && unsafe { (*info).si_code } <= 0 {
        pass_on(signal);
    } else {
        REQUESTED.store(signal, Ordering::SeqCst);
    }
}

extern "C" fn pass_on(signal: c_int) {
    REQUESTED.store(signal, Ordering::SeqCst);
    match CHILD.load(Ordering::SeqCst) {
        0 => EARLY.store(signal, Ordering::SeqCst),
        // SAFETY: `kill` may be called from a handler.
        child => drop(unsafe { libc::kill(child, signal) }),
    }
}

/// The request to end that came, if one did.
pub fn request_to_end() -> Option<c_int> {
    Some(REQUESTED.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
}

/// Waits for the child to end; meanwhile a request to end is passed on to it.
pub fn wait_for(child: &mut Child) -> io::Result<ExitStatus> {
    CHILD.store(child.id().cast_signed(), Ordering::SeqCst);
    handle(libc::SIGTERM, pass_on);
    let early = EARLY.swap(0, Ordering::SeqCst);
    if early != 0 {
        pass_on(early);
    }
    let ended = child.wait();
    CHILD.store(0, Ordering::SeqCst);
    ended
}

/// Before a child is started that this process stands in for: what would end this one is passed on to
/// the child. What is ignored stays so, for both (`nohup`). The terminal interrupts both by itself.
pub fn stand_in() {
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: a zeroed `sigaction` is a valid one, and the call only fills it in.
        let ignored = unsafe {
            let mut now: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut now);
            now.sa_sigaction == libc::SIG_IGN
        };
        if !ignored && [libc::SIGINT, libc::SIGQUIT].contains(&signal) {
            handle_known(signal, pass_on_if_sent);
        } else if !ignored {
            handle(signal, pass_on);
        }
    }
}

/// Ends this process as that signal ended the child, for whoever waits for it. The child has left the
/// core already, if it was to leave one.
pub fn end_by(signal: c_int) {
    // SAFETY: a limit and an action of this process, which is about to end; nothing is kept of the
    // zeroed structures, which are valid ones.
    unsafe {
        let none: libc::rlimit = std::mem::zeroed();
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        let action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        libc::raise(signal);
    }
}

/// As many files open at once as this process may have: a thousand ledgers are followed by as many.
pub fn open_many_files() {
    // SAFETY: both calls only read and write the structure, which may be all zero.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

/// A request to end does not end this process any more: it is kept until somebody waits for it. For
/// threads made from here on, too.
pub fn keep_requests_to_end() {
    let set = requests_to_end();
    // SAFETY: reads a set of ours.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
}

/// Waits for such a request; false if none came for so long.
pub fn wait_for_request_to_end(most: Duration) -> bool {
    let set = requests_to_end();
    let time = libc::timespec {
        tv_sec: most.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: most.subsec_nanos().into(),
    };
    // SAFETY: reads a set and a time of ours.
    unsafe { libc::sigtimedwait(&raw const set, std::ptr::null_mut(), &raw const time) > 0 }
}

fn requests_to_end() -> libc::sigset_t {
    // SAFETY: fills in a set of ours.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        libc::sigaddset(&raw mut set, libc::SIGINT);
        set
    }
}

/// `handler` does only what may be done in one.
pub(super) fn handle(signal: c_int, handler: extern "C" fn(c_int)) {
    // SAFETY: a zeroed `sigaction` is a valid one, without flags or mask; the handlers are this
    // folder's.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

/// The same for one that is told where the signal comes from.
fn handle_known(
    signal: c_int,
    handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void),
) {
    // SAFETY: as in `handle`.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_RESTART | libc::SA_SIGINFO;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

/// Who holds a lock on a file, of the kind that goes with a process: nobody, a process, or 0 for one of
/// another PID namespace.
pub fn lock_holder(file: &Path) -> io::Result<Option<i32>> {
    let file = std::fs::File::open(file)?;
    // SAFETY: plain numbers, for which 0 is a value.
    let mut asked: libc::flock = unsafe { std::mem::zeroed() };
    asked.l_type = libc::F_WRLCK as libc::c_short;
    // SAFETY: the descriptor is open; the answer goes into our own memory.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut asked) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((i32::from(asked.l_type) != libc::F_UNLCK).then_some(asked.l_pid))
}

/// Ends a process, which is not asked.
pub fn kill(pid: i32) -> bool {
    // SAFETY: a signal to one process: 0 and below would be more.
    pid > 0 && unsafe { libc::kill(pid, libc::SIGKILL) } == 0
}

/// Asks a process to end.
pub fn terminate(pid: i32) -> bool {
    signal(pid, libc::SIGTERM)
}

fn signal(pid: i32, signal: c_int) -> bool {
    // SAFETY: a signal to one process: 0 and below would be more.
    pid > 0 && unsafe { libc::kill(pid, signal) } == 0
}
