//! A row: what it is told, and what is right about a run of it.

use super::{Figures, Programs, refused_stay_here};
use crate::support::{Outcome, Run, Way};

const MIB: u64 = 1 << 20;
/// What a planned fault answers (`row.h`).
const FAULT: u32 = 999;

/// What the bare simulator has for the row when the card itself is the quota.
#[derive(Clone, Copy)]
pub enum Bare {
    Same,
    Mib(u64),
    /// The row asks for what only a quota knows.
    Nothing,
}

#[derive(Clone, Copy)]
pub struct Row {
    pub program: &'static str,
    pub name: &'static str,
    quota_mib: u64,
    filled: u64,
    /// Whose charges and refunds it would notice missing.
    pub kinds: &'static [&'static str],
    bare: Bare,
    /// The call that takes, and the one that gives back: rows in which the driver fails it.
    fails: Option<&'static str>,
    keeps: Option<&'static str>,
    env: &'static [(&'static str, &'static str)],
    /// Empty, `fault` or `keep`.
    pub mode: &'static str,
}

pub(super) const fn row(
    program: &'static str,
    name: &'static str,
    quota_mib: u64,
    filled_mib: u64,
    kinds: &'static [&'static str],
) -> Row {
    let (fails, keeps, env, mode) = (None, None, &[], "");
    let filled = filled_mib * MIB;
    Row { program, name, quota_mib, filled, kinds, bare: Bare::Same, fails, keeps, env, mode }
}

impl Row {
    pub(super) const fn bare(self, bare: Bare) -> Row {
        Row { bare, ..self }
    }

    /// What fits is no whole number of MiB.
    pub(super) const fn bytes(self, filled: u64) -> Row {
        Row { filled, ..self }
    }

    /// Also with the driver failing this call, its first or another: `name` or `name:number`.
    pub(super) const fn fails(self, call: &'static str) -> Row {
        Row { fails: Some(call), ..self }
    }

    pub(super) const fn keeps(self, call: &'static str) -> Row {
        Row { keeps: Some(call), ..self }
    }

    pub(super) const fn env(self, env: &'static [(&'static str, &'static str)]) -> Row {
        Row { env, ..self }
    }

    pub(super) fn with_failures(&self) -> impl Iterator<Item = Row> {
        let fault = self.fails.map(|_| Row { mode: "fault", ..*self });
        let keep = self.keeps.map(|_| Row { mode: "keep", ..*self });
        [Some(*self), fault, keep].into_iter().flatten()
    }

    pub fn label(&self) -> String {
        let call = match self.mode {
            "fault" => self.fails,
            "keep" => self.keeps,
            _ => None,
        };
        let call = call.map(|call| format!(", {} fails", call.split(':').next().unwrap_or(call)));
        format!("{}{}", self.name, call.unwrap_or_default())
    }

    fn run(&self, programs: &Programs, way: Way) -> Run {
        let mut run = Run::new(programs.of(self.program), way).arg(self.name).arg(self.mode);
        for (name, value) in self.env {
            run = run.env(name, value);
        }
        let call = if self.mode == "fault" { self.fails } else { self.keeps };
        if let (Some(call), false) = (call, self.mode.is_empty()) {
            let nth = if call.contains(':') { "" } else { ":1" };
            run = run.env("CUOTA_SIM_FAULT", format!("{call}{nth}={FAULT}"));
        }
        run
    }

    /// Under the preload, on a card with several times the quota's memory.
    pub fn under_quota(&self, programs: &Programs) -> Run {
        let run = self.run(programs, Way::Preloaded);
        let clients = run.scratch().join("clients");
        std::fs::create_dir(&clients).expect("the scratch directory is writable");
        run.env("CUOTA_SIM_BYTES", "256MiB")
            .env("CUOTA_VRAM", format!("{}MiB", self.quota_mib))
            .env("CUOTA_CLIENT", "row")
            .env("CUOTA_DIR", clients)
    }

    /// Without us, on a card as large as the quota; none where that says nothing.
    pub fn without_us(&self, programs: &Programs) -> Option<(Run, u64)> {
        let filled = match self.bare {
            Bare::Same => self.filled,
            Bare::Mib(mib) => mib * MIB,
            Bare::Nothing => return None,
        };
        let run = self.run(programs, Way::Bare);
        Some((run.env("CUOTA_SIM_BYTES", format!("{}MiB", self.quota_mib)), filled))
    }

    /// What is wrong with this run of it, if anything.
    pub fn judge(&self, outcome: &Outcome) -> Result<Figures, String> {
        let said = format!("{}{}", outcome.out(), outcome.err());
        if !outcome.output.status.success() {
            return Err(format!("{} {said}", outcome.output.status));
        }
        let figures = Figures::read(self.name, &outcome.out()).ok_or(said)?;
        figures.expect(self.filled)?;
        let (highest, quota) = (outcome.highest(), self.quota_mib * MIB);
        if highest > quota {
            return Err(format!("{highest} bytes were held at once, the quota is {quota}"));
        }
        refused_stay_here(outcome)?;
        Ok(figures)
    }
}
