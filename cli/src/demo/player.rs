//! A client of the demo at work: it is told what to do, and answers.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::command::Failure;
use crate::{library, program};

/// One act's machine and ledgers.
pub struct Stage<'a> {
    pub driver: &'a Path,
    pub library: &'a Path,
    pub scratch: PathBuf,
}

impl Stage<'_> {
    pub fn set_up(&self) -> Result<(), Failure> {
        let made = DirBuilder::new().mode(0o700).recursive(true).create(self.ledgers());
        made.map_err(|why| Failure::ours(format!("{}: {why}", self.ledgers().display())))
    }

    pub fn ledgers(&self) -> PathBuf {
        self.scratch.join("ledgers")
    }

    pub fn machine(&self) -> PathBuf {
        self.scratch.join("machine")
    }

    /// The demo is the same everywhere.
    pub fn cuota(&self) -> io::Result<Command> {
        let mut command = program::itself()?;
        command.env("CUOTA_DIR", self.ledgers());
        Ok(command)
    }
}

pub struct Player {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    calls: BTreeMap<String, u64>,
    tally: PathBuf,
    errors: PathBuf,
}

/// What a client did when it was told to do something.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    /// So many bytes.
    Sees(u64),
    /// In its own words.
    Refused(String),
}

/// A client that is gone.
pub struct Gone {
    pub well: bool,
    pub calls: BTreeMap<String, u64>,
    pub tally: PathBuf,
}

impl Player {
    /// Starts a client that finds functions by `lookup` and has got as far as a context.
    pub fn start(
        name: &'static str,
        lookup: &str,
        quota: Option<&str>,
        stage: &Stage,
    ) -> Result<Player, Failure> {
        let failed = |why: io::Error| Failure::ours(format!("cannot start {name}: {why}"));
        let preload = library::appended(env::var_os("LD_PRELOAD").as_deref(), stage.library)?;
        let tally = stage.scratch.join(format!("{name}.tally"));
        let errors = stage.scratch.join(format!("{name}.stderr"));
        let mut command = stage.cuota().map_err(failed)?;
        command
            .args(["demo-client", lookup])
            .env("CUOTA_CLIENT", name)
            .env("CUOTA_DRIVER", stage.driver)
            .env("CUOTA_SIM", stage.machine())
            .env("CUOTA_SIM_BYTES", format!("{}GiB", super::CARD >> 30))
            .env("CUOTA_TALLY", &tally)
            .env("LD_PRELOAD", preload)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&errors).map_err(failed)?);
        if let Some(quota) = quota {
            command.env("CUOTA_VRAM", quota);
        }
        let mut child = command.spawn().map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::ours("a client was started without its pipes"));
        };
        let (output, calls) = (BufReader::new(output), BTreeMap::new());
        let mut player = Player { name, child, input, output, calls, tally, errors };
        match player.hear() {
            Some(word) if word == "ready" => Ok(player),
            _ => Err(player.ended_early()),
        }
    }

    /// Has it do something with so many bytes.
    pub fn ask(&mut self, what: &str, bytes: u64) -> Result<Answer, Failure> {
        // A client that is gone by now is noticed by what it does not say.
        let _ = self.input.write_all(format!("{what} {bytes}\n").as_bytes());
        let answer = self.hear().unwrap_or_default();
        match answer.split_once(' ').unwrap_or((&answer, "")) {
            ("done", _) => Ok(Answer::Done),
            ("sees", bytes) => Ok(Answer::Sees(bytes.parse().unwrap_or(0))),
            ("refused", why) => Ok(Answer::Refused(why.to_owned())),
            ("wrong", _) => Err(Failure::ours(format!(
                "what {} copied back is not what it copied in",
                self.name
            ))),
            _ => Err(self.ended_early()),
        }
    }

    /// Takes so many bytes again and again; how many it got before it was refused.
    pub fn take_all(&mut self, step: u64) -> Result<u64, Failure> {
        let mut taken = 0;
        // Four times the card is refused by nobody.
        while taken < 4 * super::CARD && self.ask("take", step)? == Answer::Done {
            taken += step;
        }
        Ok(taken)
    }

    /// What was said on its standard error, as far as it is written.
    pub fn complaints(&self) -> String {
        fs::read_to_string(&self.errors).unwrap_or_default()
    }

    /// Lets it end, unless it did already.
    pub fn end(self) -> Result<Gone, Failure> {
        let Player { name, mut child, input, output, mut calls, tally, .. } = self;
        drop(input);
        for line in output.lines().map_while(Result::ok) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let ["called", name, times] = words[..] {
                calls.insert(name.to_owned(), times.parse().unwrap_or(0));
            }
        }
        let ended = child.wait().map_err(|why| Failure::ours(format!("{name}: {why}")))?;
        Ok(Gone { well: ended.success(), calls, tally })
    }

    fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        self.output.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        Some(line.trim_end().to_owned())
    }

    fn ended_early(&self) -> Failure {
        Failure::ours(format!("{} ended early:\n{}", self.name, self.complaints().trim_end()))
    }
}
