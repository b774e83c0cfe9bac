//! The rows of the path table notice: with one kind of charge left out, or one kind of refund, every
//! row that names the kind must fail.

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::quota::{Programs, table};
use support::root;

/// The library with the means to leave a charge out, which a build for people does not have.
fn sabotaged() -> PathBuf {
    let target = root().join("target/sabotage");
    let made = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["build", "--release", "--locked", "--package", "cuota", "--lib", "--target-dir"])
        .arg(&target)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "--cfg cuota_sabotage")
        .output()
        .expect("cargo can be run");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    target.join("release/libcuota.so")
}

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
