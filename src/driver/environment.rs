//! Changing this process's environment while other threads may be reading it.
//!
//! The C library's `setenv` may free the array that another thread's `getenv` is walking. Here nothing
//! is ever freed: an entry is replaced in its place, or the array by a longer copy.

use core::ffi::{CStr, c_char, c_void};
use core::sync::atomic::{AtomicPtr, Ordering};
use std::ffi::CString;

type Entry = AtomicPtr<c_char>;

unsafe extern "C" {
    #[link_name = "environ"]
    static ENVIRON: AtomicPtr<Entry>;
}

/// Sets a variable for this process and its children; false if that is no text for one, or others
/// change the environment all the time.
pub fn set(name: &str, value: &str) -> bool {
    const TRIES: usize = 100;
    let Ok(entry) = CString::new(format!("{name}={value}")) else { return false };
    let entry = entry.into_raw();
    // SAFETY: the C library's own variable, a pointer that others may be reading; it is always there.
    let environ = unsafe { &ENVIRON };
    (0..TRIES).any(|_| {
        let entries = environ.load(Ordering::Acquire);
        let mut longer: Vec<Entry> = Vec::new();
        // SAFETY: `environ` points to entries up to a null one; or is null, and is not followed.
        while let Some(there) = unsafe { entries.as_ref().and(entries.add(longer.len()).as_ref()) }
        {
            let text = there.load(Ordering::Acquire);
            if text.is_null() {
                break;
            }
            // SAFETY: an entry that is not null is a string that ends in NUL.
            if names(unsafe { CStr::from_ptr(text) }, name) {
                let swapped = Ordering::AcqRel;
                return there.compare_exchange(text, entry, swapped, Ordering::Relaxed).is_ok();
            }
            longer.push(AtomicPtr::new(text));
        }
        longer.push(AtomicPtr::new(entry));
        longer.push(AtomicPtr::new(core::ptr::null_mut()));
        let longer = longer.leak().as_mut_ptr();
        environ.compare_exchange(entries, longer, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    })
}

fn names(entry: &CStr, name: &str) -> bool {
    entry.to_bytes().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'='))
}

const _: () = assert!(size_of::<Entry>() == size_of::<*mut c_void>());

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Of tests in one process those that are not std's to keep apart.
    static ALONE: Mutex<()> = Mutex::new(());

    #[test]
    fn what_is_set_is_there_for_us_and_for_children() {
        let _alone = ALONE.lock();
        let name = "CUOTA_TEST_OF_ENVIRONMENT";
        for value in ["1", "two words", ""] {
            assert!(set(name, value));
            assert_eq!(std::env::var(name).as_deref(), Ok(value));
            let child = std::process::Command::new("/usr/bin/env").output().expect("it runs");
            let text = String::from_utf8_lossy(&child.stdout).into_owned();
            let line = format!("{name}={value}");
            assert_eq!(text.lines().filter(|there| **there == line).count(), 1);
        }
        assert!(!set(name, "a\0b"));
        assert!(names(c"PATH=/bin", "PATH") && !names(c"PATHS=/bin", "PATH"));
    }

    /// What others take out while the longer copy is made does not end it before our entry.
    #[test]
    fn what_others_take_out_does_not_hide_it() {
        let _alone = ALONE.lock();
        let filler = |number: i32| format!("CUOTA_TEST_FILLER_{number}");
        for round in 0..100 {
            for number in 0..500 {
                // SAFETY: whoever reads the environment here does so by std, which waits, or holds `ALONE`.
                unsafe { std::env::set_var(filler(number), "x") };
            }
            let name = format!("CUOTA_TEST_HIDDEN_{round}");
            std::thread::scope(|scope| {
                // SAFETY: as above; `set` is made for this.
                let takes = |number| unsafe { std::env::remove_var(filler(number)) };
                scope.spawn(move || (0..500).for_each(takes));
                assert!(set(&name, "1"));
            });
            assert_eq!(std::env::var(&name).as_deref(), Ok("1"), "round {round}");
        }
    }

    /// Readers walk the environment all the while; nothing they stand on goes away.
    #[test]
    fn readers_are_not_disturbed() {
        let _alone = ALONE.lock();
        let name = "CUOTA_TEST_OF_READERS";
        assert!(set(name, "0"));
        let stop = core::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        // SAFETY: only asks, as any C program does.
                        let there = unsafe { libc::getenv(c"CUOTA_TEST_OF_READERS".as_ptr()) };
                        assert!(!there.is_null());
                    }
                });
            }
            for number in 0..2000 {
                assert!(set(&format!("{name}_{}", number % 50), &number.to_string()));
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}
