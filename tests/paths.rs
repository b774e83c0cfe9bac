//! Every way to a driver function leads through us: calls made = calls the hooks saw = calls the
//! simulated driver saw, for each way clients find functions and each arrangement that bypasses a
//! lesser mechanism.

mod support;

use std::path::Path;

use support::{Outcome, Run, Scratch, Way, simulator};

/// What `tests/programs/exercise.h` calls.
const MADE: [(&str, u64); 10] = [
    ("cuInit", 1),
    ("cuDeviceGetCount", 3),
    ("cuDeviceGet", 1),
    ("cuDevicePrimaryCtxRetain", 1),
    ("cuCtxSetCurrent", 1),
    ("cuMemAlloc_v2", 2),
    ("cuMemGetInfo_v2", 1),
    ("cuMemcpyHtoD_v2", 1),
    ("cuMemsetD8_v2", 1),
    ("cuMemFree_v2", 2),
];

const BOTH: [Way; 2] = [Way::Preloaded, Way::Mounted];
const HOW: [&str; 3] = ["dlsym", "cuGetProcAddress", "cuGetProcAddress_v2"];

/// All calls were caught, and what the program prints is what it prints without us.
fn caught(run: impl Fn(Way) -> Run, ways: &[Way]) {
    let bare = run(Way::Bare).ok();
    for way in ways {
        let outcome = run(*way).ok();
        outcome.assert_counts(&MADE);
        assert_eq!(outcome.out(), bare.out(), "{way:?}");
        assert_eq!(outcome.err(), bare.err(), "{way:?}");
    }
}

fn handed_out(outcome: &Outcome, name: &str) -> (bool, bool) {
    let line = outcome.seen(name).expect("a known name");
    (line.by_dlsym > 0, line.by_driver > 0)
}

/// The name under which the driver is open: by path, that is where it stands.
fn path_of(way: Way, run: &Run) -> std::path::PathBuf {
    match way {
        Way::Mounted => run.scratch().join("mounted/libcuda.so.1"),
        _ => simulator("").join("libcuda.so.1"),
    }
}

fn with_path(run: Run, way: Way, before: &[&str], after: &[&str]) -> Run {
    let path = path_of(way, &run);
    let run = before.iter().fold(run, Run::arg);
    after.iter().fold(run.arg(path), Run::arg)
}

// Rows of the first table: how clients find the driver.

#[test]
fn libcudart_and_bindings_open_it_and_ask_the_driver() {
    let scratch = Scratch::new();
    let program = scratch.compile("opened.c", "opened", &[]);
    for how in HOW {
        caught(|way| Run::new(&program, way).arg("libcuda.so.1").arg("n").arg(how), &BOTH);
    }
    let run = |how| Run::new(&program, Way::Preloaded).arg("libcuda.so.1").arg("n").arg(how).ok();
    assert_eq!(handed_out(&run("dlsym"), "cuMemAlloc_v2"), (true, false));
    assert_eq!(handed_out(&run("cuGetProcAddress"), "cuMemAlloc_v2"), (false, true));
    assert_eq!(handed_out(&run("cuGetProcAddress_v2"), "cuMemAlloc_v2"), (false, true));
}

#[test]
fn cudarc_tries_the_development_name_first() {
    let scratch = Scratch::new();
    let program = scratch.compile("opened.c", "opened", &[]);
    caught(|way| Run::new(&program, way).arg("libcuda.so").arg("l").arg("dlsym"), &BOTH);
}

#[test]
fn triton_and_pycuda_are_linked_to_it() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("linked.c", "linked", &[]);
    caught(|way| Run::new(&program, way), &BOTH);
    let lazy = scratch.compile_linked("linked.c", "lazy", &["-Wl,-z,lazy", "-fno-plt", "-no-pie"]);
    caught(|way| Run::new(&lazy, way), &BOTH);
    let outcome = Run::new(&program, Way::Preloaded).ok();
    assert_eq!(handed_out(&outcome, "cuMemAlloc_v2"), (false, false));
}

#[test]
fn pytorch_has_a_library_linked_to_it() {
    let scratch = Scratch::new();
    let host = scratch.compile("host.c", "host", &[]);
    let plugin =
        scratch.compile_linked("linked.c", "liblinked.so", &["-DLIBRARY", "-shared", "-fPIC"]);
    caught(|way| Run::new(&host, way).arg(&plugin).arg("n").arg("-").arg("-"), &BOTH);
}

#[test]
fn jax_is_a_plugin_that_opens_it_by_a_runpath_of_its_own() {
    let scratch = Scratch::new();
    let host = plugins(&scratch);
    for how in HOW {
        caught(
            |way| {
                Run::new(&host, way)
                    .arg(scratch.join("libmiddle.so"))
                    .arg("n")
                    .arg("libcuda.so.1")
                    .arg(how)
            },
            &BOTH,
        );
    }
}

