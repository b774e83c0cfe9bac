//! What process this is: some are NVIDIA's own and not ours to touch.

use core::sync::atomic::{AtomicPtr, AtomicU8, Ordering};
use std::os::unix::ffi::OsStrExt;

use super::path::Path;

pub use cuota_core::shm::NotCancelled;

/// Programs in which every call passes straight through: they serve all clients of the card, and a
/// limit or a share applied to them would apply to everyone.
const NOT_OURS: [&[u8]; 7] = [
    b"nvidia-cuda-mps-",
    b"nvidia-persistenced",
    b"nvidia-fabricmanager",
    b"nv-fabricmanager",
    b"nvidia-modprobe",
    b"nvidia-powerd",
    b"nv-hostengine",
];

/// What `cell` was given, if anything.
#[inline(always)]
pub fn leaked<T: Sync>(cell: &AtomicPtr<T>) -> Option<&'static T> {
    // SYNC POINT: pairs with the Release in `leak`.
    // SAFETY: null, or a box `leak` never frees once it is here.
    unsafe { cell.load(Ordering::Acquire).as_ref() }
}

/// Gives `cell` a value that stays as long as the process, unless it has one; and whether it was
/// this one.
pub fn leak<T: Sync>(cell: &AtomicPtr<T>, value: T) -> (&'static T, bool) {
    let made = Box::into_raw(Box::new(value));
    let first =
        cell.compare_exchange(core::ptr::null_mut(), made, Ordering::Release, Ordering::Acquire);
    match first {
        // SAFETY: just made, and from now on nobody's to free.
        Ok(_) => (unsafe { &*made }, true),
        Err(held) => {
            // SAFETY: made above and shown to nobody.
            drop(unsafe { Box::from_raw(made) });
            // SAFETY: what is held was put there as in the other branch.
            (unsafe { &*held }, false)
        }
    }
}

/// This process, as it sees itself.
pub fn id() -> u32 {
    // SAFETY: only asks.
    unsafe { libc::getpid() }.cast_unsigned()
}

/// Runs `act` when this thread ends, after its thread-locals with destructors are gone; false if the
/// C library has no room for it. Always the same `act`.
pub fn before_thread_ends(act: fn()) -> bool {
    /// The key, and what it runs.
    static KEY: std::sync::OnceLock<Option<libc::pthread_key_t>> = std::sync::OnceLock::new();
    static ACT: std::sync::OnceLock<fn()> = std::sync::OnceLock::new();
    extern "C" fn end(_: *mut core::ffi::c_void) {
        if let Some(act) = ACT.get() {
            act();
        }
    }
    ACT.get_or_init(|| act);
    let key = KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: makes a key; the library is never unloaded, so `end` stays.
        let made = unsafe { libc::pthread_key_create(&mut key, Some(end)) };
        (made == 0).then_some(key)
    });
    // SAFETY: a key made above; the value is only there to be other than null, and nobody follows it.
    key.is_some_and(|key| unsafe {
        libc::pthread_setspecific(key, core::ptr::without_provenance(1)) == 0
    })
}

/// Runs `act` with all signals kept from this thread: one that is made meanwhile never runs a handler of
/// the program's.
fn without_signals(act: impl FnOnce()) {
    // SAFETY: sets of signals are plain memory; the mask of this thread is put back as it was.
    unsafe {
        let mut all = core::mem::zeroed::<libc::sigset_t>();
        let mut before = all;
        libc::sigfillset(&mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &all, &mut before);
        act();
        libc::sigprocmask(libc::SIG_SETMASK, &before, core::ptr::null_mut());
    }
}

/// Begins a thread like one of the program's own: with its stack and its mask of signals.
pub fn begin_plain_thread(name: &str, act: impl FnOnce() + Send + 'static) -> bool {
    const STACK: usize = 8 << 20;
    let thread = std::thread::Builder::new().name(name.into()).stack_size(STACK);
    thread.spawn(act).is_ok()
}

/// Begins a thread that no signal interrupts; false if there is no room for one.
pub fn begin_thread(name: &str, act: impl FnOnce() + Send + 'static) -> bool {
    let mut begun = false;
    without_signals(|| {
        let thread = std::thread::Builder::new().name(name.into()).stack_size(256 << 10);
        begun = thread.spawn(act).is_ok();
    });
    begun
}

/// Ends the process at once: nothing that was registered for its end runs.
pub fn end(status: core::ffi::c_int) -> ! {
    // SAFETY: takes nothing, and does not come back.
    unsafe { libc::_exit(status) }
}

/// Runs `act` when the process ends by `exit` or by returning from `main`.
pub fn before_exit(act: extern "C" fn(*mut core::ffi::c_void)) {
    use core::ffi::{c_int, c_void};
    unsafe extern "C" {
        fn __cxa_atexit(
            act: extern "C" fn(*mut c_void),
            with: *mut c_void,
            library: *mut c_void,
        ) -> c_int;
    }
    let none = core::ptr::null_mut();
    // SAFETY: registers a function of a library that is never unloaded, and so of no library.
    let _ = unsafe { __cxa_atexit(act, none, none) };
}

