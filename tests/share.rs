//! A client's share of the SMs: asked of MPS in the environment before the driver is there, only ever
//! tighter than what is there already, and what was granted is noted, and said where it is not what was
//! asked for.

mod support;

use std::path::Path;

use cuota_core::book::{self, Kind};
use support::{Outcome, Run, Scratch, Way, sabotaged};

/// What is set; what the program then sees; words of the warning, if there is one.
struct Case {
    set: &'static [(&'static str, &'static str)],
    sees: &'static str,
    warns: Option<&'static str>,
}

const MPS: (&str, &str) = ("CUOTA_SIM_MPS", "1");
const SM: &str = "CUOTA_SM";
const PARTITIONS: (&str, &str) = (
    "CUOTA_SIM_MPS_PARTITIONS",
    "GPU-63756f74-6173-696d-0000-000000000001/1=32,GPU-63756f74-6173-696d-0000-000000000001/2=64",
);
const FIRST: (&str, &str) = ("CUDA_MPS_SM_PARTITION", "GPU-63756f74-6173-696d-0000-000000000001/1");
const SECOND: (&str, &str) =
    ("CUDA_MPS_SM_PARTITION", "GPU-63756f74-6173-696d-0000-000000000001/2");
const PER_CONTEXT: (&str, &str) =
    ("CUDA_MPS_ENABLE_PER_CTX_DEVICE_MULTIPROCESSOR_PARTITIONING", "1");
/// An MPS that keeps to no percentage.
const DEAF: (&str, &str) = ("CUOTA_SIM_MPS_DEAF", "1");
const ARCH: &str = "CUOTA_SIM_ARCH";
const DAEMONS: &str = "CUOTA_SIM_MPS_PERCENTAGE";
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
    // In a static partition nothing else is asked for.
    Case { set: &[MPS, PARTITIONS, FIRST], sees: "sms 32 percentage - priority -", warns: None },
    Case { set: &[MPS, PARTITIONS, FIRST, (SM, "30%")], sees: "sms 32 percentage - priority -", warns: None },
    Case { set: &[MPS, PARTITIONS, FIRST, (THREADS, "5")], sees: "sms 32 percentage 5 priority -", warns: Some("CUOTA_SM=5% is passed over: they are more") },
    Case { set: &[MPS, PARTITIONS, SECOND, (SM, "30%")], sees: "sms 64 percentage - priority -", warns: Some("reserves 64 of 132 SMs, and CUOTA_SM=30% is passed over: they are more") },
    Case { set: &[MPS, FIRST, (SM, "30%")], sees: "sms 132 percentage - priority -", warns: Some("CUOTA_SM=30% is not asked for where CUDA_MPS_SM_PARTITION is set") },
    Case { set: &[FIRST, (SM, "30%")], sees: "sms 132 percentage - priority -", warns: Some("CUOTA_SM=30% is not enforced") },
    Case { set: &[MPS, ("CUOTA_PRIORITY", "low")], sees: "sms 132 percentage - priority 1", warns: None },
    Case { set: &[MPS, ("CUOTA_PRIORITY", "low"), ("CUDA_MPS_CLIENT_PRIORITY", "0")], sees: "sms 132 percentage - priority 0", warns: None },
    Case { set: &[MPS, ("CUOTA_PRIORITY", "normal")], sees: "sms 132 percentage - priority -", warns: None },
];

fn run(program: &Path, way: Way, set: &[(&str, &str)], again: bool) -> Outcome {
    let run = prepared(program, way, set);
    if again { run.arg("again").ok() } else { run.ok() }
}

fn prepared(program: &Path, way: Way, set: &[(&str, &str)]) -> Run {
    let run = Run::new(program, way).env("CUOTA_CLIENT", "pod-1");
    set.iter().fold(run, |run, (name, value)| run.env(name, value))
}

