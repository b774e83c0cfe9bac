//! The driver is found wherever the loader finds it, and nothing that only looks like it is taken.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Run, Scratch, Way, library, simulator};

/// Caught, with the output of a run without us.
fn caught(run: impl Fn(Way) -> Run) {
    let (bare, with) = (run(Way::Bare).ok(), run(Way::Preloaded).ok());
    assert_eq!((with.out(), with.err()), (bare.out(), bare.err()));
    with.assert_counts(&[("cuInit", 1)]);
}

/// The simulated driver in a directory of its own.
fn driver_in(directory: &Path) {
    std::fs::create_dir_all(directory).expect("the scratch directory is writable");
    std::fs::copy(simulator("").join("libcuda.so.1"), directory.join("libcuda.so.1"))
        .expect("it can be copied");
}

fn run_path(directory: &Path, old: bool) -> String {
    let kind = if old { "--disable-new-dtags" } else { "--enable-new-dtags" };
    format!("-Wl,{kind},-rpath,{}", directory.display())
}

#[test]
fn by_the_run_path_of_who_asks() {
    let scratch = Scratch::new();
    let place = scratch.join("driver");
    driver_in(&place);
    for old in [false, true] {
        let option = run_path(&place, old);
        let opens = scratch.compile("opened.c", "opens", &[&option]);
        caught(|way| Run::on(&opens, way, Path::new("")).arg("libcuda.so.1").arg("n").arg("dlsym"));
        let linked = scratch.compile_linked("linked.c", "linked", &[&option]);
        caught(|way| Run::on(&linked, way, Path::new("")));
    }
    // A library's run path, which the program does not have.
    let host = scratch.compile("host.c", "host", &[]);
    let plugin = scratch.compile(
        "plugin.c",
        "libplugin.so",
        &["-shared", "-fPIC", &run_path(&place, false)],
    );
    caught(|way| {
        Run::on(&host, way, Path::new("")).arg(&plugin).arg("n").arg("libcuda.so.1").arg("dlsym")
    });
}

#[test]
fn beside_the_program_and_in_directories_for_this_processor() {
    let scratch = Scratch::new();
    driver_in(&scratch.join("lib"));
    driver_in(&scratch.join("hw/glibc-hwcaps/x86-64-v2"));
    let program = scratch.compile("opened.c", "opened", &[]);
    for path in [Path::new("$ORIGIN/lib"), &scratch.join("hw")] {
        caught(|way| Run::on(&program, way, path).arg("libcuda.so.1").arg("n").arg("dlsym"));
    }
}

