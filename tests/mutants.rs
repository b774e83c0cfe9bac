//! The library broken on purpose: a wrong row must not compile, a panic must not leave a body.

mod support;

use std::path::Path;
use std::process::Command;

use support::{Run, Scratch, Way, root};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the scratch directory is writable");
    for entry in std::fs::read_dir(from).expect("a folder of the project") {
        let path = entry.expect("it can be listed").path();
        let target = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("it can be copied");
        }
    }
}

/// The library's package alone, in a directory of its own.
fn project() -> Scratch {
    let scratch = Scratch::new();
    for folder in ["src", "core", "build"] {
        copy(&root().join(folder), &scratch.join(folder));
    }
    for file in ["Cargo.lock", "build.rs"] {
        std::fs::copy(root().join(file), scratch.join(file)).expect("it can be copied");
    }
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let line = manifest.lines().find(|line| line.starts_with("members")).expect("a workspace");
    std::fs::write(
        scratch.join("Cargo.toml"),
        manifest.replace(line, "members = [\".\", \"core\"]"),
    )
    .expect("the scratch directory is writable");
    scratch
}

/// What the compiler says; none if it is content.
fn complaint(project: &Scratch) -> Option<String> {
    cargo(project, "check")
}

fn cargo(project: &Scratch, what: &str) -> Option<String> {
    let output = Command::new(std::env::var("CARGO").unwrap_or("cargo".into()))
        .args([what, "--lib", "-p", "cuota", "--offline", "--color", "never"])
        .env("CARGO_TARGET_DIR", root().join("target/mutants"))
        .current_dir(project.path())
        .output()
        .expect("cargo can be run");
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Bodies that panic before they ask the driver: an allocation is refused, anything else goes through,
/// and the program lives. Through the exported symbols of a library built so.
fn panics_end_at_the_symbol(project: &Scratch) {
    let path = project.join("src/hooks/memory.rs");
    let original = std::fs::read_to_string(&path).expect("a copied file");
    std::fs::write(
        &path,
        original.replace("real.call()", "{ if true { panic!(\"planted\") } real.call() }"),
    )
    .expect("the scratch directory is writable");
    assert_eq!(cargo(project, "build"), None);
    let scratch = Scratch::new();
    let program = scratch.compile_linked("refused.c", "refused", &[]);
    let run = Run::new(&program, Way::Bare);
    let library = root().join("target/mutants/debug/libcuota.so");
    // A client by name: who is nobody's but its own joins none, and its calls have no body to panic.
    let outcome = run.env("LD_PRELOAD", library).env("CUOTA_CLIENT", "planted").ok();
    assert_eq!(outcome.out(), "alloc 2 free 1\n");
    assert!(
        outcome.err().contains("cuota: error: panicked at src/hooks/memory.rs"),
        "{}",
        outcome.err()
    );
    let driven = outcome.driver_calls();
    assert_eq!((driven.get("cuMemAlloc_v2"), driven.get("cuMemFree_v2")), (None, Some(&1)));
    std::fs::write(&path, original).expect("the scratch directory is writable");
}

#[test]
fn what_is_broken_on_purpose_is_noticed() {
    let project = project();
    panics_end_at_the_symbol(&project);
    assert_eq!(complaint(&project), None, "the table as it is");
    for (file, from, to, expected) in [
        (
            "src/hooks/mod.rs",
            "[cuMemFree_v2] (dptr: CUdeviceptr)",
            "[cuMemFree_v2] (dptr: c_uint)",
            "mismatched types",
        ),
        (
            "src/hooks/mod.rs",
            "[cuMemRelease] (handle: CUmemGenericAllocationHandle)",
            "[cuMemRelease] (handle: c_uint)",
            "mismatched types",
        ),
        ("src/hooks/mod.rs", "[cuInit] (flags: c_uint)", "[cuInit] ()", "mismatched types"),
        ("src/hooks/mod.rs", "[cuMemFree_v2]", "[cuMemFreeSomehow]", "cannot find"),
        (
            "src/hooks/table.rs",
            "unsafe extern \"C\" fn thunk",
            "unsafe fn thunk",
            "mismatched types",
        ),
        (
            "src/hooks/table.rs",
            "type Function = unsafe extern \"C\" fn",
            "type Function = unsafe fn",
            "mismatched types",
        ),
        ("src/hooks/memory.rs", "flags: c_uint", "flags: u16", "mismatched types"),
        (
            "src/hooks/memory.rs",
            "#![forbid(unsafe_code)]",
            "#![forbid(unsafe_code)]\nunsafe fn f() {}",
            "unsafe",
        ),
    ] {
        let path = project.join(file);
        let original = std::fs::read_to_string(&path).expect("a copied file");
        let broken = original.replacen(from, to, 1);
        assert_ne!(original, broken, "{from}");
        std::fs::write(&path, broken).expect("the scratch directory is writable");
        let complaint = complaint(&project).unwrap_or_else(|| panic!("compiles with {to:?}"));
        assert!(complaint.contains(expected), "{to}: {complaint}");
        std::fs::write(&path, original).expect("the scratch directory is writable");
    }
}
