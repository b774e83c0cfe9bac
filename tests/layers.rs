//! Who may use whom, and where `unsafe` may stand.

mod support;

use std::path::PathBuf;

use support::root;

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the project") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                let path = path.strip_prefix(root()).expect("within the project").to_path_buf();
                all.push((path, text));
            }
        }
    }
    assert!(!all.is_empty(), "{folder}");
    all
}

/// Code lines that mention any of `words`: comments do not count.
fn mentions(text: &str, words: &[&str]) -> Vec<String> {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.filter(|line| words.iter().any(|word| line.contains(word))).map(String::from).collect()
}

fn nobody_in(folder: &str, words: &[&str], except: &[&str]) {
    for (path, text) in sources(folder) {
        if !except.iter().any(|allowed| path.starts_with(allowed)) {
            assert_eq!(mentions(&text, words), [""; 0], "{} may not use {words:?}", path.display());
        }
    }
}

#[test]
fn the_driver_knows_neither_hooks_nor_client() {
    nobody_in("src/driver", &["crate::hooks", "crate::client", "super::super"], &[]);
}

#[test]
fn nobody_imports_a_hook() {
    // The table is asked for as a whole; a body is named by its row alone.
    let bodies = ["memory", "launch", "context", "lookup", "nvml", "token", "real"];
    let imports = bodies.map(|room| format!("hooks::{room}"));
    let imports: Vec<_> = imports.iter().map(String::as_str).collect();
    nobody_in("src", &imports, &["src/hooks"]);
}

#[test]
fn core_knows_neither_cuda_nor_the_process() {
    nobody_in(
        "core/src",
        &["cudarc", "std::env", "CUdevice", "SystemTime", "Instant::now"],
        &["core/src/tally/tests.rs", "core/src/book/tests", "core/src/shm"],
    );
}

#[test]
fn the_command_uses_only_core_and_the_simulator_nothing_of_ours() {
    nobody_in("cli/src", &["cudarc", "cuota_sim", "cuota::"], &[]);
    nobody_in("sim/src", &["cuota_core", "cuota_cli"], &[]);
    let manifest = std::fs::read_to_string(root().join("sim/Cargo.toml")).expect("a manifest");
    assert!(!manifest.contains("cuota-core"), "the simulator is the other side");
}

/// Where `unsafe` may stand; every other file forbids it.
const UNSAFE: [&str; 13] = [
    "src/driver",
    "src/hooks/arch",
    "src/hooks/caller.rs",
    "src/hooks/table.rs",
    "src/hooks/forward.rs",
    "src/hooks/lookup",
    "src/hooks/mod.rs",
    "src/hooks/nvml.rs",
    "src/hooks/signals.rs",
    "src/introspect.rs",
    "src/lib.rs",
    "core/src/shm",
    "cli/src/native",
];

#[test]
fn unsafe_stands_only_where_it_may() {
    for folder in ["src", "core/src", "cli/src"] {
        for (path, text) in sources(folder) {
            let allowed = UNSAFE.iter().any(|place| path.starts_with(place));
            let forbids = text.contains("#![forbid(unsafe_code)]");
            let bare =
                mentions(&text, &["unsafe {", "unsafe fn", "unsafe ext", "unsafe impl", "unsafe("])
                    .is_empty();
            assert!(allowed || forbids || bare, "{}", path.display());
        }
    }
}

#[test]
fn no_peeking_past_a_comment() {
    assert_eq!(mentions("use a; // crate::hooks\n/// crate::hooks", &["crate::hooks"]), [""; 0]);
    assert_eq!(mentions("use crate::hooks::memory;", &["crate::hooks"]).len(), 1);
}
