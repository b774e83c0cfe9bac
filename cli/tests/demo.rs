//! `cuota demo`: three equal counts, at 80 columns, and nothing left behind.

mod common;

use common::{Folder, cuota, ended, simulated};

#[test]
fn the_demo_shows_three_equal_counts() {
    let folder = Folder::new("demo");
    let driver = simulated("");
    let mut command = cuota(["demo", "--sim", driver.to_str().unwrap()]);
    let (status, out, err) = ended(command.env("TMPDIR", folder.path("")));
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    for name in ["cuMemAlloc_v2", "cuLaunchKernel", "cuGetProcAddress_v2"] {
        assert!(out.contains(name), "{out}");
    }
    assert!(out.contains("simulated") && out.lines().all(|line| line.len() <= 80), "{out}");
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_missing_simulator_is_named() {
    let (status, _, err) = ended(&mut cuota(["demo", "--sim", "/no/such/libcuda.so.1"]));
    assert_eq!(status, Some(125));
    assert!(err.contains("/no/such/libcuda.so.1") && err.contains("make build"), "{err}");
}
