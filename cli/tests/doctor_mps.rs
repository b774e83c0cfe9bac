//! `cuota doctor` about MPS: each check fires, and is silent. The daemon is Debian's real one, where it
//! can be had.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::member::Member;
use common::real::{self, unpacked};
use common::{Folder, cuota, ended, library, simulated};
use serde_json::Value;

/// The checks of a run with this environment, and its exit status.
fn report(set: &[(&str, &str)]) -> (Option<i32>, Value) {
    let mut command = cuota(["doctor", "--json"]);
    command.env("CUOTA_DRIVER", simulated("")).envs(set.iter().copied());
    let (status, out, err) = ended(&mut command);
    let report = serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}"));
    (status, report)
}

fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no {id}: {report:#}"))
}

#[track_caller]
fn is(report: &Value, id: &str, severity: &str, words: &str) {
    let check = check(report, id);
    assert_eq!(check["severity"], severity, "{check}");
    assert!(check["found"].as_str().expect("text").contains(words), "{check}");
    let worse = ["warn", "error"].contains(&severity);
    assert_eq!(
        check["do"].is_string(),
        worse,
        "what to do is said where something is wrong: {check}"
    );
}

struct Daemon {
    pid: i32,
    pipes: PathBuf,
}

impl Daemon {
    fn start(unpacked: &Path, folder: &Folder, name: &str, set: &[(&str, &str)]) -> Daemon {
        let (pipes, log) = (folder.path(name), folder.path(&format!("{name}.log")));
        fs::create_dir(&log).expect("a fresh directory");
        let server = unpacked.join("usr/sbin").display().to_string();
        let started = Command::new(unpacked.join("usr/bin/nvidia-cuda-mps-control"))
            .arg("-d")
            .env("PATH", format!("/usr/bin:/bin:{server}"))
            .env("CUDA_MPS_PIPE_DIRECTORY", &pipes)
            .env("CUDA_MPS_LOG_DIRECTORY", &log)
            .envs(set.iter().copied())
            .status();
        assert!(started.expect("it can be run").success());
        // It goes on to write that after it has let its parent go.
        let pid = loop {
            let said = fs::read_to_string(log.join("control.log")).unwrap_or_default();
            let pid = said.split("Control ").nth(1).and_then(|rest| rest.split_once(']'));
            if let Some((pid, _)) = pid {
                break pid.trim().parse().expect("a number");
            }
            std::thread::yield_now();
        };
        Daemon { pid, pipes }
    }

    fn report(&self) -> Value {
        report(&[("CUDA_MPS_PIPE_DIRECTORY", self.pipes.to_str().expect("plain"))]).1
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        real::end(&self.pipes);
    }
}

#[test]
fn what_is_wrong_with_a_daemon_is_found_and_what_is_right_too() {
    let Some(unpacked) = unpacked() else { return };
    let folder = Folder::new("doctor-mps");
    let good = Daemon::start(&unpacked, &folder, "good", &[]);
    is(&good.report(), "mps-dir", "warn", "mode 777");
    let closed = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&good.pipes, closed).expect("ours");
    let pid = good.pid.to_string();
    let well = good.report();
    is(&well, "mps", "ok", "answers");
    is(&well, "mps-dir", "ok", "mode 755");
    is(&well, "mps-lock", "ok", &pid);
    is(&well, "mps-env", "ok", &pid);
    is(&well, "mps-path", "ok", "usr/sbin/nvidia-cuda-mps-server");
    // Its lock is taken from under it.
    let lock = good.pipes.join("control_lock");
    fs::remove_file(&lock).and_then(|()| fs::write(&lock, "")).expect("ours");
    is(&good.report(), "mps-lock", "warn", "nobody holds");

    let preload = library().display().to_string();
    let ours = [("LD_PRELOAD", preload.as_str()), ("CUOTA_CLIENT", "daemon")];
    let bad = Daemon::start(&unpacked, &folder, "bad", &ours);
    is(&bad.report(), "mps-env", "warn", "as a client of cuota's");
    let lost = Daemon::start(&unpacked, &folder, "lost", &[("PATH", "/usr/bin:/bin")]);
    is(&lost.report(), "mps-path", "error", "no nvidia-cuda-mps-server");
}

#[test]
fn without_a_daemon_what_is_said_depends_on_what_was_asked_for() {
    let folder = Folder::new("doctor-no-mps");
    let place = folder.path("pipes").display().to_string();
    let named = ("CUDA_MPS_PIPE_DIRECTORY", place.as_str());
    let (_, silent) = report(&[("CUDA_MPS_PIPE_DIRECTORY", "")]);
    assert!(["info", "ok"].contains(&check(&silent, "mps")["severity"].as_str().expect("text")));
    let (status, wrong) = report(&[named]);
    is(&wrong, "mps", "warn", "there is no directory");
    assert_eq!(status, Some(1));
    let (status, required) = report(&[named, ("CUOTA_MPS", "require")]);
    is(&required, "mps", "error", "there is no directory");
    assert_eq!(status, Some(2));
    fs::create_dir(folder.path("pipes")).expect("a fresh directory");
    is(&report(&[named]).1, "mps", "warn", "no daemon was started in");
    let long = folder.path(&"x".repeat(90)).display().to_string();
    is(&report(&[("CUDA_MPS_PIPE_DIRECTORY", &long)]).1, "mps", "warn", "more than 87 characters");
}

#[test]
fn a_misspelt_variable_is_noticed() {
    is(&report(&[]).1, "mps-names", "ok", "is not set");
    let (_, wrong) = report(&[("CUDA_MPS_DEVICE_MEM_LIMIT", "0=1G")]);
    is(&wrong, "mps-names", "warn", "which nothing reads");
}

#[test]
fn shares_that_add_up_to_more_than_there_is_are_noticed() {
    let folder = Folder::new("doctor-shares");
    let directory = folder.ledgers().display().to_string();
    let share = |percent| [("CUOTA_SIM_MPS", "1"), ("CUOTA_SM", percent), ("CUOTA_LOG", "off")];
    let _one = Member::start(&folder, "one", &share("60%"));
    let _silent = Member::start(&folder, "silent", &[]);
    let ledgers = [("CUOTA_DIR", directory.as_str())];
    is(&report(&ledgers).1, "shares", "ok", "60 %");
    let _two = Member::start(&folder, "two", &share("25%"));
    is(&report(&ledgers).1, "shares", "ok", "85 %");
    let _again = Member::start(&folder, "two", &share("25%"));
    is(&report(&ledgers).1, "shares", "warn", "110 %");
}