/// No list of directories is not a list of one: the working directory is not searched.
#[test]
fn not_where_the_program_happens_to_be() {
    let scratch = Scratch::new();
    let here = scratch.join("here");
    driver_in(&here);
    let program = scratch.compile("opened.c", "opened", &[]);
    for list in [None, Some("")] {
        let run = |preload: bool| {
            let mut command = Command::new(&program);
            command
                .args(["libcuda.so.1", "n", "dlsym"])
                .current_dir(&here)
                .env_remove("LD_LIBRARY_PATH");
            command.envs(list.map(|list| ("LD_LIBRARY_PATH", list)));
            command.envs(preload.then(|| ("LD_PRELOAD", library())));
            let output = command.output().expect("it starts");
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        assert_eq!(run(true), run(false));
        assert_eq!(run(true).0, Some(2));
    }
}

#[test]
fn after_the_environment_is_gone() {
    let scratch = Scratch::new();
    for (name, arguments) in [("opens", &[][..]), ("linked", &["-DLINKED"][..])] {
        let program = scratch.compile_linked("cleared.c", name, arguments);
        let (bare, with) =
            (Run::new(&program, Way::Bare).ok(), Run::new(&program, Way::Preloaded).ok());
        assert_eq!((with.out(), bare.out()), ("0\n".into(), "0\n".into()));
    }
}

/// A named driver that is none is an error that says so, never another driver or another namespace.
#[test]
fn a_wrong_cuota_driver_is_an_error() {
    let scratch = Scratch::new();
    let program = scratch.compile("opened.c", "opened", &[]);
    let ours = library();
    for wrong in ["/nonexistent", "libcuda.so.1", "/tmp", &ours.display().to_string()] {
        let run = Run::new(&program, Way::Preloaded).env("CUOTA_DRIVER", wrong);
        let outcome = run.arg("libcuda.so.1").arg("n").arg("dlsym").any();
        assert_eq!(outcome.output.status.code(), Some(2), "{wrong}: {}", outcome.err());
        let complaint = format!("cuota: error: CUOTA_DRIVER=\"{wrong}\" cannot be loaded");
        assert!(outcome.err().starts_with(&complaint), "{}", outcome.err());
        assert!(outcome.driver_calls().is_empty(), "{wrong}");
    }
}

#[test]
fn mounted_where_there_is_no_driver() {
    let scratch = Scratch::new();
    let program = scratch.compile("opened.c", "opened", &[]);
    let mounted = scratch.join("mounted");
    std::fs::create_dir(&mounted).expect("the scratch directory is writable");
    std::fs::copy(library(), mounted.join("libcuda.so.1")).expect("it can be copied");
    let outcome =
        Run::on(&program, Way::Preloaded, &mounted).arg("libcuda.so.1").arg("n").arg("dlsym").any();
    assert!(outcome.err().contains("no CUDA driver here but cuota itself"), "{}", outcome.err());
}

#[test]
fn files_that_are_no_driver() {
    let scratch = Scratch::new();
    let program = scratch.compile("opened.c", "opened", &[]);
    let file = |name: &str, bytes: &[u8]| -> PathBuf {
        let directory = scratch.join(name);
        std::fs::create_dir(&directory).expect("the scratch directory is writable");
        std::fs::write(directory.join("libcuda.so.1"), bytes)
            .expect("the scratch directory is writable");
        directory
    };
    let real = std::fs::read(simulator("").join("libcuda.so.1")).expect("the simulated driver");
    let mut other = real.clone();
    other[4] = 1; // another word size: the loader passes over it
    let (text, narrow) = (file("text", b"not a library at all"), file("narrow", &other));
    for first in [&text, &narrow] {
        let path = format!("{}:{}", first.display(), simulator("").display());
        let run = |way| {
            Run::on(&program, way, Path::new(&path)).arg("libcuda.so.1").arg("n").arg("dlsym").any()
        };
        let (bare, with) = (run(Way::Bare), run(Way::Preloaded));
        assert_eq!((with.output.status, with.err()), (bare.output.status, bare.err()));
        let by_path = |way| {
            Run::new(&program, way).arg(first.join("libcuda.so.1")).arg("n").arg("dlsym").any()
        };
        assert_eq!(by_path(Way::Preloaded).err(), by_path(Way::Bare).err());
    }
}

/// A program with more rights than its caller does not let the caller say what is loaded or written.
#[test]
fn the_environment_is_not_listened_to_across_rights() {
    if !std::fs::metadata("/proc/self")
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
    {
        eprintln!("skipped: making a set-user-ID program takes root");
        return;
    }
    let scratch = Scratch::new();
    let (place, evil) = (scratch.join("driver"), scratch.join("evil"));
    for folder in [&place, &evil] {
        std::fs::create_dir(folder).expect("the scratch directory is writable");
    }
    std::fs::copy(library(), place.join("libcuda.so.1")).expect("it can be copied");
    let planted =
        scratch.compile("newer.c", "evil/libcuda.so.1", &["-shared", "-fPIC", "-Wl,-Bsymbolic"]);
    let program = scratch.compile_linked("absent.c", "rights", &[&run_path(&place, true)]);
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o4755)).expect("it is ours");
    let tally = scratch.join("tally");
    let run = |uid: u32| {
        let mut command = Command::new(&program);
        command
            .env("CUOTA_DRIVER", &planted)
            .env("CUOTA_TALLY", &tally)
            .env_remove("LD_LIBRARY_PATH")
            .uid(uid);
        String::from_utf8_lossy(&command.output().expect("it starts").stdout).into_owned()
    };
    let theirs = run(65534);
    assert!(theirs.starts_with("100 "), "the planted driver answered: {theirs}");
    assert!(!tally.exists(), "a file was written where the caller said");
    // The same caller's word counts where nothing is gained by it.
    assert!(run(0).starts_with("0 "));
}
