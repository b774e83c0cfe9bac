//! The checks of what the ledgers hold, all from one look.
#![forbid(unsafe_code)]

use super::ask::Answers;
use super::check::{Check, Severity};
use super::mps::Here;
use super::{members, shares};
use crate::ledgers::Ledgers;
use crate::places::Places;
use crate::screen::count;

const LEDGERS: &str = "who is in a ledger that cannot be read is not counted below";

pub fn checks(told: &Answers, here: &Here) -> Vec<Check> {
    let read = Places::of(None).and_then(|places| Ok((Ledgers::read(&places, None)?, places)));
    let (ledgers, places) = match read {
        Ok(read) => read,
        Err(failure) => return vec![Check::not_looked_at("ledgers", LEDGERS, &failure.text)],
    };
    let mut checks = vec![readable(&ledgers, &places), shares::shares(&ledgers)];
    checks.extend(members::clients(&ledgers, told, here));
    checks.push(members::replicas(&ledgers));
    checks
}

fn readable(ledgers: &Ledgers, places: &Places) -> Check {
    if let [first, ..] = &ledgers.unreadable[..] {
        let found = format!(
            "{} of {} cannot be read, the first: {}",
            ledgers.unreadable.len(),
            ledgers.unreadable.len() + ledgers.clients.len(),
            first.why
        );
        return Check::ok("ledgers", LEDGERS, found).worse(Severity::Unknown, "");
    }
    let found = format!("{} in {}", count(ledgers.clients.len(), "ledger"), places.text());
    Check::ok("ledgers", LEDGERS, found)
}
