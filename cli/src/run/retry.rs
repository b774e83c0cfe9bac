//! A command that leaves after a fault is started again, once the MPS server takes new clients: before that
//! it would be refused, and one that is started in the wrong moment runs beside MPS without a word.
#![forbid(unsafe_code)]

use std::env;
use std::io;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use cuota_core::config::LEFT_FOR_FAULT;

use crate::command::Failure;
use crate::doctor::ask::{Answers, ask_while};
use crate::native::system;
use crate::screen;

/// How long until the server is asked again: at first, and at most.
const FIRST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(5);

/// MPS's refusals that pass: not ready, and no place free.
const NOT_READY: u32 = 807;
const CROWDED: u32 = 808;

pub struct Retry {
    /// How often at most.
    pub times: u32,
    /// How long the server is waited for.
    pub wait: Duration,
}

impl Retry {
    pub fn run(
        &self,
        mut command: Command,
        failed: impl Fn(io::Error) -> Failure,
    ) -> Result<ExitStatus, Failure> {
        system::stand_in();
        if self.times > 0 && env::var_os("CUOTA_ON_FAULT").is_none_or(|it| it.is_empty()) {
            command.env("CUOTA_ON_FAULT", "exit");
        }
        let by_mps = self.times > 0 && self.ready()?;
        if by_mps && env::var_os("CUOTA_MPS").is_none_or(|it| it.is_empty()) {
            command.env("CUOTA_MPS", "require");
        }
        let (mut pause, mut left) = (FIRST, self.times);
        loop {
            let mut child = command.spawn().map_err(&failed)?;
            let ended = system::wait_for(&mut child).map_err(&failed)?;
            let again = ended.code() == Some(LEFT_FOR_FAULT) && system::request_to_end().is_none();
            if left == 0 || !again {
                return Ok(ended);
            }
            screen::warn(&format!(
                "the command has left after a fault (status {LEFT_FOR_FAULT}); it is started again when the device takes it, up to {left} times more"
            ));
            // One that leaves at once is not started as fast as it can.
            thread::sleep(pause);
            pause = (pause * 2).min(MOST);
            if !self.ready()? && by_mps {
                return Err(Failure::ours(
                    "not started again: a program started now would run beside MPS, not under it\nSee that the daemon runs: cuota mps status.",
                ));
            }
            left -= 1;
        }
    }

    /// Waits until a program could use the devices; whether it would be under MPS on all of them.
    fn ready(&self) -> Result<bool, Failure> {
        let end = Instant::now() + self.wait;
        let mut pause = FIRST;
        loop {
            let answers = ask_while(probe()?, &|| system::request_to_end().is_none())?;
            if let Some(signal) = system::request_to_end() {
                system::end_by(signal);
            }
            match &answers.init {
                Some((NOT_READY | CROWDED, _)) if Instant::now() < end => {}
                Some((NOT_READY | CROWDED, _)) => return Err(self.never(&answers)),
                _ => return Ok(is_under_mps(&answers)),
            }
            thread::sleep(pause);
            pause = (pause * 2).min(MOST);
        }
    }

    fn never(&self, answers: &Answers) -> Failure {
        let (status, _) = answers.init.clone().unwrap_or_default();
        Failure::ours(format!(
            "not started: the MPS server has refused new clients ({status}) for {} s\nEnd the processes that have lost the device: cuota ps shows who has.",
            self.wait.as_secs()
        ))
    }
}

fn is_under_mps(answers: &Answers) -> bool {
    let mut devices = answers.devices.iter().map(|device| device.under_mps == Some(true));
    !answers.devices.is_empty() && devices.all(|under| under)
}

/// A program that uses the driver and is no member of anything.
fn probe() -> Result<Command, Failure> {
    let own = env::current_exe().map_err(|why| Failure::ours(format!("this command: {why}")))?;
    let mut command = Command::new(own);
    command.arg("probe");
    Ok(command)
}
