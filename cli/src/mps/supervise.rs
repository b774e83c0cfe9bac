//! `cuota mps supervise`: the daemon is watched by its lock, which costs it nothing, and asked seldom. One
//! that has died is started again with what it was told; one that is only busy is left alone.
#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use cuota_core::mps::{Daemon, PATIENCE, look};
use serde_json::json;

use super::start::{How, bring_up, limit};
use super::{STOPPED, Where, known_holder, servers};
use crate::command::Failure;
use crate::native::{stop, system};
use crate::processes::Processes;
use crate::ps::json::escaped;
use crate::{screen, times};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    at: Where,
    #[command(flatten)]
    how: How,
    /// How often its lock is looked at
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = times::duration)]
    every: Duration,
    /// Print a JSON object for each thing that happens
    #[arg(long)]
    json: bool,
}

/// Looks at the lock for each time that the daemon is spoken to: it writes two lines of log for that.
const SELDOM: u32 = 30;
/// How long until one that does not come up is tried again: at first, and at most.
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(60);

struct Watch<'a> {
    options: &'a Options,
    place: PathBuf,
    /// The daemon that is watched, if there is one.
    pid: Option<i32>,
    silent: bool,
    pause: Duration,
    /// When it may be started again.
    due: Instant,
}

pub fn supervise(options: &Options) -> Result<u8, Failure> {
    let place = options.at.place()?;
    stop::by_signal();
    let (pid, due) = (None, Instant::now());
    let mut watch = Watch { options, place, pid, silent: false, pause: FIRST, due };
    // What cannot work at all is said at once.
    watch.start()?;
    let mut looks = 0;
    loop {
        if !stop::wait(options.every) {
            watch.tell("ended", "this supervisor ends; the daemon goes on");
            return Ok(0);
        }
        if watch.is_stopped() {
            watch.tell("stopped", "the daemon was stopped by command");
            return Ok(0);
        }
        looks = (looks + 1) % SELDOM;
        watch.look(looks == 0);
    }
}

impl Watch<'_> {
    fn start(&mut self) -> Result<(), Failure> {
        for server in servers::left(&Processes::here(), &self.place) {
            if system::terminate(server) {
                let what = format!("server {server}, which has no daemon any more, was ended");
                self.tell("orphan", &what);
            }
        }
        let started = bring_up(&self.place, &self.options.how)?;
        self.adopt(if started.is_some() { "started" } else { "found" })?;
        self.pause = FIRST;
        Ok(())
    }

    /// Watches who holds the lock now, with what the daemon is to be told.
    fn adopt(&mut self, how: &str) -> Result<(), Failure> {
        self.pid = known_holder(&self.place);
        self.silent = false;
        // Of an earlier one.
        let _ = fs::remove_file(self.place.join(STOPPED));
        let mut what = format!("process {}", self.pid.unwrap_or(0));
        if let Some(most) = limit(&self.place, &self.options.how)? {
            what += &format!(", at most {most} % of the SMs for a client's process");
        }
        self.tell(how, &what);
        notify("READY=1");
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        known_holder(&self.place).is_none() && self.place.join(STOPPED).exists()
    }

    fn look(&mut self, speak: bool) {
        match known_holder(&self.place) {
            // That it was stopped is written before it ends.
            None if self.is_stopped() => {}
            None => self.again(),
            now if now != self.pid => {
                // Somebody else has started one.
                if let Err(why) = self.adopt("found") {
                    self.tell("failed", &why.text);
                }
            }
            Some(_) if speak || self.silent => {
                let silent = matches!(look(&self.place, PATIENCE), Daemon::Silent);
                match (self.silent, silent) {
                    (false, true) => {
                        let what = "it does not answer; it is left alone, for it may be busy";
                        self.tell("silent", what);
                    }
                    (true, false) => self.tell("answers", "it answers again"),
                    _ => {}
                }
                self.silent = silent;
            }
            Some(_) => {}
        }
    }

    /// Starts it again; not at once where that has failed.
    fn again(&mut self) {
        if let Some(pid) = self.pid.take() {
            self.tell("died", &format!("process {pid}"));
            self.due = Instant::now();
        }
        if Instant::now() < self.due {
            return;
        }
        if let Err(why) = self.start() {
            let what = format!("{}; tried again in {} s", why.text, self.pause.as_secs());
            self.tell("failed", &what);
            self.due = Instant::now() + self.pause;
            self.pause = (self.pause * 2).min(MOST);
        }
    }

    fn tell(&self, event: &str, what: &str) {
        let line = if self.options.json {
            escaped(&json!({ "event": event, "pid": self.pid, "what": what }).to_string())
        } else {
            format!("{event}: {what}")
        };
        screen::print(&(line + "\n"));
        notify(&format!("STATUS={event}: {}", what.lines().next().unwrap_or_default()));
    }
}

/// Tells systemd, if it asked to be told.
fn notify(what: &str) {
    let Some(name) = env::var_os("NOTIFY_SOCKET") else { return };
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&name),
    };
    if let (Ok(address), Ok(socket)) = (address, UnixDatagram::unbound()) {
        let _ = socket.send_to_addr(what.as_bytes(), &address);
    }
}
