//! How often each entry point was called: counted by the exported stubs, kept outside the program's view.

use crate::done;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicPtr, AtomicU64};
use std::{env, fs, io, process, ptr};

include!(concat!(env!("OUT_DIR"), "/names.rs"));
std::arch::global_asm!(include_str!(concat!(env!("OUT_DIR"), "/stubs.s")), options(att_syntax));

/// Where counts go without a shared machine.
static PRIVATE: [AtomicU64; COUNT + done::WORDS] =
    [const { AtomicU64::new(0) }; COUNT + done::WORDS];

/// One word per name, in the order of [`NAMES`]. Read by the stubs, so it is never null.
#[unsafe(export_name = "sim_counters")]
static COUNTERS: AtomicPtr<AtomicU64> = AtomicPtr::new((&raw const PRIVATE).cast_mut().cast());

/// A word behind the counts of calls.
pub fn word(at: usize) -> Option<&'static AtomicU64> {
    let counters = COUNTERS.load(std::sync::atomic::Ordering::Acquire);
    // SAFETY: both what it first points to and what `share` maps have so many words, for good.
    let words = unsafe { std::slice::from_raw_parts(counters, COUNT + done::WORDS) };
    words.get(COUNT + at)
}

/// Runs when the library is loaded: only so is every call counted, whichever comes first.
#[used]
#[unsafe(link_section = ".init_array")]
static ATTACH: extern "C" fn() = attach;

extern "C" fn attach() {
    let Some(dir) = env::var_os("CUOTA_SIM").filter(|dir| !dir.is_empty()) else {
        return;
    };
    if let Err(why) = share(Path::new(&dir)) {
        let dir = dir.display();
        eprintln!("simulated driver: calls are not counted in {dir}: {why}");
    }
}

fn share(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let names = dir.join("names");
    let text: String = NAMES.iter().flat_map(|(name, _)| [*name, "\n"]).collect();
    if !names.exists() {
        let fresh = dir.join(format!("names.{}", process::id()));
        fs::write(&fresh, &text)?;
        fs::rename(fresh, &names)?;
    } else if fs::read_to_string(&names)? != text {
        return Err(io::Error::other("it was made by another build"));
    }
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o666)
        .open(dir.join("calls"))?;
    let bytes = size_of_val(&PRIVATE);
    file.set_len(bytes as u64)?;
    // SAFETY: a fresh shared mapping of a file just made long enough; it stays until the process ends.
    let words = unsafe {
        libc::mmap(
            ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        )
    };
    if words == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    COUNTERS.store(words.cast(), std::sync::atomic::Ordering::Release);
    Ok(())
}
