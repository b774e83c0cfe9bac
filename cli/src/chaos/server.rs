//! The MPS server is killed: all its clients lose the device, by nobody's work; the daemon starts another.
#![forbid(unsafe_code)]

use super::machine::Machine;
use super::radius::{New, Radius, Seen};
use crate::command::Failure;
use crate::native::system;
use cuota_core::book::Verdict;

/// What MPS itself answers.
const OF_MPS: std::ops::RangeInclusive<u32> = 805..=810;
/// The simulated server dies with that launch of one of its clients.
const DIES: (&str, &str) = ("CUOTA_SIM_FAULT", "cuLaunchKernel:2=server");

pub fn run(machine: &Machine) -> Result<Radius, Failure> {
    let mut all = vec![machine.enter("client", &[DIES])?];
    all.extend(machine.neighbours(&[])?);
    for process in &mut all {
        process.ask("work");
    }
    match &machine.daemon {
        None => drop(all.first_mut().map(|process| process.ask("work"))),
        Some(daemon) => {
            let killed = daemon.servers().into_iter().filter(|pid| system::kill(*pid)).count();
            if killed == 0 {
                return Err(Failure::ours("the daemon has no server that could be killed"));
            }
        }
    }
    let mut seen = Vec::new();
    for process in &mut all {
        let told = process.ask("work");
        seen.push(Seen::of(machine, process, told));
    }
    let at_once = machine.newcomer()?;
    let new = New { at_once, after: (at_once == 0).then_some(0) };
    let mut radius = Radius::new("server: the MPS server is killed", seen, new);
    let lost = |seen: &Seen| seen.told.is_some_and(|status| OF_MPS.contains(&status));
    radius.expect("", |it| lost(it) && it.left.is_none(), "should have been told by MPS (806)");
    let nobody = |seen: &Seen| seen.fault.as_ref().is_some_and(|it| it.verdict == Verdict::Nobody);
    radius.expect("", nobody, "should have a ledger that blames nobody");
    radius.expect_new(0, Some(0));
    Ok(radius)
}
