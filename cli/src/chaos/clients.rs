//! The server has as many clients as it can have: one more is told so, and all others go on.
#![forbid(unsafe_code)]

use super::machine::Machine;
use super::radius::{New, Radius, Seen};
use crate::command::Failure;

const TOO_MANY: u32 = 808;
/// No server has as many.
const MOST: usize = 128;

pub fn run(machine: &mut Machine) -> Result<Radius, Failure> {
    // On the simulated card it is full with the neighbours.
    machine.knobs.push(("CUOTA_SIM_MPS_CLIENTS", machine.plan.neighbours.to_string()));
    let mut all = machine.neighbours(&[])?;
    let told = loop {
        match machine.start(&format!("neighbour-{}", all.len() + 1), &[])? {
            Err(status) => break status,
            Ok(process) if all.len() < MOST => all.push(process),
            Ok(_) => break 0,
        }
    };
    let mut seen = Vec::new();
    for process in &mut all {
        let told = process.ask("work");
        seen.push(Seen::of(machine, process, told));
    }
    let (at_once, mut after) = (told, None);
    for (ended, process) in all.iter_mut().enumerate() {
        process.end();
        if machine.newcomer_in_time_if(ended == 0)? == 0 {
            after = Some(ended + 1);
            break;
        }
    }
    let new = New { at_once, after };
    let mut radius =
        Radius::new("clients: as many as the server can have, and one more", seen, new);
    radius.expect("neighbour", Seen::is_untouched, "should have noticed nothing");
    radius.expect_new(TOO_MANY, Some(1));
    Ok(radius)
}