/// A host, a plugin, and a plugin that finds the next one by its RUNPATH only.
fn plugins(scratch: &Scratch) -> std::path::PathBuf {
    std::fs::create_dir(scratch.join("deeper")).expect("the scratch directory is writable");
    scratch.compile("plugin.c", "libplugin.so", &["-shared", "-fPIC"]);
    scratch.compile("plugin.c", "deeper/libnext.so", &["-shared", "-fPIC"]);
    scratch.compile(
        "middle.c",
        "libmiddle.so",
        &["-shared", "-fPIC", "-Wl,--enable-new-dtags,-rpath,$ORIGIN/deeper"],
    );
    scratch.compile("host.c", "host", &[])
}

// Columns of the second table: what bypasses a lesser mechanism.

#[test]
fn by_absolute_path() {
    let scratch = Scratch::new();
    let program = scratch.compile("opened.c", "opened", &[]);
    for how in HOW {
        caught(|way| with_path(Run::new(&program, way), way, &[], &["n", how]), &BOTH);
        caught(|way| with_path(Run::new(&program, way), way, &[], &["d", how]), &BOTH);
    }
}

#[test]
fn from_a_plugin_bound_to_its_own_libraries_first() {
    let scratch = Scratch::new();
    let host = plugins(&scratch);
    let plugin = scratch.join("libplugin.so");
    for how in HOW {
        caught(
            |way| Run::new(&host, way).arg(&plugin).arg("d").arg("libcuda.so.1").arg(how),
            &BOTH,
        );
    }
}

/// Deep binding together with an absolute path is out of a preload's reach; mounted it is caught.
#[test]
fn from_such_a_plugin_by_absolute_path() {
    let scratch = Scratch::new();
    let host = plugins(&scratch);
    let plugin = scratch.join("libplugin.so").display().to_string();
    for how in HOW {
        caught(
            |way| with_path(Run::new(&host, way), way, &[&plugin, "d"], &[how]),
            &[Way::Mounted],
        );
    }
    let preloaded =
        with_path(Run::new(&host, Way::Preloaded), Way::Preloaded, &[&plugin, "d"], &["dlsym"])
            .ok();
    assert!(
        preloaded.hook_calls().is_empty(),
        "the README says that this is out of reach: correct it"
    );
}

#[test]
fn preloaded_and_mounted_at_once_counts_once() {
    let scratch = Scratch::new();
    let program = scratch.compile("opened.c", "opened", &[]);
    for how in HOW {
        let run = Run::new(&program, Way::Mounted).env("LD_PRELOAD", support::library());
        run.arg("libcuda.so.1").arg("n").arg(how).ok().assert_counts(&MADE);
        // Without being told where the driver is, past our own build on the loader's path.
        let run = Run::new(&program, Way::Mounted)
            .env("LD_PRELOAD", support::library())
            .env("CUOTA_DRIVER", "");
        run.arg("libcuda.so.1").arg("n").arg(how).ok().assert_counts(&MADE);
    }
}

#[test]
fn a_missing_path_fails_as_without_us() {
    let scratch = Scratch::new();
    let program = scratch.compile("opened.c", "opened", &[]);
    let run =
        |way| Run::new(&program, way).arg("/nowhere/libcuda.so.1").arg("n").arg("dlsym").any();
    assert_eq!(run(Way::Preloaded).err(), run(Way::Bare).err());
}

#[test]
fn without_a_driver_it_fails_in_the_same_words() {
    let scratch = Scratch::new();
    let program = scratch.compile("opened.c", "opened", &[]);
    let nowhere = scratch.path();
    let present = |name: &str| Path::new("/usr/lib/x86_64-linux-gnu").join(name).exists();
    assert!(!present("libcuda.so.1"), "this test needs a machine without a driver");
    for name in ["libcuda.so.1", "libcuda.so"] {
        for flags in ["n", "l", "d", "g"] {
            let run = |way| Run::on(&program, way, nowhere).arg(name).arg(flags).arg("dlsym").any();
            let (with, without) = (run(Way::Preloaded), run(Way::Bare));
            assert_eq!((with.output.status, with.err()), (without.output.status, without.err()));
            assert!(with.err().contains("cannot open shared object file"), "{}", with.err());
        }
    }
}

/// Each entry point calls its own function in the driver: `_ptsz` never the legacy one.
#[test]
fn every_entry_point_calls_its_own_symbol() {
    let scratch = Scratch::new();
    let program = scratch.compile("each.c", "each", &[]);
    for generation in ["470", "550", "615"] {
        let names: Vec<_> = support::facts::exports(generation)
            .into_iter()
            .filter(|name| name != "cuEGLApiInit")
            .collect();
        let run =
            |way| Run::on(&program, way, &simulator(generation)).input(&names.join("\n")).ok();
        let (bare, with) = (run(Way::Bare), run(Way::Preloaded));
        assert_eq!(with.out(), bare.out());
        assert!(!with.out().contains("missing"), "{}", with.out());
        let made: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        with.assert_counts(&made);
    }
}
