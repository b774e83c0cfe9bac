//! Real clients of the driver, unmodified: the same output with and without us, and every call of
//! theirs seen by the hooks and by the driver alike.

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::{Outcome, Run, Scratch, Way, root, simulator};

/// Where `tests/clients/install` has put them; none (and a line saying so) if they cannot be had.
fn installed() -> Option<PathBuf> {
    let place = root().join("target/clients");
    let _ = Command::new("bash").arg(root().join("tests/clients/install")).status();
    if !place.join("complete").exists() {
        eprintln!("skipped: PyPI could not be reached for the real clients");
    }
    place.join("complete").exists().then_some(place)
}

fn script(place: &std::path::Path, name: &str, way: Way) -> Run {
    let run = Run::new(place.join("venv/bin/python"), way);
    run.arg(root().join("tests/clients").join(name)).env("PYTHONDONTWRITEBYTECODE", "1")
}

fn python(place: &std::path::Path, name: &str, way: Way) -> Outcome {
    script(place, name, way).ok()
}

/// Same output both ways; what the hooks saw is what the driver saw, name by name.
fn same_and_seen(script: &str, called: &[&str]) {
    let Some(place) = installed() else { return };
    let bare = python(&place, script, Way::Bare);
    for way in [Way::Preloaded, Way::Mounted] {
        let with = python(&place, script, way);
        assert_eq!((with.out(), with.err()), (bare.out(), bare.err()), "{way:?}");
        let mut hooked = with.hook_calls();
        hooked.retain(|name, _| name.starts_with("cu"));
        let mut driven = with.driver_calls();
        driven.retain(|name, _| name.starts_with("cu"));
        assert_eq!(hooked, driven, "{way:?}: hooked, driven");
        for name in called {
            assert!(hooked.contains_key(*name), "{way:?}: {name} was not called: {hooked:?}");
        }
        assert_eq!(with.tally().expect("it was counted").untranslated, 0);
    }
}

#[test]
fn cuda_bindings() {
    same_and_seen(
        "bindings.py",
        &["cuInit", "cuMemAlloc_v2", "cuMemFree_v2", "cuLaunchKernel", "cuModuleLoadData"],
    );
}

#[test]
fn numba_cuda() {
    same_and_seen("numba_kernel.py", &["cuInit", "cuMemAlloc_v2", "cuDevicePrimaryCtxRetain"]);
}

#[test]
fn pycuda() {
    same_and_seen(
        "pycuda_client.py",
        &["cuInit", "cuCtxCreate_v2", "cuMemAlloc_v2", "cuMemFree_v2", "cuLaunchKernel"],
    );
}

#[test]
fn nvidia_ml_py() {
    let Some(place) = installed() else { return };
    let (bare, with) =
        (python(&place, "nvml.py", Way::Bare), python(&place, "nvml.py", Way::Preloaded));
    assert_eq!((with.out(), with.err()), (bare.out(), bare.err()));
    let hooked = with.hook_calls();
    for name in
        ["nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetUtilizationRates"]
    {
        assert_eq!(hooked.get(name), Some(&1), "{name}: {hooked:?}");
    }
}

/// Under a quota of 64 MiB on a card of 256; what it says without us, on a card of 64.
fn under_quota(name: &str) -> Option<(Outcome, Outcome)> {
    let place = installed()?;
    let run = script(&place, name, Way::Preloaded);
    let clients = run.scratch().join("clients");
    std::fs::create_dir(&clients).expect("the scratch directory is writable");
    let run = run.env("CUOTA_VRAM", "64MiB").env("CUOTA_CLIENT", "quota").env("CUOTA_DIR", clients);
    let with = run.env("CUOTA_LOG", "error").env("CUOTA_SIM_BYTES", "256MiB").ok();
    assert_eq!(with.highest(), 64 << 20);
    let bare = script(&place, name, Way::Bare).env("CUOTA_SIM_BYTES", "64MiB").ok();
    Some((with, bare))
}

