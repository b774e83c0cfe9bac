//! Writes the exported stubs: one per name any real driver exports, plus our NVML names.
//!
//! A stub counts its call, then jumps to `sim_<name>` if a row in `src/entries/` implements it, else to
//! the common refusal. Driver-internal calls use `sim_<name>` and never pass an interposable symbol.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::{env, fs, path::Path};

const GENERATIONS: [&str; 8] = ["470", "525", "535", "550", "555", "580", "595", "615"];

/// The debugger's functions; its other `cudbg*` names are variables.
const DEBUGGER_FUNCTIONS: [&str; 8] = [
    "cudbgApiAttach",
    "cudbgApiDetach",
    "cudbgApiInit",
    "cudbgGetAPI",
    "cudbgGetAPIVersion",
    "cudbgMain",
    "cudbgReportDriverApiError",
    "cudbgReportDriverInternalError",
];

fn main() {
    println!("cargo:rerun-if-changed=facts/exports");
    println!("cargo:rerun-if-changed=src/entries");
    println!("cargo:rerun-if-changed=build.rs");

    let mut exported_by: BTreeMap<String, u8> = BTreeMap::new();
    for (bit, generation) in GENERATIONS.iter().enumerate() {
        for name in read(&format!("facts/exports/{generation}.txt")).split_whitespace() {
            *exported_by.entry(name.to_owned()).or_default() |= 1 << bit;
        }
    }
    let implemented = implemented();
    for name in &implemented {
        if name.starts_with("nvml") {
            exported_by.insert(name.clone(), 0);
        } else if !exported_by.contains_key(name) {
            panic!("src/entries implements {name}, which no driver exports");
        }
    }
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let (functions, data): (Vec<_>, Vec<_>) = exported_by.iter().partition(|(name, _)| {
        !name.starts_with("cudbg") || DEBUGGER_FUNCTIONS.contains(&name.as_str())
    });
    let names: Vec<_> = functions.iter().map(|(name, by)| (name.as_str(), **by)).collect();
    let data: Vec<_> = data.iter().map(|(name, _)| name.as_str()).collect();
    fs::write(Path::new(&out).join("stubs.s"), assembly(&names, &data, &implemented))
        .expect("write stubs.s");
    fs::write(Path::new(&out).join("names.rs"), table(&names)).expect("write names.rs");
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The names between brackets at the start of each row of the entry tables.
fn implemented() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in fs::read_dir("src/entries").expect("src/entries") {
        let text = read(&file.expect("directory entry").path().to_string_lossy());
        let rows = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        for group in rows.split('[').skip(1) {
            let group = group.split(']').next().unwrap_or_default();
            for name in
                group.split_whitespace().filter(|n| n.starts_with("cu") || n.starts_with("nvml"))
            {
                if !names.insert(name.to_owned()) {
                    panic!("two rows for {name}");
                }
            }
        }
    }
    names
}

fn assembly(functions: &[(&str, u8)], data: &[&str], implemented: &BTreeSet<String>) -> String {
    let mut s = String::new();
    for (index, (name, _)) in functions.iter().enumerate() {
        let target = if implemented.contains(*name) {
            format!("sim_{name}")
        } else {
            "sim_not_supported".into()
        };
        let _ = write!(
            s,
            ".section .text.{name},\"ax\",@progbits\n.p2align 4\n.globl {name}\n.type {name},@function\n{name}:\n.Lsim_stub_{index}:\n\
             movq sim_counters(%rip), %rax\nlock incq {offset}(%rax)\njmp {target}\n.size {name}, .-{name}\n",
            offset = index * 8,
        );
    }
    for name in data {
        let _ = write!(
            s,
            ".section .data.{name},\"aw\",@progbits\n.p2align 3\n.globl {name}\n.type {name},@object\n.size {name}, 8\n{name}: .quad 0\n"
        );
    }
    s.push_str(".section .data.rel.ro.sim_addresses,\"aw\",@progbits\n.p2align 3\n.globl sim_addresses\nsim_addresses:\n");
    for index in 0..functions.len() {
        let _ = writeln!(s, ".quad .Lsim_stub_{index}");
    }
    // The linker replaces this weak default by the generation asked of link.sh.
    s.push_str(".section .rodata.sim_generation,\"a\",@progbits\n.p2align 2\n.weak sim_generation\nsim_generation: .long 615\n.text\n");
    s
}

fn table(functions: &[(&str, u8)]) -> String {
    let mut s = format!("pub const COUNT: usize = {};\n", functions.len());
    let _ = writeln!(
        s,
        "pub static GENERATIONS: [u32; {}] = [{}];",
        GENERATIONS.len(),
        GENERATIONS.join(", ")
    );
    s.push_str("/// Sorted; with a bit for each generation that exports the name.\npub static NAMES: [(&str, u8); COUNT] = [\n");
    for (name, by) in functions {
        let _ = writeln!(s, "    (\"{name}\", {by}),");
    }
    s.push_str("];\n");
    s
}
