//! A client's share of the SMs: asked of MPS in the environment before the driver is there, only ever
//! tighter than what is there already, and what was granted is noted, and said where it is not what was
//! asked for.

mod support;

use cuota_core::book::{self, Kind};
use support::{Outcome, Run, Scratch, Way};

/// What is set; what the program then sees; words of the warning, if there is one.
struct Case {
    set: &'static [(&'static str, &'static str)],
    sees: &'static str,
    warns: Option<&'static str>,
}

const MPS: (&str, &str) = ("CUOTA_SIM_MPS", "1");
const SM: &str = "CUOTA_SM";
const THREADS: &str = "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE";

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { set: &[MPS], sees: "sms 132 percentage - priority -", warns: None },
    Case { set: &[MPS, (SM, "30%")], sees: "sms 38 percentage 30 priority -", warns: None },
    Case { set: &[MPS, (SM, "12.5%")], sees: "sms 16 percentage 12.5 priority -", warns: None },
    Case { set: &[MPS, (SM, "40sm")], sees: "sms 40 percentage 30.304 priority -", warns: None },
    Case { set: &[MPS, (SM, "1sm")], sees: "sms 2 percentage 0.758 priority -", warns: None },
    Case { set: &[MPS, (SM, "200sm")], sees: "sms 132 percentage 100 priority -", warns: None },
    // Two cards that differ have no percentage in common.
    Case { set: &[MPS, (SM, "40sm"), ("CUOTA_SIM_CARDS", "2"), ("CUOTA_SIM_ARCH", "sm_90,sm_80")], sees: "sms 132 percentage - priority -", warns: Some("give a percentage") },
    // By another card's numbers.
    Case { set: &[MPS, (SM, "27sm"), ("CUOTA_SIM_ARCH", "sm_80")], sees: "sms 26 percentage 25 priority -", warns: None },
    Case { set: &[MPS, (SM, "50%"), ("CUOTA_SIM_ARCH", "sm_86")], sees: "sms 42 percentage 50 priority -", warns: None },
    // What is there already is kept if it is tighter.
    Case { set: &[MPS, (SM, "30%"), (THREADS, "10")], sees: "sms 12 percentage 10 priority -", warns: Some("12 of 132 SMs were granted: fewer; CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=10 was set already") },
    Case { set: &[MPS, (SM, "30%"), (THREADS, "50")], sees: "sms 38 percentage 30 priority -", warns: None },
    Case { set: &[MPS, (SM, "30%"), (THREADS, "nonsense")], sees: "sms 38 percentage 30 priority -", warns: None },
    Case { set: &[MPS, (THREADS, "50")], sees: "sms 66 percentage 50 priority -", warns: None },
    // The daemon's own is tighter still.
    Case { set: &[MPS, (SM, "30%"), ("CUOTA_SIM_MPS_PERCENTAGE", "20")], sees: "sms 26 percentage 30 priority -", warns: Some("26 of 132 SMs were granted: fewer") },
    Case { set: &[MPS, (SM, "30%"), ("CUOTA_SIM_MPS_PERCENTAGE", "80")], sees: "sms 38 percentage 30 priority -", warns: None },
    // An MPS that does not keep to it.
    Case { set: &[MPS, (SM, "30%"), ("CUOTA_SIM_MPS_DEAF", "1")], sees: "sms 132 percentage 30 priority -", warns: Some("132 of 132 SMs were granted: more") },
    // Without MPS nobody is held to anything, and that is said.
    Case { set: &[(SM, "30%")], sees: "sms 132 percentage 30 priority -", warns: Some("CUOTA_SM=30% is not enforced, it can use all 132 SMs; this process is not under MPS") },
    Case { set: &[(SM, "40sm"), ("CUOTA_SHARE", "pace")], sees: "sms 132 percentage - priority -", warns: Some("CUOTA_SM=40sm is not enforced, it can use all 132 SMs; CUOTA_SHARE=pace") },
    Case { set: &[MPS, (SM, "30%"), ("CUOTA_SHARE", "off")], sees: "sms 132 percentage - priority -", warns: None },
    Case { set: &[(SM, "30%"), ("CUOTA_SHARE", "off")], sees: "sms 132 percentage - priority -", warns: None },
    Case { set: &[MPS, (SM, "30%"), ("CUOTA_DISABLE", "1")], sees: "sms 132 percentage - priority -", warns: None },
    // Other tools' words for it.
    Case { set: &[MPS, ("CUDA_DEVICE_SM_LIMIT", "25")], sees: "sms 32 percentage 25 priority -", warns: None },
    Case { set: &[MPS, ("CUOTA_PRIORITY", "low")], sees: "sms 132 percentage - priority 1", warns: None },
    Case { set: &[MPS, ("CUOTA_PRIORITY", "low"), ("CUDA_MPS_CLIENT_PRIORITY", "0")], sees: "sms 132 percentage - priority 0", warns: None },
    Case { set: &[MPS, ("CUOTA_PRIORITY", "normal")], sees: "sms 132 percentage - priority -", warns: None },
];

