//! A client's work faults: everybody loses the device. Who stays keeps new ones out until all have ended;
//! who leaves does not.
#![forbid(unsafe_code)]

use super::machine::Machine;
use super::process::{Process, Told};
use super::radius::{New, Radius, Seen};
use crate::command::Failure;

const ILLEGAL_ADDRESS: u32 = 700;
const NOT_READY: u32 = 807;
const LEFT: i32 = 75;
/// The simulated driver is told which launch faults: the culprit works once, then strikes.
const STRIKES: (&str, &str) = ("CUOTA_SIM_FAULT", "cuLaunchKernel:2=fault");

pub fn stays(machine: &Machine) -> Result<Radius, Failure> {
    let mut all = enter(machine, "keep")?;
    let mut seen = Vec::new();
    for (process, what) in
        all.iter_mut().zip(["strike"].into_iter().chain(std::iter::repeat("work")))
    {
        let told = process.ask(what);
        seen.push(Seen::of(machine, process, told));
    }
    let new = New { at_once: machine.newcomer()?, after: taken_after(machine, &mut all)? };
    let members = all.len();
    let mut radius = Radius::new("fault, CUOTA_ON_FAULT=keep: a client's work faults", seen, new);
    radius.expect("", is_lost, "should have lost the device (700), and stayed");
    named(&mut radius);
    radius.expect_new(NOT_READY, Some(members));
    Ok(radius)
}

pub fn leaves(machine: &Machine) -> Result<Radius, Failure> {
    let mut all = enter(machine, "exit")?;
    let mut seen = Vec::new();
    let mut struck = Told::Nothing;
    for (place, process) in all.iter_mut().enumerate() {
        let told = match (place, struck) {
            (0, _) => process.ask("strike"),
            // Idle, it asks for nothing; and leaves.
            (_, Told::Nothing) => Told::Nothing,
            (_, Told::Status(_)) => process.ask("work"),
        };
        struck = if place == 0 { told } else { struck };
        seen.push(Seen::of(machine, process, told));
    }
    let (members, left) = (all.len(), seen.iter().filter(|it| it.left.is_some()).count());
    let at_once = machine.newcomer_in_time_if(left == members)?;
    let after = if at_once == 0 { Some(left) } else { taken_after(machine, &mut all)? };
    let new = New { at_once, after };
    let mut radius = Radius::new("fault, CUOTA_ON_FAULT=exit: a client's work faults", seen, new);
    radius.expect("", |it| it.left == Some(LEFT), "should have left with 75");
    named(&mut radius);
    radius.expect_new(0, Some(members));
    Ok(radius)
}

/// The culprit first; everybody has worked, and is idle.
fn enter(machine: &Machine, on_fault: &str) -> Result<Vec<Process>, Failure> {
    let set = [("CUOTA_ON_FAULT", on_fault)];
    let culprit = machine.enter("culprit", &[set, [STRIKES]].concat())?;
    let mut all = vec![culprit];
    all.extend(machine.neighbours(&set)?);
    for process in &mut all {
        if process.ask("work") != Told::Status(0) {
            return Err(Failure::ours(format!("{} could not work before the fault", process.name)));
        }
    }
    Ok(all)
}

fn is_lost(seen: &Seen) -> bool {
    let recorded = seen.fault.as_ref().map(|fault| fault.status);
    seen.told == Some(ILLEGAL_ADDRESS) && seen.left.is_none() && recorded == seen.told
}

fn named(radius: &mut Radius) {
    let wrong =
        |seen: &Seen| radius.seen.first().is_none_or(|culprit| !seen.names_rightly(culprit));
    let wrong: Vec<String> =
        radius.seen.iter().filter(|it| wrong(it)).map(|it| it.name.clone()).collect();
    for name in wrong {
        radius.differs.push(format!("the ledger of {name} should name the culprit, or nobody"));
    }
}

/// They end one by one, the culprit last; how many had when a new one could start.
fn taken_after(machine: &Machine, all: &mut [Process]) -> Result<Option<usize>, Failure> {
    let count = all.len();
    for (ended, process) in all.iter_mut().rev().enumerate() {
        process.end();
        if machine.newcomer_in_time_if(ended + 1 == count)? == 0 {
            return Ok(Some(ended + 1));
        }
    }
    Ok(None)
}
