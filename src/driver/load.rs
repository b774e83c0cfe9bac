//! Loading the real libraries and pointing every entry point at what it should lead to.

use core::ffi::{CStr, c_int, c_void};
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::addresses::ADDRESSES;
use super::find::Asked;
use super::path::Kept;
use super::{Entry, Library, absent, dl, file, find, loaded, nvml as questions, process, query};

/// What the entry points are, and what each should lead to once there is a library behind it.
pub trait Wiring {
    fn entries(&self) -> &'static [&'static Entry];
    /// Where calls of an entry go: its body, or `real` directly.
    fn target(&self, entry: &'static Entry, real: *mut ()) -> *mut ();
    /// The word to count an entry's calls in, if somebody asked for that.
    fn calls(&self, index: usize) -> Option<&'static AtomicU64>;
    /// A driver is about to be loaded: the last moment to tell it something by the environment.
    fn before_loading(&self);
    /// The word to count our own calls of a function in.
    fn asked(&self, name: &CStr) -> Option<&'static AtomicU64>;
}

/// Fails to open, in words that say why: this library was found where the driver should be.
const ONLY_US: &CStr = c"/no CUDA driver here but cuota itself/libcuda.so.1";

static DRIVER: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
static NVML: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());

/// The real driver's handle; null before it is loaded.
pub fn driver() -> *mut c_void {
    // SYNC POINT: pairs with the Release in `cuda`: who sees the handle sees every `real`.
    DRIVER.load(Ordering::Acquire)
}

/// What came of looking for the real driver.
pub enum Outcome {
    Loaded,
    /// There is none, in the loader's own opinion too.
    Absent,
    /// There is a file where it should be, and it is not the driver: the path that fails to open.
    Broken(&'static Kept),
}

/// Loads the real driver and wires its entry points, or has them refuse.
pub fn cuda(asked: Asked, wiring: &dyn Wiring) -> Outcome {
    if !driver().is_null() {
        return Outcome::Loaded;
    }
    static BROKEN: Kept = Kept::new();
    let (mut handle, mut broken, mut us) = (core::ptr::null_mut(), false, false);
    find::search(asked, &mut |path| {
        if find::exists(path) {
            wiring.before_loading();
        }
        match open_unless_us(path) {
            Candidate::Driver(opened) => handle = opened,
            // Whoever named a path gets its error; elsewhere the loader, too, passes over files
            // for other machines and stops at others it cannot load.
            Candidate::Broken
                if asked.path() == Some(path)
                    || find::told() == Some(path)
                    || !file::is_for_another_machine(path) =>
            {
                BROKEN.keep(path);
                broken = true;
            }
            Candidate::Broken => {}
            Candidate::Us => us = true,
        }
        broken || !handle.is_null()
    });
    if handle.is_null() {
        refuse(Library::Cuda, wiring);
        if us && !broken {
            BROKEN.keep(ONLY_US);
            broken = true;
        }
        return if broken { Outcome::Broken(&BROKEN) } else { Outcome::Absent };
    }
    process::find_one_thread();
    query::resolve(handle, &|name| wiring.asked(name));
    wire(Library::Cuda, handle, wiring);
    DRIVER.store(handle, Ordering::Release);
    Outcome::Loaded
}

/// The path of the driver there is to load, without loading it.
pub fn locate(asked: Asked) -> Option<&'static Kept> {
    static LOCATED: Kept = Kept::new();
    let there = find::search(asked, &mut |path| {
        let there = find::exists(path) && !file::is_for_another_machine(path);
        if there {
            LOCATED.keep(path);
        }
        there
    });
    there.then_some(&LOCATED)
}

/// Shows every name the real driver exports.
pub fn names(see: &mut dyn FnMut(&CStr)) {
    let driver = driver();
    if !driver.is_null() {
        // SAFETY: a handle is the loader's record of what it opened; this one is never closed.
        unsafe { loaded::exported_names(driver.cast(), see) };
    }
}

/// Wires NVML's entry points to the library behind `handle`, or, without one, to the library the
/// loader has or finds by NVML's name.
pub fn nvml(handle: Option<*mut c_void>, wiring: &dyn Wiring) -> bool {
    if !NVML.load(Ordering::Acquire).is_null() {
        return true;
    }
    let handle = handle.unwrap_or_else(|| dl::open(c"libnvidia-ml.so.1", libc::RTLD_LAZY));
    if handle.is_null() {
        refuse(Library::Nvml, wiring);
        return false;
    }
    questions::resolve(handle, &|name| wiring.asked(name));
    wire(Library::Nvml, handle, wiring);
    NVML.store(handle, Ordering::Release);
    true
}

/// Whether somebody other than us has NVML loaded.
pub fn nvml_is_loaded() -> bool {
    let handle = dl::open(c"libnvidia-ml.so.1", libc::RTLD_LAZY | libc::RTLD_NOLOAD);
    if !handle.is_null() {
        // SAFETY: opened just above; whoever had it open still has.
        unsafe { dl::close(handle) };
    }
    !handle.is_null()
}

/// What a file turned out to be.
enum Candidate {
    Driver(*mut c_void),
    /// A build of this library: preloaded *and* mounted.
    Us,
    Broken,
}

/// Opens a candidate privately first: a build of this library must not become visible to everyone.
/// The driver itself is then made global, so that lazily bound names newer than our list still
/// resolve.
fn open_unless_us(path: &CStr) -> Candidate {
    const PRIVATE: c_int = libc::RTLD_NOW | libc::RTLD_LOCAL;
    let handle = dl::open(path, PRIVATE);
    if handle.is_null() {
        return Candidate::Broken;
    }
    // SAFETY: just opened.
    if unsafe { find::is_us(handle) } {
        // SAFETY: just opened, and nothing of it used.
        unsafe { dl::close(handle) };
        return Candidate::Us;
    }
    if process::is_before_constructors() {
        return Candidate::Driver(handle); // the loader crashes on a change of the global scope then
    }
    Candidate::Driver(dl::open(path, libc::RTLD_NOW | libc::RTLD_GLOBAL))
}

/// First every address, then every slot: whoever is led to a body finds the whole table filled.
fn wire(library: Library, handle: *mut c_void, wiring: &dyn Wiring) {
    let mut missing = false;
    for (index, entry) in of(library, wiring) {
        // SAFETY: the handle is open and stays so; names end in NUL.
        let real = unsafe { dl::sym(handle, entry.name.as_ptr()) }.cast::<()>();
        entry.set_real(real);
        if real.is_null() {
            missing = true;
        } else {
            ADDRESSES.insert(real, index);
        }
    }
    if missing {
        // What the loader says of a name this driver lacks is not the program's to find in dlerror.
        // SAFETY: takes nothing and touches only this thread's error.
        unsafe { libc::dlerror() };
    }
    for (index, entry) in of(library, wiring) {
        let real = entry.real();
        let target = if real.is_null() {
            absent::without_function(library)
        } else {
            wiring.target(entry, real)
        };
        entry.lead_to(target, wiring.calls(index));
    }
}

/// Only entries nobody else has wired meanwhile.
fn refuse(library: Library, wiring: &dyn Wiring) {
    for (_, entry) in of(library, wiring) {
        entry.settle_for(absent::without_library(library, entry.name));
    }
}

fn of(library: Library, wiring: &dyn Wiring) -> impl Iterator<Item = (usize, &'static Entry)> {
    let all = wiring.entries().iter().copied().enumerate();
    all.filter(move |(_, entry)| entry.library == library)
}