static ONE_THREAD: AtomicPtr<AtomicU8> = AtomicPtr::new(core::ptr::null_mut());

/// Asks the loader where the C library says whether the process has one thread only. While the driver
/// is loaded: later the loader's lock may be somebody's who waits for us.
pub fn find_one_thread() {
    let (name, version) = (c"__libc_single_threaded", c"GLIBC_2.32");
    // SAFETY: both end in NUL.
    let found = unsafe { libc::dlvsym(libc::RTLD_DEFAULT, name.as_ptr(), version.as_ptr()) };
    if found.is_null() {
        // An older C library's dlerror is not the program's to find.
        // SAFETY: takes nothing and touches only this thread's error.
        unsafe { libc::dlerror() };
    }
    ONE_THREAD.store(found.cast(), Ordering::Release);
}

/// Where the C library says whether the process has one thread only, if it does.
pub fn one_thread() -> Option<&'static AtomicU8> {
    // SAFETY: null, or a byte of the C library's, which is never unloaded; it is written while others
    // read it, and an atomic byte is how to read such a one.
    unsafe { ONE_THREAD.load(Ordering::Acquire).as_ref() }
}

/// The leader of the session this process was started in, if it can be seen.
pub fn session_leader() -> Option<u32> {
    // SAFETY: only asks.
    let leader = unsafe { libc::getsid(0) };
    u32::try_from(leader).ok().filter(|pid| *pid > 0)
}

/// Whether this process is one of NVIDIA's own services.
pub fn is_a_service() -> bool {
    std::fs::read_link("/proc/self/exe")
        .is_ok_and(|path| path.file_name().is_some_and(|name| serves_everyone(name.as_bytes())))
}

/// The same of another process, by how it was started.
pub fn is_a_service_of(pid: u32) -> bool {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let first = words.split(|byte| *byte == 0).next().unwrap_or_default();
    first.rsplit(|byte| *byte == b'/').next().is_some_and(serves_everyone)
}

fn serves_everyone(name: &[u8]) -> bool {
    NOT_OURS.iter().any(|known| name.starts_with(known))
}

/// The program's own file.
pub fn program_path(path: &mut Path) {
    path.fill(|bytes| {
        // SAFETY: the kernel writes at most as many bytes as there are.
        let written = unsafe {
            libc::readlink(c"/proc/self/exe".as_ptr(), bytes.as_mut_ptr().cast(), bytes.len())
        };
        usize::try_from(written).unwrap_or(0)
    });
}

/// `LD_LIBRARY_PATH` as the loader took it when the process started, whatever became of the
/// environment since; empty if there was none, or the loader did not listen to it.
pub fn first_library_path() -> Vec<u8> {
    if has_more_rights() {
        return Vec::new();
    }
    let environment = std::fs::read("/proc/self/environ").unwrap_or_default();
    let mut entries = environment.split(|byte| *byte == 0);
    entries.find_map(|entry| entry.strip_prefix(b"LD_LIBRARY_PATH=")).unwrap_or_default().to_vec()
}

/// Whether not even libc's own constructor has run: a program's `.preinit_array` is calling.
pub fn is_before_constructors() -> bool {
    unsafe extern "C" {
        static program_invocation_name: *const core::ffi::c_char;
    }
    // SAFETY: libc's own variable: the empty string until its constructor has seen `argv`.
    unsafe { *program_invocation_name == 0 }
}

/// Whether the process runs with more rights than its caller (set-user-ID, file capabilities): the
/// caller's environment must then not decide what is loaded or written.
pub fn has_more_rights() -> bool {
    // SAFETY: reads a number the kernel gave at start.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Whether this thread runs on the stack it has set aside for signal handlers.
pub fn is_on_signal_stack() -> bool {
    // SAFETY: only asks; the answer is written to this thread's own memory.
    unsafe {
        let mut stack = core::mem::zeroed::<libc::stack_t>();
        libc::sigaltstack(core::ptr::null(), &mut stack) == 0
            && stack.ss_flags & libc::SS_ONSTACK != 0
    }
}

#[cfg(test)]
mod tests {
    use super::serves_everyone;

    #[test]
    fn services_by_name() {
        for yes in [
            "nvidia-cuda-mps-server",
            "nvidia-cuda-mps-control",
            "nvidia-persistenced",
            "nv-hostengine",
        ] {
            assert!(serves_everyone(yes.as_bytes()), "{yes}");
        }
        for no in ["nvidia-smi", "python3", "my-nvidia-cuda-mps-server", "nvidia"] {
            assert!(!serves_everyone(no.as_bytes()), "{no}");
        }
    }
}