/// The framework's own refusal, its total, and its recovery are those of a card as large as the quota.
#[test]
fn cuda_bindings_under_a_quota() {
    let Some((with, bare)) = under_quota("bindings_quota.py") else { return };
    let refused = "64 CUDA_ERROR_OUT_OF_MEMORY free 0\n";
    let twice = |name: &str| format!("{name} {refused}").repeat(2);
    let said = format!("total 64 64\n{}{}free 64\n", twice("cuMemAlloc"), twice("cuMemAllocAsync"));
    assert_eq!((with.out(), with.err()), (said, String::new()));
    assert_eq!((with.out(), with.err()), (bare.out(), bare.err()));
}

#[test]
fn numba_cuda_under_a_quota() {
    let Some((with, bare)) = under_quota("numba_quota.py") else { return };
    let refused = "64 [<CUresult.CUDA_ERROR_OUT_OF_MEMORY: 2>] Call to cuMemAlloc results in \
                   CUDA_ERROR_OUT_OF_MEMORY\n";
    let said = format!("total 64\n{}[0, 1, 2, 3, 4, 5, 6, 7]\n", refused.repeat(2));
    assert_eq!((with.out(), with.err()), (said, String::new()));
    assert_eq!((with.out(), with.err()), (bare.out(), bare.err()));
}

/// Rust's client, and the ones in `examples/` that show what a program looks like.
#[test]
fn the_examples() {
    let scratch = Scratch::new();
    let cargo = std::env::var("CARGO").unwrap_or("cargo".into());
    let made = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--example", "alloc"])
        .current_dir(root())
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let built = std::env::current_exe().expect("this test").with_file_name("../examples/alloc");
    let linked = scratch.compile_linked("../../examples/alloc.c", "alloc", &[]);
    let script = root().join("examples/alloc.py");
    let runs: [&dyn Fn(Way) -> Run; 3] =
        [&|way| Run::new(&built, way), &|way| Run::new(&linked, way), &|way| {
            Run::new("python3", way).arg(&script)
        }];
    for run in runs {
        let bare = run(Way::Bare).ok();
        for way in [Way::Preloaded, Way::Mounted] {
            let with = run(way).ok();
            assert_eq!((with.out(), with.err()), (bare.out(), bare.err()), "{way:?}");
            assert_eq!(with.driver_calls(), bare.driver_calls(), "{way:?}");
            assert_eq!(with.hook_calls().get("cuMemAlloc_v2"), Some(&1), "{way:?}");
        }
    }
}

/// NVIDIA's runtimes resolve everything through us; then they stop at a private handshake that the
/// simulated driver does not imitate.
#[test]
fn libcudart_resolves_everything_through_us() {
    let Some(place) = installed() else { return };
    let scratch = Scratch::new();
    let program = scratch.compile("cudart.c", "cudart", &[]);
    let runtimes = std::fs::read_dir(place.join("cudart")).expect("installed");
    let mut tried = 0;
    for runtime in runtimes {
        let runtime = runtime.expect("it can be listed").path();
        let found = Command::new("find")
            .arg(&runtime)
            .args(["-name", "libcudart.so.*"])
            .output()
            .expect("find");
        let library = String::from_utf8_lossy(&found.stdout).trim().to_string();
        assert!(!library.is_empty(), "{}", runtime.display());
        for generation in ["525", "550", "615"] {
            let run = |way| Run::on(&program, way, &simulator(generation)).arg(&library).ok();
            let (bare, with) = (run(Way::Bare), run(Way::Preloaded));
            assert_eq!((with.out(), with.err()), (bare.out(), bare.err()), "{library}");
            assert_eq!(with.driver_calls(), bare.driver_calls(), "{library}");
            let tally = with.tally().expect("it was counted");
            let resolved = tally.entries.iter().filter(|line| line.by_driver > 0).count();
            assert!(resolved > 350, "{library} on {generation}: {resolved}");
            assert_eq!(tally.untranslated, 0, "{library} on {generation}");
            assert!(
                !tally.tables.is_empty() && tally.tables.iter().all(|table| table.granted == 0)
            );
        }
        tried += 1;
    }
    assert!(tried >= 4, "{tried} runtimes");
}
