//! What stands in the way of a quota makes `cuInit` answer 1, with one line that says what, of whom and
//! what to do; with `CUOTA_STRICT=0` it is a warning, and the program runs without.

mod support;

use std::os::unix::fs::symlink;

use cuota_core::book::layout::header;
use support::crowd::{Crowd, set_mode};
use support::{Run, Scratch, Way};

/// What is wrong, and words that the line must have.
type Case = (&'static str, fn(&mut Crowd), &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "no directory",
        |crowd| crowd.set("CUOTA_DIR", "/nowhere/at/all"),
        &["/nowhere/at/all", "CUOTA_DIR"],
    ),
    (
        "a directory that is none",
        |crowd| {
            let path = crowd.scratch.join("plain");
            std::fs::write(&path, "").expect("the scratch directory is writable");
            crowd.set("CUOTA_DIR", path.to_str().expect("a plain path"));
        },
        &["plain", "CUOTA_DIR", "make it"],
    ),
    (
        "a directory of everybody's",
        |crowd| set_mode(&crowd.clients(), 0o777),
        &["mode 777", "use one of your own"],
    ),
    (
        "a file of everybody's",
        |crowd| {
            drop(crowd.enter());
            set_mode(&crowd.ledger(), 0o666);
        },
        &["may be written by everybody", "CUOTA_CLIENT"],
    ),
    (
        "a link",
        |crowd| symlink("/etc/passwd", crowd.ledger()).expect("a link can be made"),
        &["symbolic link", "remove it"],
    ),
    (
        "another version",
        |crowd| {
            drop(crowd.enter());
            crowd.words().set(header::VERSION, 99);
        },
        &["another version", "remove it"],
    ),
    (
        "cut short",
        |crowd| {
            drop(crowd.enter());
            let file = std::fs::OpenOptions::new().write(true).open(crowd.ledger());
            file.expect("it is ours").set_len(5000).expect("it is ours");
        },
        &["cut short", "remove it"],
    ),
    ("a size", |crowd| crowd.set("CUOTA_VRAM", "64MiBs"), &["CUOTA_VRAM=\"64MiBs\"", "it takes"]),
    (
        "no card of its own",
        |crowd| crowd.set("CUOTA_VRAM", "GPU-00000000-0000-0000-0000-000000000000=1GiB,7=2GiB"),
        &["CUOTA_VRAM names none of the devices", "0: GPU-63756f74-6173-696d-0000-000000000001"],
    ),
    ("a client", |crowd| crowd.set("CUOTA_CLIENT", "a/b"), &["CUOTA_CLIENT=\"a/b\"", "it takes"]),
];

#[test]
fn what_stands_in_the_way_is_said_in_a_line() {
    for (what, spoil, words) in CASES {
        let mut crowd = Crowd::new(64);
        spoil(&mut crowd);
        for (strict, code, word) in [("", 1, "cuInit"), ("1", 1, "cuInit"), ("0", 0, "")] {
            crowd.set("CUOTA_STRICT", strict);
            let mut member = crowd.member();
            assert_eq!(member.tell("init"), code, "{what}, CUOTA_STRICT={strict}");
            if code == 0 {
                let unlimited = *what != "a client";
                assert_eq!(member.tell("alloc 128"), if unlimited { 0 } else { 2 }, "{what}");
            } else {
                assert_ne!(member.tell("alloc 1"), 0, "{what}: it has no context");
            }
            let said = member.end();
            let line = said.lines().next().unwrap_or_default();
            assert!(line.contains(word), "{what}: {said}");
            let words = if code == 1 { *words } else { &words[..1] };
            assert!(words.iter().all(|word| line.contains(word)), "{what}: {said}");
            let refused = code == 0 && *what == "a client";
            assert_eq!(said.lines().count(), 1 + usize::from(refused), "{what}: {said}");
        }
    }
}

