//! The daemon under watch: one that has died is started again with what it was told; one that is only busy,
//! or hangs, is left alone.
#![forbid(unsafe_code)]

use std::fs;
use std::path::PathBuf;

use super::backoff::Backoff;
use super::defaults::Untold;
use super::devices::Devices;
use super::facts::{Condition, Facts};
use super::launch::{How, bring_up};
use super::state;
use super::tell::Teller;
use super::{NOT_SO, STOPPED, present, servers};
use crate::command::Failure;
use crate::processes::Processes;

pub struct Watch<'a> {
    pub(super) place: PathBuf,
    pub(super) how: &'a How,
    pub(super) teller: Teller,
    pub(super) facts: Facts,
    pub(super) servers: state::Seen,
    /// It has been told its defaults.
    pub(super) told: bool,
    /// It has lost its lock, and that was said.
    pub(super) unlocked: bool,
    backoff: Backoff,
}

impl<'a> Watch<'a> {
    pub fn new(place: PathBuf, how: &'a How, teller: Teller) -> Watch<'a> {
        let (facts, servers) = (Facts::default(), state::Seen::default());
        let backoff = Backoff::new();
        Watch { place, how, teller, facts, servers, told: false, unlocked: false, backoff }
    }

    pub fn start(&mut self) -> Result<(), Failure> {
        self.end_orphans()?;
        let started = bring_up(&self.place, self.how)?;
        self.facts.starts += u64::from(started.is_some());
        let Some((pid, locked)) = self.present() else {
            let text = "the daemon ended as soon as it had started; see its log".to_owned();
            return Err(Failure { status: NOT_SO, text });
        };
        self.adopt(if started.is_some() { "started" } else { "found" }, pid, locked)?;
        self.backoff = Backoff::new();
        Ok(())
    }

    /// Before another server can be started beside them.
    fn end_orphans(&mut self) -> Result<(), Failure> {
        let processes = Processes::here();
        let left = servers::to_end(&processes, &self.place, self.how.beside, &Devices::ours());
        for server in left {
            if !servers::end(&processes, server) {
                let text = format!("server {server} has no daemon any more, and cannot be ended");
                return Err(Failure { status: NOT_SO, text });
            }
            self.facts.orphans += 1;
            let what = format!("server {server}, which has no daemon any more, was ended");
            self.tell("orphan", &what);
        }
        Ok(())
    }

    fn present(&self) -> Option<(i32, bool)> {
        present(&self.place, self.facts.pid)
    }

    /// Watches this one from now on, with what it is to be told.
    fn adopt(&mut self, how: &str, pid: i32, locked: bool) -> Result<(), Failure> {
        self.facts.pid = Some(pid);
        self.facts.condition = Condition::Answers;
        self.unlocked = false;
        self.told = false;
        // Of an earlier one.
        let _ = fs::remove_file(self.place.join(STOPPED));
        let mut what = format!("process {pid}");
        let defaults = self.tell_defaults();
        for said in defaults.as_deref().unwrap_or_default() {
            what += &format!(", {said}");
        }
        self.tell(how, &what);
        if !locked {
            self.say_unlocked();
        }
        match defaults {
            Err(Untold::Unheard(why)) => self.is(Condition::Busy, &why),
            Err(why) => return Err(why.into()),
            Ok(_) => {}
        }
        Ok(())
    }

    pub fn is_stopped(&self) -> bool {
        self.place.join(STOPPED).exists() && self.present().is_none()
    }

    /// Looks for it, and speaks to it where that is due.
    pub fn look(&mut self, speak: bool) {
        match self.present() {
            // It has ended since, as it was told to.
            None if self.place.join(STOPPED).exists() => {}
            None => self.again(),
            Some((pid, locked)) if self.facts.pid != Some(pid) => {
                // Somebody else has started one.
                if let Err(why) = self.adopt("found", pid, locked) {
                    self.tell("failed", &why.text);
                }
            }
            Some((_, locked)) => {
                if !locked && !self.unlocked {
                    self.say_unlocked();
                }
                // That it answers again is seen without a word.
                if speak || self.facts.condition == Condition::Silent {
                    self.speak();
                }
            }
        }
    }

    /// Starts it again; not at once where that has failed.
    fn again(&mut self) {
        if let Some(pid) = self.facts.pid.take() {
            self.facts.condition = Condition::Gone;
            self.facts.deaths += 1;
            self.servers = state::Seen::default();
            self.tell("died", &format!("process {pid}"));
            self.backoff = Backoff::new();
        }
        if !self.backoff.is_due() {
            return;
        }
        if let Err(why) = self.start() {
            let again = self.backoff.failed().as_secs();
            self.tell("failed", &format!("{}; tried again in {again} s", why.text));
        }
    }
}
