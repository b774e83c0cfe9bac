//! What a supervisor says of its daemon: as lines, to systemd, and in files.
#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::facts::{Facts, file};
use super::state::Server;
use crate::export::textfile;
use crate::ps::json::escaped;
use crate::screen;

pub struct Teller {
    pub json: bool,
    pub metrics: Option<PathBuf>,
}

impl Teller {
    pub fn tell(&self, event: &str, pid: Option<i32>, what: &str) {
        let line = if self.json {
            escaped(&json!({ "event": event, "pid": pid, "what": what }).to_string())
        } else {
            format!("{event}: {what}")
        };
        screen::print(&(line + "\n"));
        self.notify(&format!("STATUS={event}: {}", what.lines().next().unwrap_or_default()));
    }

    /// Tells systemd, if it asked to be told.
    pub fn notify(&self, what: &str) {
        let Some(name) = env::var_os("NOTIFY_SOCKET") else { return };
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(&name),
        };
        if let (Ok(address), Ok(socket)) = (address, UnixDatagram::unbound()) {
            let _ = socket.send_to_addr(what.as_bytes(), &address);
        }
    }

    /// Writes down how it stands. That this fails is no reason to watch no longer.
    pub fn record<'a>(
        &self,
        place: &Path,
        facts: &Facts,
        servers: impl Iterator<Item = &'a Server>,
    ) {
        if place.is_dir() {
            let _ = textfile::write(&file(place), &facts.json().to_string());
        }
        if let Some(path) = &self.metrics
            && let Err(why) = textfile::publish(path, &facts.metrics(place, servers))
        {
            screen::complain(&why.text);
        }
    }

    /// Nobody keeps these up to date any more.
    pub fn forget(&self, place: &Path) {
        for file in self.metrics.iter().chain([&file(place)]) {
            let _ = fs::remove_file(file);
        }
    }
}