fn run(program: &std::path::Path, way: Way, set: &[(&str, &str)], again: bool) -> Outcome {
    let mut run = Run::new(program, way).env("CUOTA_CLIENT", "pod-1");
    for (name, value) in set {
        run = run.env(name, value);
    }
    if again { run.arg("again").ok() } else { run.ok() }
}

#[test]
fn a_share_is_asked_for_and_what_is_granted_is_known() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("share.c", "share", &[]);
    for way in [Way::Preloaded, Way::Mounted] {
        for Case { set, sees, warns } in CASES {
            let outcome = run(&program, way, set, false);
            assert_eq!(outcome.out().trim_end(), *sees, "{set:?} {}", outcome.err());
            match warns {
                None => assert_eq!(outcome.err(), "", "{set:?}"),
                Some(words) => {
                    let err = outcome.err();
                    assert!(err.contains(words) && err.lines().count() == 1, "{set:?}: {err}");
                }
            }
        }
    }
}

/// A child begins with what its parent was given to begin with, tightened once.
#[test]
fn a_childs_share_is_its_parents() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("share.c", "share", &[]);
    for share in ["30%", "40sm", "33.333%"] {
        let outcome = run(&program, Way::Preloaded, &[MPS, (SM, share)], true);
        let out = outcome.out();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 2, "{out}");
        assert_eq!(lines[0], lines[1], "{share}");
    }
}

#[test]
fn what_was_granted_is_in_the_ledger() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("share.c", "share", &[]);
    for (set, granted) in [
        (&[MPS, (SM, "30%")][..], Some([38, 132, 1])),
        (&[(SM, "30%")], Some([132, 132, 0])),
        (&[MPS], None),
    ] {
        let outcome = run(&program, Way::Preloaded, set, false);
        let ledger = outcome.file("ledgers").join(book::file_name("pod-1"));
        let report = book::read(&ledger, 100).expect("it can be read");
        let events = report.events.iter().filter(|event| event.kind == Kind::ShareGranted);
        let payloads: Vec<_> = events.map(|event| event.payload).collect();
        assert_eq!(payloads, granted.into_iter().collect::<Vec<_>>(), "{set:?}");
        assert_eq!(report.devices[0].sms, 132);
    }
}

#[test]
fn that_a_share_is_not_enforced_is_said_without_a_ledger_too() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("share.c", "share", &[]);
    let set = [(SM, "30%"), ("CUOTA_STRICT", "0"), ("CUOTA_DIR", "/nowhere/at/all")];
    let err = run(&program, Way::Preloaded, &set, false).err();
    assert!(err.contains("/nowhere/at/all") && err.contains("is not enforced"), "{err}");
}

/// Of threads that make the first call at once none gets to the driver before the share is said.
#[test]
fn threads_that_come_at_once_all_have_the_share() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("shares.c", "shares", &[]);
    for _ in 0..60 {
        let outcome = run(&program, Way::Preloaded, &[MPS, (SM, "40sm")], false);
        assert_eq!(outcome.out().trim_end(), "sms 40", "{}", outcome.err());
    }
}
