//! The readers in `examples/readers` say the same of a ledger, and of one that an earlier build wrote
//! (`golden/`) what they said then.

mod made;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use cuota_core::book;
use made::{Folder, root};

fn golden(name: &str) -> PathBuf {
    root().join("core/tests/golden").join(name)
}

/// The readers, made ready to be given a file.
fn readers(folder: &Folder) -> [(&'static str, Command); 3] {
    let sources = root().join("examples/readers");
    let program = made::compiled(folder, "examples/readers/reader.c");
    let test = env::current_exe().expect("this test");
    let mut python = Command::new("python3");
    python.arg(sources.join("reader.py"));
    let rust = test.with_file_name("../examples/reader");
    assert!(rust.exists(), "run `cargo build -p cuota-core --examples` first");
    [("C", Command::new(program)), ("Rust", Command::new(rust)), ("Python", python)]
}

/// What each says of the file.
fn said(folder: &Folder, file: &Path) -> [(&'static str, Output); 3] {
    readers(folder).map(|(name, mut reader)| {
        let output = reader.arg(file).output();
        (name, output.unwrap_or_else(|why| panic!("the reader in {name}: {why}")))
    })
}

fn all_say(folder: &Folder, file: &Path, expected: &str) {
    for (name, output) in said(folder, file) {
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {errors}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{name}");
    }
}

#[test]
fn three_languages_say_the_same() {
    let folder = Folder::new("readers");
    let ledger = made::ledger(&folder);
    all_say(&folder, &ledger.file, &fs::read_to_string(golden("v1.said")).expect("text"));
}

#[test]
fn each_reader_fits_a_screen() {
    for name in ["reader.c", "reader.rs", "reader.py"] {
        let text = fs::read_to_string(root().join("examples/readers").join(name)).expect("text");
        assert!(text.lines().count() < 60, "{name}");
    }
}

#[test]
fn what_an_earlier_build_wrote_is_read() {
    let folder = Folder::new("golden");
    let words = fs::read_to_string(golden("v1.words")).expect("text");
    let file = folder.path(&book::file_name("pod-1"));
    made::from_words(&words, &file);
    // Of its members the first lives: somebody holds its lock.
    let _alive = made::living(&file, 1);
    all_say(&folder, &file, &fs::read_to_string(golden("v1.said")).expect("text"));
    let report = book::read(&file, 8).expect("readable");
    let device = &report.devices[0];
    assert_eq!((device.held_byte_ns, device.uncertain_byte_ns), (8000, 0));
    let sums = (report.joined, report.left, report.died, device.refused_bytes);
    assert_eq!(sums, (2, 0, 1, 4096));
}

#[test]
fn another_version_is_refused_in_words() {
    let folder = Folder::new("later");
    let words = fs::read_to_string(golden("v1.words")).expect("text");
    let later = words.replacen("\n8 0x1\n", "\n8 0x2\n", 1);
    assert_ne!(words, later, "the version is its second word");
    let file = folder.path("pod-1.v2.cuota");
    made::from_words(&later, &file);
    for (name, output) in said(&folder, &file) {
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{name}");
        assert!(errors.contains("reads version 1"), "{name}: {errors}");
    }
}

/// `core/tests/programs/hostile.c` says what it does; the sanitizers end it if the reader goes astray.
#[test]
fn whatever_stands_in_a_file_the_reader_in_c_stays_within_it() {
    let folder = Folder::new("hostile");
    let ledger = made::ledger(&folder);
    let mut program = Command::new(made::compiled(&folder, "core/tests/programs/hostile.c"));
    let output = program.arg(&ledger.file).args(["100000", "1"]).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {errors}", output.status);
    let said = String::from_utf8_lossy(&output.stdout);
    let counts: Vec<u64> = said.split_whitespace().map(|n| n.parse().expect("a number")).collect();
    assert!(matches!(*counts, [100_000, 20_000..100_000]), "both kinds: {said}");
}

/// To be run by hand, once, when a version is new: what it writes is to be read by all that follow.
#[test]
#[ignore = "writes what the others read"]
fn write_the_golden_files() {
    let folder = Folder::new("write-golden");
    let ledger = made::ledger(&folder);
    let version = format!("v{}", book::layout::VERSION);
    let new = |name: String, text: &[u8]| {
        use std::io::Write;
        let mut file = fs::File::create_new(golden(&name)).expect("no version is written twice");
        file.write_all(text).expect("there is room");
    };
    new(format!("{version}.words"), made::to_words(&ledger.file).as_bytes());
    let [_, (_, rust), _] = said(&folder, &ledger.file);
    new(format!("{version}.said"), &rust.stdout);
}
