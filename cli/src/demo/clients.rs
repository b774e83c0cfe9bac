//! The demo's two clients, at work on the same card at the same time.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::command::Failure;
use crate::library;

/// What one client told of itself.
pub struct Told {
    pub path: &'static str,
    pub tally: PathBuf,
    pub calls: BTreeMap<String, u64>,
    process: u32,
    gib: usize,
    free: u64,
    total: u64,
}

pub struct Clients([Running; 2]);

struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    told: Told,
}

/// Each client's way of finding functions, as its option names it and in words; and what it holds.
const CLIENTS: [(&str, &str, usize); 2] =
    [("dlsym", "dlsym", 48), ("driver", "cuGetProcAddress", 24)];

impl Clients {
    pub fn start(driver: &Path, library: &Path, scratch: &Path) -> Result<Clients, Failure> {
        let [one, other] = CLIENTS;
        let start = |client| Running::start(client, driver, library, scratch);
        Ok(Clients([start(one)?, start(other)?]))
    }

    /// Lets both hold their memory before either looks, and both look before either lets go.
    pub fn play(mut self) -> Result<Played, Failure> {
        for place in ["holding", "seen"] {
            for client in &mut self.0 {
                client.listen(Some(place))?;
            }
            for client in &mut self.0 {
                // A client that is gone by now is noticed by what it does not say.
                let _ = client.input.write_all(b"\n");
            }
        }
        let [one, other] = self.0;
        Ok(Played([one.finish()?, other.finish()?]))
    }
}

impl Running {
    fn start(
        (option, path, gib): (&str, &'static str, usize),
        driver: &Path,
        library: &Path,
        scratch: &Path,
    ) -> Result<Running, Failure> {
        let failed = |why: std::io::Error| Failure::ours(format!("cannot start a client: {why}"));
        let tally = scratch.join(format!("{option}.tally"));
        let mut command = Command::new(env::current_exe().map_err(failed)?);
        command.args(["demo-client", option, &gib.to_string()]);
        // The demo is the same everywhere: nobody's cards hidden, no other machine, no setting.
        let ours = |name: &str| name.starts_with("CUOTA_") || name.starts_with("CUDA_");
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
            command.env_remove(name);
        }
        command
            .env("CUOTA_DRIVER", driver)
            .env("CUOTA_SIM", scratch.join("machine"))
            .env("CUOTA_TALLY", &tally)
            .env("LD_PRELOAD", library::appended(env::var_os("LD_PRELOAD").as_deref(), library)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::ours("a client was started without its pipes"));
        };
        let process = child.id();
        let calls = BTreeMap::new();
        let told = Told { path, tally, calls, process, gib, free: 0, total: 0 };
        Ok(Running { child, input, output: BufReader::new(output), told })
    }

    /// Hears the client until it says `place`, or, without one, until it ends.
    fn listen(&mut self, place: Option<&str>) -> Result<(), Failure> {
        let mut line = String::new();
        loop {
            line.clear();
            let heard = self.output.read_line(&mut line);
            if !heard.is_ok_and(|bytes| bytes > 0) {
                return match place {
                    Some(_) => {
                        Err(Failure::ours(format!("the {} client ended early", self.told.path)))
                    }
                    None => Ok(()),
                };
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["called", name, calls] => {
                    self.told.calls.insert(name.to_owned(), calls.parse().unwrap_or(0));
                }
                ["sees", free, total] => {
                    self.told.free = free.parse().unwrap_or(0);
                    self.told.total = total.parse().unwrap_or(0);
                }
                [said] if Some(said) == place => return Ok(()),
                _ => {}
            }
        }
    }

    fn finish(mut self) -> Result<Told, Failure> {
        self.listen(None)?;
        let failed = |why| Failure::ours(format!("the {} client {why}", self.told.path));
        match self.child.wait() {
            Ok(status) if status.success() => Ok(self.told),
            Ok(status) => Err(failed(format!("ended with {status}"))),
            Err(why) => Err(failed(why.to_string())),
        }
    }
}

/// Both clients when they are done.
pub struct Played(pub [Told; 2]);

impl Played {
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (number, told) in self.0.iter().enumerate() {
            text += &format!(
                "client {} (process {}) finds functions by {}\n  holds {} GiB and sees {} of {} GiB free, for the other holds memory too\n",
                number + 1,
                told.process,
                told.path,
                told.gib,
                told.free >> 30,
                told.total >> 30,
            );
        }
        text + "\n"
    }
}
