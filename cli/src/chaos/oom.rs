//! A client takes all of its quota, and more: it is refused, and nobody else.
#![forbid(unsafe_code)]

use super::machine::{Machine, QUOTA};
use super::process::Told;
use super::radius::{New, Radius, Seen};
use crate::command::Failure;

const STEP: u64 = 128 << 20;
const OUT_OF_MEMORY: u32 = 2;

pub fn run(machine: &Machine) -> Result<Radius, Failure> {
    let mut neighbours = machine.neighbours(&[])?;
    let mut culprit = machine.enter("culprit", &[])?;
    let mut told = Told::Nothing;
    // Twice the quota is refused by nobody.
    for _ in 0..2 * QUOTA / STEP {
        told = culprit.ask(&format!("take {STEP}"));
        if told != Told::Status(0) {
            break;
        }
    }
    let mut seen = vec![Seen::of(machine, &mut culprit, told)];
    for neighbour in &mut neighbours {
        let told = neighbour.ask("work");
        seen.push(Seen::of(machine, neighbour, told));
    }
    let at_once = machine.newcomer()?;
    let new = New { at_once, after: (at_once == 0).then_some(0) };
    let mut radius = Radius::new("oom: a client goes to its quota, and beyond", seen, new);
    radius.expect(
        "culprit",
        |it| it.told == Some(OUT_OF_MEMORY) && it.left.is_none() && it.fault.is_none(),
        "should have been refused (2), and no more than that",
    );
    radius.expect("neighbour", Seen::is_untouched, "should have noticed nothing");
    radius.expect_new(0, Some(0));
    Ok(radius)
}