#[test]
fn who_disagrees_is_refused_or_held_to_what_is_in_force() {
    let mut crowd = Crowd::new(64);
    let mut first = crowd.enter();
    crowd.set("CUOTA_VRAM", "128MiB");
    let mut second = crowd.member();
    assert_eq!(second.tell("init"), 1);
    assert_ne!(second.tell("anyway"), 0, "nor does it get anything if it goes on");
    let said = second.end();
    for word in ["CUOTA_VRAM", "client crowd", "67108864 bytes", "cuota set crowd --vram"] {
        assert!(said.contains(word), "{said}");
    }
    crowd.set("CUOTA_STRICT", "0");
    let mut third = crowd.member();
    assert_eq!((third.tell("init"), third.tell("total")), (0, 64));
    assert_eq!((third.tell("alloc 64"), third.tell("alloc 2")), (0, 2));
    assert!(third.end().contains("CUOTA_VRAM of this process differs"));
    assert_eq!(first.tell("total"), 64);
    drop(first);
    crowd.set("CUOTA_STRICT", "");
    let mut alone = crowd.enter();
    assert_eq!(alone.tell("total"), 128, "nobody is there to disagree with");
}

/// Whoever may not make files so long is told so: SIGXFSZ ends no program, and no signal is lost.
#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_not_the_end() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("limited.c", "limited", &[]);
    std::fs::create_dir(scratch.join("sim")).expect("the scratch directory is writable");
    let run = |way, bytes: u64, strict: &str, pending: &[&str]| {
        let run = Run::new(&program, way).env("CUOTA_SIM", scratch.join("sim"));
        let run = run.env("CUOTA_CLIENT", "limited").env("CUOTA_VRAM", "64MiB");
        let run = run.env("CUOTA_STRICT", strict).arg(bytes.to_string());
        pending.iter().fold(run, Run::arg).ok()
    };
    // The simulated machine is there from now on, and grows no more.
    run(Way::Bare, 1 << 30, "", &[]);
    // Too short for the header and the places, for the ring, and for a device's part.
    for bytes in [4 << 10, 128 << 10, 640 << 10, 768 << 10, 1 << 20] {
        for (strict, code) in [("1", 1), ("0", 0)] {
            let outcome = run(Way::Preloaded, bytes, strict, &[]);
            let said = outcome.err();
            assert_eq!(outcome.out(), format!("{code} pending 0 blocked 0\n"), "{bytes}: {said}");
            assert!(said.contains("cuInit fails") == (code == 1), "{bytes}: {said}");
            assert!(said.contains("ulimit -f") && said.lines().count() == 1, "{bytes}: {said}");
        }
        let theirs = run(Way::Preloaded, bytes, "1", &["pending"]);
        assert_eq!(theirs.out(), "1 pending 1 blocked 1\n", "{bytes}: {}", theirs.err());
    }
    let enough = run(Way::Preloaded, 4 << 20, "1", &[]);
    assert_eq!((&*enough.out(), &*enough.err()), ("0 pending 0 blocked 0\n", ""));
}

/// Fills a client's places, and one more.
fn crowded(wanted: &str, places: usize) {
    let mut crowd = Crowd::new(64);
    crowd.set("CUOTA_MEMBERS", wanted);
    let mut all: Vec<_> = (0..places).map(|_| crowd.member()).collect();
    all.iter_mut().for_each(|member| member.ask("init"));
    let said: Vec<String> = all
        .extract_if(.., |member| member.answer() != Some(0))
        .map(support::crowd::Member::end)
        .collect();
    assert!(said.is_empty(), "{} were refused: {}", said.len(), said[0]);
    let mut one_more = crowd.member();
    assert_eq!(one_more.tell("init"), 1);
    let said = one_more.end();
    let why = format!("all {places} places");
    assert!(said.contains(&why) && said.contains("CUOTA_MEMBERS"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(all[places / 2].tell("alloc 64"), 0);
    assert_eq!(all[places - 1].tell("alloc 2"), 2);
    all.remove(places / 2);
    let mut next = crowd.enter();
    assert_eq!(next.tell("alloc 64"), 0, "the place and the bytes of one that ended");
}

#[test]
fn places_are_as_many_as_were_asked_for() {
    crowded("", 64);
}

#[test]
fn there_can_be_512() {
    crowded("512", 512);
}
