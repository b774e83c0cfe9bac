//! `cuota doctor`: what it finds is what is there, for people and for programs.

mod common;

use std::path::Path;

use common::{Folder, cuota, ended, library, simulated};
use serde_json::Value;

/// A driver with a name nobody knows, and without nearly all the names everybody knows.
const STRANGE: &str = "
int cuInit(unsigned flags) { return flags; }
int cuDriverGetVersion(int *version) { *version = 99010; return 0; }
int cuMemAllocSomehow(void) { return 0; }
int cuPaintItBlack(void) { return 0; }
int cudbgOfTheDebugger;
";

fn report(arguments: &[&str], driver: &Path) -> (Option<i32>, Value) {
    let arguments = ["doctor", "--json"].iter().chain(arguments);
    // Not below /tmp, which some machines sweep.
    let ledgers = env!("CARGO_TARGET_TMPDIR");
    let mut command = cuota(arguments);
    let (status, out, err) = ended(command.env("CUOTA_DRIVER", driver).env("CUOTA_DIR", ledgers));
    let report = serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}"));
    (status, report)
}

fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no {id}: {report:#}"))
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().filter_map(Value::as_str).collect()
}

#[test]
fn a_machine_with_a_driver_is_well() {
    let (status, report) = report(&[], &simulated(""));
    assert_eq!(status, Some(0), "{report:#}");
    assert!(["ok", "info"].contains(&report["worst"].as_str().unwrap()));
    for id in ["settings", "library", "preload", "driver", "cuinit", "coverage", "uncovered"] {
        let check = check(&report, id);
        assert_eq!(check["severity"], "ok", "{check}");
        assert!(check["found"].is_string() && check["why"].is_string() && check["do"].is_null());
    }
    let found = |id| check(&report, id)["found"].as_str().unwrap();
    assert!(found("library").contains(library().to_str().unwrap()));
    assert!(found("driver").contains(simulated("").to_str().unwrap()));
    assert!(report["coverage"].is_null() && report["command"].is_null());
}

#[test]
fn coverage_lists_every_function_once() {
    let (_, report) = report(&["--coverage"], &simulated(""));
    let coverage = &report["coverage"];
    let forwarded = coverage["forwarded"].as_array().unwrap();
    assert!(forwarded.iter().all(|group| !group["reason"].as_str().unwrap().is_empty()));
    let mut all = names(&coverage["body"]);
    all.extend(names(&coverage["row"]));
    all.extend(forwarded.iter().flat_map(|group| names(&group["names"])));
    let total = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), total, "no name twice");
    assert!(all.contains(&"cuMemAlloc_v2") && all.contains(&"cuInit"));
    assert_eq!(coverage["unknown"], Value::Array(vec![]));
}

#[test]
fn an_older_driver_lacks_names_and_that_is_no_fault() {
    let (status, report) = report(&["--coverage"], &simulated("470"));
    assert_eq!(status, Some(0));
    assert_eq!(check(&report, "lacking")["severity"], "info");
    assert!(names(&report["coverage"]["lacking"]).contains(&"cuGetProcAddress_v2"));
}

#[test]
fn a_name_nobody_knows_is_told_and_an_allocator_warned_of() {
    let folder = Folder::new("strange");
    let driver =
        folder.compiled("libcuda.so.1", STRANGE, &["-shared", "-fPIC"]).expect("gcc links");
    let (status, report) = report(&["--coverage"], &driver);
    assert_eq!(status, Some(1), "{report:#}");
    let uncovered = check(&report, "uncovered");
    assert_eq!(uncovered["severity"], "warn");
    let found = uncovered["found"].as_str().unwrap();
    assert!(found.contains("cuMemAllocSomehow") && found.contains("cuPaintItBlack"), "{found}");
    let unknown = report["coverage"]["unknown"].as_array().unwrap();
    let unknown: Vec<_> =
        unknown.iter().map(|it| (it["name"].as_str(), &it["may_allocate"])).collect();
    assert_eq!(
        unknown,
        [
            (Some("cuMemAllocSomehow"), &Value::Bool(true)),
            (Some("cuPaintItBlack"), &Value::Bool(false))
        ]
    );
    assert!(names(&report["coverage"]["lacking"]).contains(&"cuMemAlloc_v2"));
    assert!(check(&report, "driver")["found"].as_str().unwrap().ends_with("CUDA 99.1"));
}

#[test]
fn a_machine_without_a_driver_is_an_error_in_words() {
    let folder = Folder::new("absent");
    let nothing = folder.path("libcuda.so.1");
    let (status, out, _) = ended(cuota(["doctor"]).env("CUOTA_DRIVER", &nothing));
    assert_eq!(status, Some(2));
    assert!(out.contains("error    driver") && out.contains("CUOTA_DRIVER"), "{out}");
    assert!(out.ends_with("\nworst: error (exit status 2)\n"), "{out}");
    let (_, report) = report(&[], &nothing);
    assert_eq!(check(&report, "preload")["severity"], "ok", "{report:#}");
    for id in ["cuinit", "coverage"] {
        assert_eq!(check(&report, id)["severity"], "unknown", "never ok when not looked at");
    }
}