/// What the ledger says was granted, each time something was.
fn granted(outcome: &Outcome) -> Vec<[u64; 3]> {
    let ledger = outcome.file("ledgers").join(book::file_name("pod-1"));
    let report = book::read(&ledger, 100).expect("it can be read");
    let events = report.events.iter().filter(|event| event.kind == Kind::ShareGranted);
    events.map(|event| event.payload).collect()
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
        (&[MPS, PARTITIONS, FIRST, (SM, "30%")], Some([32, 132, 2])),
        (&[MPS, FIRST, (SM, "30%")], Some([132, 132, 1])),
        (&[(SM, "30%")], Some([132, 132, 0])),
        (&[MPS], None),
    ] {
        let outcome = run(&program, Way::Preloaded, set, false);
        let ledger = outcome.file("ledgers").join(book::file_name("pod-1"));
        let report = book::read(&ledger, 100).expect("it can be read");
        assert_eq!(self::granted(&outcome), granted.into_iter().collect::<Vec<_>>(), "{set:?}");
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

/// What is asked for by whom, in thousandths of a percent, on a device of so many SMs that are given some
/// at a time.
#[derive(Debug)]
struct Asked {
    all: u64,
    step: u64,
    ours: u64,
    daemons: Option<u64>,
    inherited: Option<u64>,
}

impl Asked {
    fn tightest(&self) -> u64 {
        [Some(self.ours), self.daemons, self.inherited].into_iter().flatten().min().expect("ours")
    }

    fn down(&self, share: u64) -> u64 {
        let exact = share * self.all / 100_000;
        let whole = exact / self.step * self.step;
        if exact == self.all { exact } else { whole.max(self.step).min(self.all) }
    }
}

/// Whatever the steps SMs are given in: the driver gives whole steps of the tightest share, the ledger has
/// what the driver gave, and a word is said only of what rounding does not explain.
#[test]
fn the_tightest_share_is_granted_in_whole_steps() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("share.c", "share", &[]);
    let mut seen = Vec::new();
    for (all, step) in [(132, 2), (132, 4), (132, 8), (132, 7), (131, 2), (37, 8)] {
        let kind = format!("sm_90:{all}:{step}");
        let count = (41 * 100_000_u64).div_ceil(all).min(100_000);
        for (share, ours) in [("1%", 1000), ("33.333%", 33_333), ("41sm", count), ("99%", 99_000)] {
            for (daemons, inherited) in
                [(None, None), (Some(20), None), (None, Some(10)), (Some(50), Some(60))]
            {
                let [by_daemon, before] =
                    [daemons, inherited].map(|it| it.map(|it: u64| it.to_string()));
                let mut set = vec![MPS, (ARCH, kind.as_str()), (SM, share)];
                set.extend(by_daemon.as_deref().map(|it| (DAEMONS, it)));
                set.extend(before.as_deref().map(|it| (THREADS, it)));
                let outcome = run(&program, Way::Preloaded, &set, false);
                let thousandths = |part: Option<u64>| part.map(|part| part * 1000);
                let (daemons, inherited) = (thousandths(daemons), thousandths(inherited));
                let asked = Asked { all, step, ours, daemons, inherited };
                let shown: u64 = outcome
                    .out()
                    .split_whitespace()
                    .nth(1)
                    .expect("a number")
                    .parse()
                    .expect("a number");
                assert_eq!(granted(&outcome), [[shown, all, 1]], "{asked:?}");
                let err = outcome.err();
                let fewer = shown + 8 <= ours * all / 100_000;
                assert_eq!(err.contains("fewer"), fewer, "{asked:?}: {err}");
                assert_eq!(err.lines().count(), usize::from(fewer), "{asked:?}: {err}");
                seen.push((asked, shown));
            }
        }
    }
    let misses = |model: &dyn Fn(&Asked) -> u64| {
        seen.iter()
            .filter(|(asked, shown)| model(asked) != *shown)
            .map(|(asked, _)| asked)
            .collect::<Vec<_>>()
    };
    assert_eq!(format!("{:?}", misses(&|asked| asked.down(asked.tightest()))), "[]");
    // None of it is there for nothing.
    let up =
        |asked: &Asked| (asked.tightest() * asked.all).div_ceil(100_000 * asked.step) * asked.step;
    let without_least =
        |asked: &Asked| asked.tightest() * asked.all / 100_000 / asked.step * asked.step;
    let in_pairs = |asked: &Asked| Asked { step: 2, ..*asked }.down(asked.tightest());
    let ours = |asked: &Asked| asked.down(asked.ours);
    let without_daemon =
        |asked: &Asked| asked.down(asked.ours.min(asked.inherited.unwrap_or(asked.ours)));
    let broken: [&dyn Fn(&Asked) -> u64; 5] =
        [&up, &without_least, &in_pairs, &ours, &without_daemon];
    for (at, model) in broken.into_iter().enumerate() {
        assert!(!misses(model).is_empty(), "model {at}");
    }
}

