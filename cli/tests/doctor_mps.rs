//! `cuota doctor` about MPS: each check fires, and is silent. The daemon is Debian's real one, where it
//! can be had.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::doctor::{check, is, is_absent, report, report_of};
use common::member::Member;
use common::real::{Daemon, unpacked};
use common::{Folder, library, simulated};

#[test]
fn what_is_wrong_with_a_daemon_is_found_and_what_is_right_too() {
    let Some(unpacked) = unpacked() else { return };
    let folder = Folder::new("doctor-mps");
    let good = Daemon::start(&unpacked, &folder, "good", &[]);
    is(&report(&good.named()).1, "mps-dir", "warn", "mode 777");
    let closed = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&good.pipes, closed).expect("ours");
    let pid = good.pid.to_string();
    let well = report(&good.named()).1;
    is(&well, "mps", "ok", "answers");
    is(&well, "mps-dir", "ok", "mode 755");
    is(&well, "mps-lock", "ok", &pid);
    is(&well, "mps-env", "ok", &pid);
    is(&well, "mps-path", "ok", "usr/sbin/nvidia-cuda-mps-server");
    // Its lock is taken from under it.
    let lock = good.pipes.join("control_lock");
    fs::remove_file(&lock).and_then(|()| fs::write(&lock, "")).expect("ours");
    is(&report(&good.named()).1, "mps-lock", "warn", "nobody holds");

    let preload = library().display().to_string();
    let ours = [("LD_PRELOAD", preload.as_str()), ("CUOTA_CLIENT", "daemon")];
    let bad = Daemon::start(&unpacked, &folder, "bad", &ours);
    is(&report(&bad.named()).1, "mps-env", "warn", "as a client of cuota's");
    let lost = Daemon::start(&unpacked, &folder, "lost", &[("PATH", "/usr/bin:/bin")]);
    is(&report(&lost.named()).1, "mps-path", "error", "no nvidia-cuda-mps-server");
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

#[test]
fn who_runs_beside_mps_is_told_so() {
    let Some(unpacked) = unpacked() else { return };
    let folder = Folder::new("doctor-beside");
    let daemon = Daemon::start(&unpacked, &folder, "pipes", &[]);
    let [named] = daemon.named();
    let beside = report(&[named]).1;
    is(&beside, "mps-client", "warn", "device 0 beside MPS");
    let advice = check(&beside, "mps-client")["do"].as_str().expect("text");
    assert!(advice.contains("pipes.log"), "where the daemon logs: {advice}");
    is(&report(&[named, ("CUOTA_SIM_MPS", "1")]).1, "mps-client", "ok", "is under MPS");
    let (status, required) = report(&[named, ("CUOTA_MPS", "require")]);
    is(&required, "mps-client", "error", "cuInit answers 805");
    is(&required, "cuinit", "error", "is not under MPS, though the daemon");
    let advice = check(&required, "cuinit")["do"].as_str().expect("text");
    assert!(advice.contains("cuota that refuses"), "{advice}");
    assert_eq!(status, Some(2));
    is(&report(&[named, ("CUOTA_MPS", "ignore")]).1, "mps-client", "info", "ignore");
    let (_, old) = report_of(&[], &simulated("525"), &[named]);
    is(&old, "mps-client", "unknown", "too old");
    let (_, none) = report_of(&[], &folder.path("no-driver"), &[named]);
    is(&none, "mps-client", "unknown", "needs");

    let mode = |mode| report(&[named, ("CUOTA_SIM_COMPUTE_MODE", mode)]).1;
    is(&mode("default"), "compute-mode", "info", "not told");
    is(&mode("exclusive_process"), "compute-mode", "ok", "gets an error");
}

#[test]
fn a_daemon_that_is_stopped_is_told_from_one_that_is_busy() {
    let Some(unpacked) = unpacked() else { return };
    let folder = Folder::new("doctor-stopped");
    let daemon = Daemon::start(&unpacked, &folder, "pipes", &[]);
    is(&report(&daemon.named()).1, "mps", "ok", "answers");
    daemon.signal("-STOP");
    let (_, stopped) = report(&daemon.named());
    is(&stopped, "mps", "warn", "is stopped");
    let advice = check(&stopped, "mps")["do"].as_str().expect("text");
    assert!(advice.contains(&format!("kill -CONT {}", daemon.pid)), "{advice}");
    daemon.signal("-CONT");

    let silent = folder.path("silent");
    let busy = Busy::start(&silent);
    let named = [("CUDA_MPS_PIPE_DIRECTORY", silent.to_str().expect("plain"))];
    is(&report(&named).1, "mps", "warn", &format!("(process {}) is not stopped", busy.0.id()));
}

/// What holds the lock and listens as a daemon does, and greets nobody.
struct Busy(Child);

