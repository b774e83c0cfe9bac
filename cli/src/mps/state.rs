//! The daemon's servers, and what it says of each: a server that stays INITIALIZING holds every client in
//! its cuInit, and one in FAULT takes no new ones.
#![forbid(unsafe_code)]

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::ask::ask;

/// Askings in a row after which a server that is still starting is taken to hang.
const STUCK: u32 = 3;
const STARTING: &str = "INITIALIZING";

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    pub pid: i32,
    /// The daemon's own word for it; older ones have none.
    pub state: Option<String>,
}

impl Server {
    pub fn word(&self) -> &str {
        self.state.as_deref().unwrap_or("unknown")
    }

    pub fn json(&self) -> Value {
        json!({ "pid": self.pid, "state": self.state })
    }
}

/// The servers there are.
pub fn servers(place: &Path, patience: Duration) -> Result<Vec<Server>, String> {
    let list = ask(place, "get_server_list", patience)?;
    let pid = |word: &str| {
        word.parse::<i32>().map_err(|_| format!("get_server_list was answered: {list}"))
    };
    let pids = list.split_whitespace().map(pid).collect::<Result<Vec<_>, _>>()?;
    let with_state = |pid| {
        let said = ask(place, &format!("get_server_status {pid}"), patience)?;
        Ok(Server { pid, state: word(&said) })
    };
    pids.into_iter().map(with_state).collect()
}

/// A state is one word in capitals; anything else is a complaint.
fn word(said: &str) -> Option<String> {
    let capital = |letter: char| letter.is_ascii_uppercase() || letter == '_';
    (!said.is_empty() && said.chars().all(capital)).then(|| said.to_owned())
}

/// Servers as they were when last asked for.
#[derive(Default)]
pub struct Seen {
    /// And how often in a row each was still starting.
    servers: Vec<(Server, u32)>,
}

impl Seen {
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().map(|(server, _)| server)
    }

    /// Takes in what is now, and says what is new: the event, and words for it.
    pub fn see(&mut self, now: Vec<Server>) -> Vec<(&'static str, String)> {
        let before = std::mem::take(&mut self.servers);
        let mut news = Vec::new();
        for (old, _) in &before {
            if !now.iter().any(|server| server.pid == old.pid) {
                news.push(("server", format!("server {} has ended", old.pid)));
            }
        }
        for server in now {
            let old = before.iter().find(|(old, _)| old.pid == server.pid);
            if old.is_none_or(|(old, _)| *old != server) {
                news.push(("server", format!("server {} is {}", server.pid, server.word())));
            }
            let starting = server.state.as_deref() == Some(STARTING);
            let times = if starting { old.map_or(0, |(_, times)| *times) + 1 } else { 0 };
            if times == STUCK {
                let what = format!(
                    "server {} does not get past {STARTING}, and its clients hang in cuInit; see server.log. It is left alone",
                    server.pid
                );
                news.push(("initializing", what));
            }
            self.servers.push((server, times));
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(pid: i32, state: &str) -> Server {
        Server { pid, state: word(state) }
    }

    #[test]
    fn a_state_is_told_from_a_complaint() {
        assert_eq!(word("ACTIVE").as_deref(), Some("ACTIVE"));
        for said in ["", "Unknown command \"get_server_status\"", "Server 1 not found", "7"] {
            assert_eq!(word(said), None, "{said}");
        }
    }

    #[test]
    fn what_changes_is_said_once() {
        let mut seen = Seen::default();
        let mut events = |now: &[Server]| {
            let said = seen.see(now.to_vec());
            said.into_iter().map(|(event, what)| format!("{event}: {what}")).collect::<Vec<_>>()
        };
        assert!(events(&[]).is_empty());
        assert_eq!(events(&[is(7, "")]), ["server: server 7 is unknown"]);
        assert!(events(&[is(7, "")]).is_empty());
        assert_eq!(events(&[is(7, "ACTIVE")]), ["server: server 7 is ACTIVE"]);
        let both = [is(7, "FAULT"), is(8, "ACTIVE")];
        assert_eq!(events(&both), ["server: server 7 is FAULT", "server: server 8 is ACTIVE"]);
        assert_eq!(events(&both[1..]), ["server: server 7 has ended"]);
    }

    #[test]
    fn only_one_that_stays_so_is_taken_to_hang_and_once() {
        let mut seen = Seen::default();
        let mut alarms = |state: &str| {
            let said = seen.see(vec![is(7, state)]);
            said.iter().filter(|(event, _)| *event == "initializing").count()
        };
        let said: Vec<usize> =
            [STARTING, STARTING, "ACTIVE", STARTING, STARTING, STARTING, STARTING]
                .map(&mut alarms)
                .into();
        assert_eq!(said, [0, 0, 0, 0, 0, 1, 0]);
    }
}