#[test]
fn a_missing_library_and_a_bad_setting_are_found() {
    let (status, out, _) = ended(cuota(["doctor"]).env("CUOTA_LIB", "/no/such/libcuota.so"));
    assert_eq!(status, Some(2));
    assert!(out.contains("error    library") && out.contains("/no/such/libcuota.so"), "{out}");
    let mut command = cuota(["doctor"]);
    command.env("CUOTA_DRIVER", simulated("")).env("CUOTA_LOG", "loud");
    let (status, out, _) = ended(&mut command);
    assert_eq!(status, Some(1));
    assert!(out.contains("warn     settings     CUOTA_LOG"), "{out}");
}

#[test]
fn a_preload_that_does_not_work_is_an_error() {
    // A library that loads and has our marks, but is for a child that cannot take it: an empty one.
    let folder = Folder::new("broken");
    let fake = "const char *cuota_version(void) { return \"0\"; }
        const char *cuota_entry_point(unsigned i, const char **h, const char **r) { return 0; }";
    let library = folder.compiled("libcuota.so", fake, &["-shared", "-fPIC"]).expect("gcc links");
    let mut command = cuota(["doctor"]);
    command.env("CUOTA_LIB", library).env("LD_LIBRARY_PATH", simulated("").parent().unwrap());
    let (status, out, _) = ended(&mut command);
    assert_eq!(status, Some(2));
    assert!(out.contains("error    preload") && out.contains("warn     library"), "{out}");
}

#[test]
fn what_a_command_calls_is_reported() {
    let folder = Folder::new("calls");
    // Linked: nothing is looked up. The simulator's own libcuda.so is what it is linked against.
    let program = "int cuInit(unsigned), cuDriverGetVersion(int *);
        int main(void) { int v; return cuInit(0) || cuDriverGetVersion(&v) || cuDriverGetVersion(&v); }";
    let from = format!("-L{}", simulated("").parent().unwrap().display());
    let program = folder.compiled("linked", program, &[&from, "-lcuda"]).expect("gcc links");
    let program = program.to_str().unwrap();
    let (status, report) = report(&["--coverage", "--", program], &simulated(""));
    assert_eq!(status, Some(0), "{report:#}");
    let command = &report["command"];
    assert_eq!((&command["exit_status"], &command["argv"][0]), (&0.into(), &program.into()));
    let entries = command["entry_points"].as_array().unwrap();
    let version = entries.iter().find(|entry| entry["name"] == "cuDriverGetVersion").unwrap();
    assert_eq!((&version["calls"], &version["found_by_dlsym"]), (&2.into(), &0.into()));
    let arguments = ["doctor", "--coverage", "--", program];
    let (_, out, _) = ended(cuota(arguments).env("CUOTA_DRIVER", simulated("")));
    assert!(
        out.contains("linked") && out.lines().all(|line| line.len() <= 80 || line.contains('/')),
        "{out}"
    );
}

#[test]
fn a_commands_own_words_do_not_mix_with_json_and_its_failure_is_told() {
    let (status, report) =
        report(&["--coverage", "--", "sh", "-c", "echo hello; exit 3"], &simulated(""));
    assert_eq!(status, Some(1));
    assert!(check(&report, "command")["found"].as_str().unwrap().ends_with("exit status 3"));
    assert_eq!(check(&report, "calls")["severity"], "warn", "no CUDA was seen");
}

#[test]
fn a_command_needs_coverage_and_to_exist() {
    let status = |arguments: &[&str]| ended(cuota(arguments).env("CUOTA_DRIVER", simulated(""))).0;
    assert_eq!(status(&["doctor", "--", "true"]), Some(125));
    assert_eq!(status(&["doctor", "--coverage", "--", "/no/such/command"]), Some(127));
}

#[test]
fn a_command_that_nothing_can_be_preloaded_into_is_named() {
    let folder = Folder::new("doctor-static");
    let of = |program: &str| report(&["--coverage", "--", program], &simulated("")).1;
    let found = of("true");
    let checks = found["checks"].as_array().expect("checks");
    assert!(checks.iter().all(|check| check["id"] != "reach"), "{found:#}");
    let Some(program) = folder.compiled("static", "int main(void) { return 0; }", &["-static"])
    else {
        eprintln!("skipped: no static libc here");
        return;
    };
    let found = of(program.to_str().expect("plain"));
    let reach = check(&found, "reach");
    assert_eq!(reach["severity"], "warn");
    assert!(reach["found"].as_str().expect("text").contains("statically linked"), "{reach}");
    assert!(reach["do"].is_string(), "{reach}");
}

#[test]
fn every_check_is_in_the_help() {
    let (_, help, _) = ended(&mut cuota(["doctor", "--help"]));
    let words: Vec<&str> = help.split([' ', '\n', '.']).collect();
    let us = std::process::id().to_string();
    for arguments in [&[][..], &["--coverage", "--", "true"], &[us.as_str()]] {
        let (_, report) = report(arguments, &simulated(""));
        for check in report["checks"].as_array().expect("checks") {
            let id = check["id"].as_str().expect("text");
            assert!(words.contains(&id), "{id} is not in the help");
        }
    }
}
