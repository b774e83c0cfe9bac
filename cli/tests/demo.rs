//! `cuota demo`: a neighbour dies, and with quotas does not; at 80 columns, and nothing is left behind.

mod common;

use common::{Folder, cuota, ended, library, simulated};

#[test]
fn the_demo_saves_the_neighbour() {
    let folder = Folder::new("demo");
    let driver = simulated("");
    let mut command = cuota(["demo", "--sim", driver.to_str().unwrap()]);
    // Whatever is set: the demo is the same everywhere.
    command.env("CUOTA_VRAM", "1GiB").env("CUOTA_CLIENT", "x").env("CUDA_VISIBLE_DEVICES", "");
    let (status, out, err) = ended(command.env("TMPDIR", folder.path("")));
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    let (first, second) = out.split_once("Act 2").expect("two acts");
    assert!(first.contains("takes 15 GiB") && first.contains("It dies."), "{first}");
    for what in [
        "sees a card of 4 GiB",
        "refused: client hungry may hold",
        "5 more requests: 5 served",
        "$ cuota ps\nCLIENT",
        "10 GiB -> 12 GiB",
        "gets 2 GiB more",
        "1 more request: 1 served",
        "cuota refused 2",
    ] {
        assert!(second.contains(what), "{what}: {second}");
    }
    assert!(out.contains("simulated") && out.lines().all(|line| line.len() <= 80), "{out}");
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn without_a_library_that_limits_the_demo_says_what_is_missing() {
    // One that has our marks and does nothing.
    let folder = Folder::new("demo-idle");
    let idle = "const char *cuota_version(void) { return \"0\"; }";
    let idle = folder.compiled("libcuota.so", idle, &["-shared", "-fPIC"]).expect("gcc links");
    assert_ne!(idle, library());
    let driver = simulated("");
    let mut command = cuota(["demo", "--sim", driver.to_str().unwrap()]);
    command.env("LD_LIBRARY_PATH", driver.parent().unwrap());
    let (status, out, err) = ended(command.env("CUOTA_LIB", idle));
    assert_eq!(status, Some(1), "{out}{err}");
    assert!(out.contains("NOT AS IT SHOULD BE: in act 2 hungry was not stopped"), "{out}");
    assert!(!out.contains("All of this was observed"), "{out}");
}

#[test]
fn a_missing_simulator_is_named() {
    let (status, _, err) = ended(&mut cuota(["demo", "--sim", "/no/such/libcuda.so.1"]));
    assert_eq!(status, Some(125));
    assert!(err.contains("/no/such/libcuda.so.1") && err.contains("make build"), "{err}");
}