impl Busy {
    fn start(pipes: &Path) -> Busy {
        const LISTEN: &str = "
import fcntl, os, socket, struct, sys
os.mkdir(sys.argv[1]); os.chdir(sys.argv[1])
lock = open('control_lock', 'w')
fcntl.lockf(lock, fcntl.LOCK_EX)
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind('control'); listener.listen()
print('ready', flush=True); sys.stdin.read()";
        let mut python = Command::new("python3");
        python.args(["-c", LISTEN]).arg(pipes).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().expect("the tests need Python");
        let mut said = [0; 5];
        child.stdout.as_mut().expect("piped").read_exact(&mut said).expect("it is ready");
        Busy(child)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn who_else_of_mps_runs_here_is_told() {
    let Some(unpacked) = unpacked() else { return };
    let folder = Folder::new("doctor-others");
    let one = Daemon::start(&unpacked, &folder, "one", &[("CUDA_VISIBLE_DEVICES", "0")]);
    let alone = report(&one.named()).1;
    is(&alone, "mps-asker", "ok", "nobody is talking");
    is(&alone, "mps-user", "ok", "nobody yet");
    is_absent(&alone, "mps-pid");
    let other = Daemon::start(&unpacked, &folder, "two", &[("CUDA_VISIBLE_DEVICES", "0,1")]);
    is(&report(&one.named()).1, "mps-second", "warn", &format!("process {}", other.pid));

    let mut session = Command::new(unpacked.join("usr/bin/nvidia-cuda-mps-control"));
    session.envs(one.named()).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut session = session.spawn().expect("it can be run");
    let talking = format!("process {} is talking", session.id());
    is(&report(&one.named()).1, "mps-asker", "warn", &talking);
    drop(session.stdin.take());
    session.wait().expect("ours");

    let file = one.pipes.join("nvidia-cuda-mps-control.pid");
    fs::write(&file, format!("{}\n", one.pid)).expect("ours");
    is(&report(&one.named()).1, "mps-pid", "ok", &one.pid.to_string());
    fs::write(&file, "1\n").expect("ours");
    is(&report(&one.named()).1, "mps-pid", "warn", "says \"1\"");
}

#[test]
fn a_limit_of_memory_for_a_device_that_is_not_seen_is_noticed() {
    const LIMIT: &str = "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT";
    is_absent(&report(&[]).1, "mem-limit");
    is(&report(&[(LIMIT, "0=1G")]).1, "mem-limit", "ok", "this process sees");
    is(&report(&[(LIMIT, "0=1G,1=1G")]).1, "mem-limit", "warn", "names device 1;");
    is(&report(&[(LIMIT, "0=1G,1=1G"), ("CUOTA_SIM_CARDS", "2")]).1, "mem-limit", "ok", "sees");
    is(&report(&[(LIMIT, "0:1G")]).1, "mem-limit", "warn", "cannot be read");
    let (_, none) = report_of(&[], &simulated("").with_file_name("none"), &[(LIMIT, "0=1G")]);
    is(&none, "mem-limit", "unknown", "not looked at");
}

#[test]
fn another_users_turn_is_noticed() {
    const OTHER: u32 = 65534;
    let Some(unpacked) = unpacked() else { return };
    let folder = Folder::new("doctor-turn");
    if fs::metadata(folder.path("")).expect("ours").uid() != 0 {
        eprintln!("skipped: only root's daemon serves other users");
        return;
    }
    // Without a GPU the real server ends at once; this one stays, as whom the daemon makes it.
    let server = "#include <unistd.h>\nint main(void) { for (;;) pause(); }";
    folder.compiled("nvidia-cuda-mps-server", server, &[]).expect("gcc links");
    let path = format!("{}:/usr/bin:/bin", folder.path("").display());
    for (user, severity, words) in [
        (0, "ok", "serves this user (0)"),
        (OTHER, "warn", "serves user 65534, and this is user 0"),
    ] {
        let name = format!("for-{user}");
        let daemon = Daemon::start(&unpacked, &folder, &name, &[("PATH", &path)]);
        let mut control = Command::new(unpacked.join("usr/bin/nvidia-cuda-mps-control"));
        let mut asked = control.envs(daemon.named()).stdin(Stdio::piped()).spawn().expect("runs");
        writeln!(asked.stdin.take().expect("piped"), "start_server -uid {user}").expect("heard");
        asked.wait().expect("ours");
        let found = loop {
            let found = report(&daemon.named()).1;
            if !check(&found, "mps-user")["found"].as_str().expect("text").contains("nobody yet") {
                break found;
            }
        };
        is(&found, "mps-user", severity, words);
    }
}

#[test]
fn the_real_driver_is_refused_by_the_real_daemon_and_that_is_said() {
    let Some(unpacked) = unpacked() else { return };
    let folder = Folder::new("doctor-refused");
    if Path::new("/dev/nvidiactl").exists() {
        eprintln!("skipped: with a GPU its server may well stay");
        return;
    }
    let daemon = Daemon::start(&unpacked, &folder, "pipes", &[]);
    let driver = unpacked.join("usr/lib/x86_64-linux-gnu/nvidia/current/libcuda.so.1");
    let (_, refused) = report_of(&[], &driver, &daemon.named());
    is(&refused, "cuinit", "error", "805");
    is(&refused, "mps-client", "error", "does not get under MPS");
    is(&refused, "versions", "ok", "MPS daemon");
}
