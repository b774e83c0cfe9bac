//! Links the library so that it runs anywhere: against a glibc of 2018, and without libgcc_s.
//!
//! An image without libgcc_s, or with an older glibc than the build machine's, would otherwise refuse
//! to start *every* process under the preload. So the linker is shown stubs of the C library with
//! only the symbols, and the versions, of glibc 2.28, and the unwinder's static archive for libgcc_s.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const SYMBOLS: &str = "build/glibc-2.28.txt";

fn main() {
    println!("cargo:rerun-if-changed={SYMBOLS}");
    // -Bsymbolic: the addresses we hand out are our own, whoever else exports the names before us.
    for arg in ["-soname,libcuda.so.1", "-z,nodelete", "-z,defs", "-Bsymbolic"] {
        println!("cargo:rustc-cdylib-link-arg=-Wl,{arg}");
    }
    // The stubs are x86-64's; elsewhere the build machine's own glibc decides.
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("x86_64") {
        let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("stubs");
        fs::create_dir_all(&out).expect("OUT_DIR is writable");
        make_stubs(&out);
        println!("cargo:rustc-cdylib-link-arg=-L{}", out.display());
    }
}

/// Library → version → symbols.
type Wanted = BTreeMap<String, BTreeMap<String, Vec<String>>>;

fn wanted() -> Wanted {
    let text = fs::read_to_string(SYMBOLS).expect("the list of symbols is part of the package");
    let mut wanted = Wanted::new();
    let mut section = None;
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if line.contains(".so.") {
            section = line.split_once(' ').map(|(a, b)| (a.to_string(), b.to_string()));
            continue;
        }
        let (library, version) = section.clone().expect("symbols stand under a library");
        let symbols = wanted.entry(library).or_default().entry(version).or_default();
        symbols.extend(line.split(' ').map(String::from));
    }
    wanted
}

fn make_stubs(out: &Path) {
    let mut members = String::new();
    for (library, versions) in wanted() {
        let (mut code, mut script) = (String::from(".text\n"), String::new());
        for (version, symbols) in &versions {
            let _ = writeln!(script, "{version} {{ global: {}; }};", symbols.join("; "));
            for symbol in symbols {
                // Data is 8 bytes here: a pointer.
                let data = ["environ", "program_invocation_name"].contains(&symbol.as_str());
                let kind = if data { "object" } else { "function" };
                let _ =
                    writeln!(code, ".globl {symbol}\n.type {symbol}, @{kind}\n{symbol}: .quad 0");
                let _ = writeln!(code, ".size {symbol}, 8");
            }
        }
        let (source, map) = (out.join("stub.s"), out.join("stub.map"));
        fs::write(&source, code).expect("OUT_DIR is writable");
        fs::write(&map, script).expect("OUT_DIR is writable");
        let made = Command::new("gcc")
            .args(["-shared", "-nostdlib", "-o"])
            .arg(out.join(&library))
            .arg(&source)
            .arg(format!("-Wl,-soname,{library},--version-script,{}", map.display()))
            .status();
        assert!(
            made.is_ok_and(|status| status.success()),
            "gcc could not make a stub of {library}"
        );
        let _ = write!(members, " {}", out.join(&library).display());
    }
    // What `-lc` and its old parts, and `-lgcc_s`, mean to this link.
    let group = format!("GROUP ( AS_NEEDED ({members} ) )\n");
    for name in ["libc.so", "libdl.so", "libpthread.so", "librt.so", "libutil.so", "libm.so"] {
        fs::write(out.join(name), &group).expect("OUT_DIR is writable");
    }
    fs::write(out.join("libgcc_s.so"), "GROUP ( -lgcc_eh )\n").expect("OUT_DIR is writable");
}
