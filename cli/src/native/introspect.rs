//! libcuota.so asked about itself: its version, and what it does at each entry point.

use std::ffi::{CStr, c_char, c_uint};
use std::path::Path;

use cuota_core::tally::Kind;
use libloading::Library;

use super::driver::in_words;

/// One entry point, and what stands there.
pub struct EntryPoint {
    pub name: String,
    pub kind: Kind,
    /// Why it may be forwarded.
    pub reason: Option<String>,
}

/// What the library says of itself.
pub struct Cuota {
    pub version: String,
    pub entry_points: Vec<EntryPoint>,
}

type Version = unsafe extern "C" fn() -> *const c_char;
type Entry = unsafe extern "C" fn(c_uint, *mut *const c_char, *mut *const c_char) -> *const c_char;

/// Loads the library at `path` and asks it; what the loader says if it cannot.
pub fn ask(path: &Path) -> Result<Cuota, String> {
    // SAFETY: loading a library runs its constructors: this is the file that is about to be loaded
    // into whatever is run, and ours has none. Nothing of it is used under another signature than
    // its own; strings it gives are its constants, and it stays loaded while they are copied.
    unsafe {
        let library = Library::new(path).map_err(in_words)?;
        let wanted = |why| format!("not a build of cuota: {}", in_words(why));
        let version = library.get::<Version>(b"cuota_version\0").map_err(wanted)?;
        let entry = library.get::<Entry>(b"cuota_entry_point\0").map_err(wanted)?;
        let text = |text: *const c_char| {
            (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
        };
        let mut entry_points = Vec::new();
        loop {
            let (mut how, mut reason) = (std::ptr::null(), std::ptr::null());
            let name = entry(entry_points.len() as c_uint, &raw mut how, &raw mut reason);
            let Some(name) = text(name) else { break };
            let kind = match text(how).as_deref() {
                Some("body") => Kind::Body,
                Some("row") => Kind::Row,
                _ => Kind::Forwarded,
            };
            entry_points.push(EntryPoint { name, kind, reason: text(reason) });
        }
        Ok(Cuota { version: text(version()).unwrap_or_default(), entry_points })
    }
}
