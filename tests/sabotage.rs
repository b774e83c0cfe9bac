//! The rows of the path table notice: with one kind of charge left out, or one kind of refund, every
//! row that names the kind must fail.

mod support;

use support::quota::{Programs, table};
use support::sabotaged;

#[test]
fn a_missing_charge_or_refund_is_noticed() {
    let (library, programs) = (sabotaged(), Programs::new());
    let mut unnoticed = Vec::new();
    for row in table() {
        let whole = row.under_quota(&programs).env("LD_PRELOAD", &library).any();
        if let Err(why) = row.judge(&whole) {
            unnoticed.push(format!("{}: fails as it is: {why}", row.label()));
            continue;
        }
        for kind in row.kinds {
            let (sides, kind) = match kind.split_once(':') {
                // What is not charged, and the driver is then seen to hold, counts as its own.
                Some((only, kind)) => (vec![only], kind),
                // An importer is not charged: it is noticed if it is, and has nothing to give back.
                None if *kind == "import" => (vec!["charge"], *kind),
                None => (vec!["charge", "refund"], *kind),
            };
            for side in sides {
                let what = format!("{side}:{kind}");
                let run = row.under_quota(&programs).env("LD_PRELOAD", &library);
                let outcome = run.env("CUOTA_SABOTAGE", &what).any();
                if row.judge(&outcome).is_ok() {
                    unnoticed.push(format!("{}: does not notice {what}", row.label()));
                }
            }
        }
    }
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}

/// A reserve that shrinks under a call that counts on it, or has room in pieces only, and a refusal that waits
/// for nobody.
#[test]
fn a_race_that_is_lost_is_noticed() {
    let (library, programs) = (sabotaged(), Programs::new());
    for (what, name) in [
        ("relied:pool", "pool-trimmed-under-a-call"),
        ("piece:pool", "pool-in-pieces"),
        ("wait:pool", "race-pool-beside"),
    ] {
        let row = table().into_iter().find(|row| row.name == name).expect("it is in the table");
        let judged = |what: &str| {
            let run = row.under_quota(&programs).env("LD_PRELOAD", &library);
            row.judge(&run.env("CUOTA_SABOTAGE", what).any()).map(drop)
        };
        assert_eq!(judged(""), Ok(()), "{name} fails as it is");
        // Threads meet when they do: thousands of times in one run, and at the wrong moment in most.
        let noticed = (0..20).find_map(|_| judged(what).err());
        println!("{what}: {noticed:?}");
        assert!(noticed.is_some(), "{name} does not notice {what}");
    }
}