/// A number of SMs is each context's, rounded up to what can be given; a program's own number stays unless
/// it is more.
#[test]
fn contexts_have_the_number_of_sms_that_was_given() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("share.c", "share", &[]);
    let ways = ["v2", "v3", "v4", "v3:20", "v4:20", "v3:100", "v4:100", "primary"];
    let in_steps = |count: u64, step: u64| count.div_ceil(step) * step;
    let mut exact = Vec::new();
    for step in [2, 4, 8, 7] {
        for count in [9, 40, 41] {
            let (kind, share) = (format!("sm_90:132:{step}"), format!("{count}sm"));
            let set = [MPS, DEAF, PER_CONTEXT, (ARCH, kind.as_str()), (SM, share.as_str())];
            let outcome = contexts(&program, &set, &ways);
            let (ours, own) = (in_steps(count, step), in_steps(count.min(20), step));
            let has = [ours, ours, ours, own, own, ours, ours, 132];
            assert_eq!(sizes(&outcome), has.map(|sms| sms.to_string()), "{set:?}");
            exact.push(ours == count / step * step);
        }
    }
    assert!(exact.contains(&false), "rounding up is not rounding down everywhere");
    // Where devices differ no percentage can be asked for, and each context has its number all the same.
    let cards = [("CUOTA_SIM_CARDS", "2"), (ARCH, "sm_90,sm_80")];
    let set = [&[MPS, PER_CONTEXT, (SM, "40sm")][..], &cards].concat();
    assert_eq!(sizes(&contexts(&program, &set, &["v2", "v2@1", "v4@1"])), ["40", "40", "40"]);
    // Nothing of it without a number, without MPS, where MPS is not told to, or where there are no more.
    for (set, has) in [
        (&[MPS, DEAF, PER_CONTEXT, (SM, "30%")][..], ["132", "20"]),
        (&[MPS, DEAF, (SM, "40sm")], ["132", "error 224"]),
        (&[PER_CONTEXT, (SM, "40sm")], ["132", "error 224"]),
        (&[MPS, DEAF, PER_CONTEXT, (SM, "40sm"), ("CUOTA_SHARE", "off")], ["132", "20"]),
        (&[MPS, PARTITIONS, SECOND, PER_CONTEXT, (SM, "40sm")], ["64", "20"]),
        (&[MPS, PER_CONTEXT, (SM, "40sm")], ["40", "20"]),
        // The driver knows of none after all.
        (
            &[MPS, DEAF, PER_CONTEXT, (SM, "40sm"), ("CUOTA_SIM_FAULT", "cuCtxCreate_v3:1=224")],
            ["132", "20"],
        ),
        (
            &[MPS, DEAF, PER_CONTEXT, (SM, "40sm"), ("CUOTA_SIM_FAULT", "cuCtxCreate_v3:1=801")],
            ["132", "20"],
        ),
        // Any other answer is the program's.
        (
            &[MPS, DEAF, PER_CONTEXT, (SM, "40sm"), ("CUOTA_SIM_FAULT", "cuCtxCreate_v3:1=2")],
            ["error 2", "20"],
        ),
    ] {
        assert_eq!(sizes(&contexts(&program, set, &["v2", "v3:20"])), has, "{set:?}");
    }
}

