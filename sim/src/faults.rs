//! Trouble on request: `CUOTA_SIM_FAULT=name:call=what,…`, where `call` counts from 1 in each process or is `*`.
//!
//! `what` is a number (returned in place of the answer), `late:` and a number (the same once all is done, as when
//! another thread had just done it), `fault` or `fault:` and a number (the work
//! faults: its context is lost to that error, else to 700), `die` (SIGKILL), `server` (the simulated MPS
//! server dies: all contexts of its clients on the card are lost to 806), or `sleep:` and a time in ns,
//! us, ms or s (the call takes that much longer).

use std::collections::HashMap;
use std::env;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::api::E;
use crate::{clock, context};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Return(u32),
    Late(E),
    Fault(E),
    Die,
    ServerDies,
    Sleep(u64),
}

struct Rule {
    /// `None` means every call.
    nth: Option<u64>,
    what: What,
}

#[derive(Default)]
struct Plan {
    calls: AtomicU64,
    rules: Vec<Rule>,
}

static PLANS: LazyLock<HashMap<String, Plan>> = LazyLock::new(|| {
    let mut plans = HashMap::<String, Plan>::new();
    for item in
        env::var("CUOTA_SIM_FAULT").unwrap_or_default().split(',').filter(|item| !item.is_empty())
    {
        match parse(item) {
            Some((name, rule)) => plans.entry(name.to_owned()).or_default().rules.push(rule),
            None => eprintln!(
                "simulated driver: CUOTA_SIM_FAULT: cannot read {item:?}; want name:call=what"
            ),
        }
    }
    plans
});

fn parse(item: &str) -> Option<(&str, Rule)> {
    let (name, rest) = item.trim().split_once(':')?;
    let (nth, what) = rest.split_once('=')?;
    let nth = if nth == "*" { None } else { Some(nth.parse().ok()?) };
    let what = match what {
        "fault" => What::Fault(E::ILLEGAL_ADDRESS),
        "die" => What::Die,
        "server" => What::ServerDies,
        _ => match what.split_once(':') {
            Some(("fault", code)) => What::Fault(E(code.parse().ok()?)),
            Some(("late", code)) => What::Late(E(code.parse().ok()?)),
            Some(("sleep", time)) => What::Sleep(nanoseconds(time)?),
            Some(_) => return None,
            None => What::Return(what.parse().ok()?),
        },
    };
    Some((name, Rule { nth, what }))
}

fn nanoseconds(time: &str) -> Option<u64> {
    let digits = time.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &time[digits.len()..] {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// What is left to do once the call has succeeded.
#[must_use]
pub struct After {
    fault: Option<E>,
    server_dies: bool,
    late: Option<E>,
}

impl After {
    /// The work this call submitted faults: its context is lost. And what it answers.
    pub fn apply(self) -> Result<(), E> {
        // Only then: a call that asks for no context must touch nothing of its thread's.
        let is_lost = self.fault.is_some() || self.server_dies;
        if let Some(ctx) = is_lost.then(context::current).and_then(Result::ok) {
            if let Some(error) = self.fault {
                ctx.fault(error);
            }
            if self.server_dies {
                ctx.server_died();
            }
        }
        self.late.map_or(Ok(()), Err)
    }
}

/// Applies the plan for this call of `name`.
pub fn before(name: &str) -> Result<After, E> {
    let mut after = After { fault: None, server_dies: false, late: None };
    if PLANS.is_empty() {
        return Ok(after);
    }
    let Some(plan) = PLANS.get(name) else {
        return Ok(after);
    };
    let call = plan.calls.fetch_add(1, Ordering::Relaxed) + 1;
    for rule in plan.rules.iter().filter(|rule| rule.nth.is_none_or(|nth| nth == call)) {
        match rule.what {
            What::Return(code) => return Err(E(code)),
            What::Fault(error) => after.fault = Some(error),
            What::Late(error) => after.late = Some(error),
            What::ServerDies => after.server_dies = true,
            What::Sleep(time) => clock::pause(time),
            // SAFETY: ends this process, as asked.
            What::Die => unsafe {
                libc::kill(libc::getpid(), libc::SIGKILL);
            },
        }
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read() {
        let read = |item| parse(item).map(|(name, rule)| (name, rule.nth, rule.what));
        assert_eq!(read("cuInit:3=2"), Some(("cuInit", Some(3), What::Return(2))));
        assert_eq!(read("cuInit:*=sleep:100us"), Some(("cuInit", None, What::Sleep(100_000))));
        assert_eq!(read("cuInit:1=die"), Some(("cuInit", Some(1), What::Die)));
        assert_eq!(read("cuInit:1=fault"), Some(("cuInit", Some(1), What::Fault(E(700)))));
        assert_eq!(read("cuInit:1=fault:719"), Some(("cuInit", Some(1), What::Fault(E(719)))));
        assert_eq!(read("cuInit:1=late:1"), Some(("cuInit", Some(1), What::Late(E(1)))));
        assert_eq!(read("cuInit=2"), None);
        assert_eq!(read("cuInit:1=sleep:5"), None);
    }
}
