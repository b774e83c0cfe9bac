//! `cuGetProcAddress` answers through us what the driver answers, and every address of a known
//! function comes back as ours.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use support::facts::{self, GENERATIONS, Lookup};
use support::{Scratch, library, simulator};

/// One question: (which function, name, version, flags).
type Question = (u8, String, i32, u64);

/// Every name at every version that makes a difference, with every kind of flags; and misses.
fn questions(map: &Lookup) -> Vec<Question> {
    let mut all = Vec::new();
    let names: BTreeSet<_> = map.keys().map(|(name, _)| name.clone()).collect();
    for name in &names {
        let both = [false, true].map(|stream| map.get(&(name.clone(), stream)));
        let steps = both.into_iter().flatten().flat_map(|steps| steps.keys().copied());
        let mut versions: BTreeSet<_> = steps.flat_map(|version| [version - 1, version]).collect();
        versions.extend([0, 11_040, 99_990]);
        for version in versions {
            for flags in [0, 1, 2, 4] {
                for which in [1, 2] {
                    all.push((which, name.clone(), version, flags));
                }
            }
        }
    }
    for name in ["cuNoSuchThing", "cuMemAlloc_v2", "cudaMalloc", "-", "0"] {
        for version in [0, 2000, 11_030, 12_000, 13_000, 99_990] {
            for flags in [0, 1, 2, 3, 4, 1 << 40] {
                for which in [1, 2, 3] {
                    all.push((which, name.into(), version, flags));
                }
            }
        }
    }
    all
}

/// The answers, a line each; through us if `preload`.
fn answers(program: &Path, driver: &Path, preload: bool, questions: &[Question]) -> Vec<String> {
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", driver).env_remove("CUOTA_DRIVER").env_remove("CUOTA_SIM");
    command.env_remove("LD_PRELOAD");
    if preload {
        command.env("LD_PRELOAD", library());
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut text = String::new();
    for (which, name, version, flags) in questions {
        let _ = writeln!(text, "{which} {name} {version} {flags}");
    }
    let mut input = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("all was read");
    assert!(output.status.success(), "{:?}", output.status);
    let lines: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(String::from).collect();
    assert_eq!(lines.len(), questions.len());
    lines
}

/// Through us the answers are the driver's, but that every known function is ours. Returns how many
/// addresses were handed out.
fn agrees(program: &Path, driver: &Path, questions: &[Question]) -> usize {
    let (bare, through) =
        (answers(program, driver, false, questions), answers(program, driver, true, questions));
    let mut given = 0;
    for ((question, bare), through) in questions.iter().zip(&bare).zip(&through) {
        assert_eq!(*through, bare.replace(" driver ", " ours "), "{question:?}");
        given += usize::from(bare.contains(" driver "));
    }
    given
}

/// What the map says: the symbol with the greatest minimum version not above the one asked with,
/// among those the driver has.
fn expected(
    map: &Lookup,
    has: &BTreeSet<String>,
    name: &str,
    version: i32,
    per_thread: bool,
) -> Option<String> {
    let steps = map.get(&(name.to_string(), per_thread))?;
    steps.range(..=version).map(|(_, symbol)| symbol).rfind(|symbol| has.contains(*symbol)).cloned()
}

#[test]
fn every_name_version_and_flag_on_every_generation() {
    let scratch = Scratch::new();
    let program = scratch.compile("ask.c", "ask", &[]);
    let map = facts::lookup();
    let questions = questions(&map);
    for generation in GENERATIONS {
        let given = agrees(&program, &simulator(generation), &questions);
        assert!(given > 3000, "{generation}: only {given} addresses were handed out");
    }
}

/// The simulated driver itself answers as was measured on the real ones.
#[test]
fn the_simulator_answers_as_measured() {
    let scratch = Scratch::new();
    let program = scratch.compile("ask.c", "ask", &[]);
    let map = facts::lookup();
    for generation in GENERATIONS {
        let has = facts::exports(generation);
        let asked: Vec<_> = questions(&map)
            .into_iter()
            .filter(|(which, name, version, flags)| {
                let known = map.contains_key(&(name.clone(), false))
                    || map.contains_key(&(name.clone(), true));
                let v2 = *which == 2 && has.contains("cuGetProcAddress_v2");
                known && v2 && *flags < 3 && *version < 11_050
            })
            .collect();
        for (question, answer) in
            asked.iter().zip(answers(&program, &simulator(generation), false, &asked))
        {
            let (_, name, version, flags) = question;
            let symbol = expected(&map, &has, name, *version, *flags == 2);
            match symbol {
                Some(symbol) => assert!(
                    answer.starts_with(&format!("0 {symbol} ")),
                    "{generation} {question:?}: {answer}, not {symbol}"
                ),
                None => {
                    assert!(answer.starts_with("0 null"), "{generation} {question:?}: {answer}")
                }
            }
        }
    }
}

/// A table with one pair missing must be noticed by `agrees`.
#[test]
fn an_address_that_stays_the_drivers_would_be_noticed() {
    let (bare, through) = ("0 cuInit driver 0", "0 cuInit driver 0");
    assert_ne!(through, bare.replace(" driver ", " ours "));
}

#[test]
fn the_real_driver_library() {
    let Some(driver) = support::real::libcuda() else { return };
    let scratch = Scratch::new();
    let program = scratch.compile("ask.c", "ask", &[]);
    // The real driver reads a null name.
    let mut questions = questions(&facts::lookup());
    questions.retain(|(_, name, _, _)| name != "0");
    let given = agrees(&program, &driver, &questions);
    assert!(given > 3000, "only {given} addresses were handed out");
}