fn contexts(program: &Path, set: &[(&str, &str)], ways: &[&str]) -> Outcome {
    ways.iter()
        .fold(prepared(program, Way::Preloaded, set).arg("contexts"), |run, way| run.arg(way))
        .ok()
}

/// Of each context its SMs, or the error.
fn sizes(outcome: &Outcome) -> Vec<String> {
    let out = outcome.out();
    let line =
        out.lines().last().and_then(|line| line.strip_prefix("contexts ")).expect("the last line");
    line.replace("error ", "error_").split(' ').map(|size| size.replace('_', " ")).collect()
}

#[test]
fn the_largest_context_is_what_was_granted() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("share.c", "share", &[]);
    let set = [MPS, DEAF, PER_CONTEXT, (SM, "40sm")];
    let outcome = contexts(&program, &set, &["v3:20", "v2", "v3:8", "primary"]);
    assert_eq!(granted(&outcome), [[132, 132, 1], [20, 132, 1], [40, 132, 1], [132, 132, 1]]);
    let outcome = contexts(&program, &set[..1], &["v2"]);
    assert_eq!(granted(&outcome), [[0; 3]; 0]);
}

/// A daemon that has partitions takes nobody else, and why is said.
#[test]
fn who_names_no_partition_is_told_so() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("share.c", "share", &[]);
    let third = ("CUDA_MPS_SM_PARTITION", "GPU-63756f74-6173-696d-0000-000000000001/3");
    for (set, words) in [
        (&[MPS, PARTITIONS][..], "takes only who names a partition in CUDA_MPS_SM_PARTITION"),
        (
            &[MPS, PARTITIONS, third],
            "CUDA_MPS_SM_PARTITION=GPU-63756f74-6173-696d-0000-000000000001/3 names a partition of this daemon",
        ),
    ] {
        let outcome = prepared(&program, Way::Preloaded, set).any();
        assert_eq!(outcome.out().trim_end(), "cuInit 805");
        let err = outcome.err();
        assert!(err.contains(words) && err.lines().count() == 1, "{err}");
    }
}

/// What is set and what is asked of the program; its last line, and what the ledger then has.
struct Right {
    set: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
    last: &'static str,
    grants: &'static [[u64; 3]],
}

#[rustfmt::skip]
const RIGHT: &[Right] = &[
    Right { set: &[MPS, (SM, "30%"), (THREADS, "10")], arguments: &[], last: "sms 12 percentage 10 priority -", grants: &[[12, 132, 1]] },
    Right { set: &[MPS, PARTITIONS, FIRST, (SM, "30%")], arguments: &[], last: "sms 32 percentage - priority -", grants: &[[32, 132, 2]] },
    Right { set: &[MPS, DEAF, PER_CONTEXT, (SM, "40sm")], arguments: &["contexts", "v2"], last: "contexts 40", grants: &[[132, 132, 1], [40, 132, 1]] },
];

/// How many of them are not so.
fn wrong(program: &Path, library: Option<&Path>, left_out: &str) -> usize {
    let is_wrong = |right: &&Right| {
        let mut run = prepared(program, Way::Preloaded, right.set).env("CUOTA_SABOTAGE", left_out);
        if let Some(library) = library {
            run = run.env("LD_PRELOAD", library);
        }
        let outcome = right.arguments.iter().fold(run, |run, argument| run.arg(argument)).ok();
        outcome.out().lines().last() != Some(right.last) || granted(&outcome) != right.grants
    };
    RIGHT.iter().filter(is_wrong).count()
}

#[test]
fn with_a_step_left_out_it_is_noticed() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("share.c", "share", &[]);
    assert_eq!(wrong(&program, None, ""), 0);
    let library = sabotaged();
    assert_eq!(wrong(&program, Some(&library), ""), 0);
    for step in
        ["share:tightest", "share:partition", "share:exclusive", "share:exact", "share:largest"]
    {
        assert_eq!(wrong(&program, Some(&library), step), 1, "{step}");
    }
}
