//! What is said to a daemon under watch, and of it.
#![forbid(unsafe_code)]

use cuota_core::mps::{Daemon, PATIENCE, look};

use super::defaults::Untold;
use super::facts::Condition;
use super::state;
use super::watch::Watch;

impl Watch<'_> {
    pub(super) fn speak(&mut self) {
        if matches!(look(&self.place, PATIENCE), Daemon::Silent) {
            return self
                .is(Condition::Silent, "it does not answer; it is left alone, for it may be busy");
        }
        match state::servers(&self.place, PATIENCE) {
            Err(why) => return self.is(Condition::Busy, &format!("{why}; it is left alone")),
            Ok(now) => {
                self.is(Condition::Answers, "it answers again");
                for (event, what) in self.servers.see(now) {
                    self.tell(event, &what);
                }
            }
        }
        if !self.told {
            match self.tell_defaults() {
                Ok(said) => self.tell("told", &said.join(", ")),
                Err(Untold::Unheard(why)) => self.is(Condition::Busy, &why),
                Err(Untold::Refused(why)) => self.tell("failed", &why),
            }
        }
        self.record();
    }

    /// Says what has become of it, if that is new.
    pub(super) fn is(&mut self, condition: Condition, what: &str) {
        if std::mem::replace(&mut self.facts.condition, condition) != condition {
            self.tell(condition.event(), what);
        }
    }

    pub(super) fn tell_defaults(&mut self) -> Result<Vec<String>, Untold> {
        let said = self.how.defaults.tell(&self.place, PATIENCE);
        // What it does not take it is not told again.
        self.told = !matches!(said, Err(Untold::Unheard(_)));
        if said.is_ok() {
            self.teller.notify("READY=1");
        }
        said
    }

    pub(super) fn say_unlocked(&mut self) {
        self.unlocked = true;
        let what = format!(
            "the lock in {} was removed under the daemon: somebody else could start a second one there. \
             This one is left alone; stop it and start it again (cuota mps stop), once its clients may go",
            self.place.display()
        );
        self.tell("unlocked", &what);
    }

    /// The last that is said.
    pub fn end(mut self, event: &str, what: &str) {
        self.tell(event, what);
        self.forget();
    }

    /// Leaves nothing that would stand for a supervisor that is gone.
    pub fn forget(&self) {
        self.teller.forget(&self.place);
    }

    pub(super) fn tell(&mut self, event: &str, what: &str) {
        // First, so that whoever hears of it finds it there.
        self.record();
        self.teller.tell(event, self.facts.pid, what);
    }

    pub(super) fn record(&self) {
        self.teller.record(&self.place, &self.facts, self.servers.servers());
    }
}
