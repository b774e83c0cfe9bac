//! What the built library asks of the machine it is put on.

mod support;

use std::process::Command;

use support::library;

fn tool(name: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(name).args(arguments).arg(library()).output().expect("binutils are there");
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The names in brackets of lines that contain `what`.
fn dynamic(what: &str) -> Vec<String> {
    let all = tool("readelf", &["-Wd"]);
    let named = |line: &str| Some(line.split_once('[')?.1.split_once(']')?.0.to_string());
    all.lines().filter(|line| line.contains(what)).filter_map(named).collect()
}

#[test]
fn it_stands_under_the_drivers_name() {
    assert_eq!(dynamic("(SONAME)"), ["libcuda.so.1"]);
}

/// libdl and libpthread are parts of libc, which glibc folded into one file in 2.34.
#[test]
fn it_needs_libc_and_the_loader_only() {
    const ALLOWED: [&str; 5] = [
        "libc.so.6",
        "libdl.so.2",
        "libpthread.so.0",
        "ld-linux-x86-64.so.2",
        "ld-linux-aarch64.so.1",
    ];
    let needed = dynamic("(NEEDED)");
    assert!(needed.contains(&"libc.so.6".into()));
    assert!(needed.iter().all(|name| ALLOWED.contains(&name.as_str())), "{needed:?}");
    assert!(dynamic("(RUNPATH)").is_empty() && dynamic("(RPATH)").is_empty());
}

fn too_new(version: &str) -> bool {
    let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    numbers > vec![2, 28]
}

#[test]
fn it_takes_no_symbol_newer_than_glibc_2_28() {
    assert!(too_new("2.34") && too_new("2.29") && !too_new("2.28") && !too_new("2.2.5"));
    let symbols = tool("nm", &["-D", "--undefined-only"]);
    let strong: Vec<_> =
        symbols.lines().filter(|line| line.trim_start().starts_with("U ")).collect();
    assert!(strong.len() > 10);
    for line in strong {
        let (_, version) =
            line.split_once("@GLIBC_").unwrap_or_else(|| panic!("{line}: no version"));
        assert!(!too_new(version.trim()), "{line}");
    }
    let needs = tool("readelf", &["-WV"]);
    for version in
        needs.split("Name: GLIBC_").skip(1).filter_map(|rest| rest.split_whitespace().next())
    {
        assert!(!too_new(version), "GLIBC_{version}");
    }
}

/// A process that never touches CUDA must not notice us. What is there is the C start-up files' own
/// (which does nothing without profiling), std's note of argc and argv, and one look at where standard
/// error leads, which changes nothing.
#[test]
fn nothing_of_ours_but_a_look_runs_at_load() {
    let sections = tool("readelf", &["-WS"]);
    for name in [".init_array", ".ctors", ".preinit_array"] {
        let size = sections.lines().find_map(|line| {
            let fields: Vec<_> = line.split(']').nth(1)?.split_whitespace().collect();
            (fields.first() == Some(&name))
                .then(|| u64::from_str_radix(fields[4], 16).expect("a size"))
        });
        assert!(size.unwrap_or(0) <= 24, "{name}: {size:?}");
    }
    let symbols = tool("nm", &[]);
    for explains in ["frame_dummy", "ARGV_INIT_ARRAY", "AT_LOAD"] {
        assert!(symbols.contains(explains), "an entry that is not {explains}");
    }
}
