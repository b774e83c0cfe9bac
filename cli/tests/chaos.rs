//! `cuota chaos`: each drill's radius on the simulated card, and what differs from what is promised; never
//! against a daemon that is somebody else's.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::real::{Daemon, unpacked};
use common::{Folder, cuota, ended, simulated};
use serde_json::Value;

/// With nothing left of it.
struct Scene(Folder);

impl Scene {
    fn new(name: &str) -> Scene {
        Scene(Folder::new(name))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = cuota([&["chaos"], arguments].concat());
        // Whatever is set: a drill is the same everywhere.
        command.env("CUOTA_VRAM", "1MiB").env("CUOTA_CLIENT", "x").env("CUOTA_ON_FAULT", "keep");
        command.env("TMPDIR", self.0.path(""));
        command
    }

    fn drill(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let driver = simulated("");
        let ended = ended(self.command(arguments).arg("--sim").arg(driver));
        assert_eq!(fs::read_dir(self.0.path("")).unwrap().count(), 0, "nothing is left behind");
        ended
    }

    fn json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let (status, out, err) = self.drill(&[arguments, &["--json"]].concat());
        (status, serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}")))
    }
}

/// Name, what it was told, how it ended, what its ledger says: of every process.
fn rows(drill: &Value) -> Vec<String> {
    let row = |it: &Value| {
        let (ledger, culprit) = (&it["ledger"], &it["ledger"]["culprit"]["client"]);
        let name = it["client"].as_str().expect("a name");
        format!(
            "{name} {} {} {} {} {culprit}",
            it["told"], it["ended"], ledger["status"], ledger["verdict"]
        )
    };
    drill["processes"].as_array().expect("a list").iter().map(row).collect()
}

#[test]
fn every_drill_has_the_radius_that_is_promised() {
    let (status, found) = Scene::new("chaos").json(&["--neighbours", "2"]);
    assert_eq!((status, &found["as_promised"]), (Some(0), &Value::Bool(true)), "{found:#}");
    let drills = found["drills"].as_array().expect("a list");
    let all = |drill: &str, others: [&str; 2]| {
        let name = |number| format!("neighbour-{number} {}", others[1]);
        vec![format!("{} {}", drill, others[0]), name(1), name(2)]
    };
    let untouched = "0 null null null null";
    let victim = r#"700 "victim" "culprit""#;
    let kept = [r#"700 null 700 "culprit" null"#, &format!("700 null {victim}")];
    let left = [r#"null 75 700 "culprit" null"#, &format!("null 75 {victim}")];
    let of_server = r#"806 null 806 "nobody" null"#;
    assert_eq!(rows(&drills[0]), all("culprit", ["2 null null null null", untouched]));
    assert_eq!(rows(&drills[1]), all("culprit", kept));
    assert_eq!(rows(&drills[2]), all("culprit", left));
    assert_eq!(rows(&drills[3]), all("client", [of_server, of_server]));
    assert_eq!(rows(&drills[4]), all("client", ["", untouched])[1..]);
    let new: Vec<_> =
        drills.iter().map(|it| (it["new"]["told"].as_u64(), it["new"]["after"].as_u64())).collect();
    let taken = |told, after| (Some(told), Some(after));
    assert_eq!(new, [taken(0, 0), taken(807, 3), taken(0, 3), taken(0, 0), taken(808, 1)]);
}

#[test]
fn it_is_told_in_a_table() {
    let (status, out, err) = Scene::new("chaos-table").drill(&["fault", "--neighbours", "1"]);
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    let (keep, exit) = out.split_once("\n\n").expect("two drills");
    assert!(keep.contains("neighbour-1   700  yes            700, victim of culprit"), "{out}");
    assert!(keep.contains("a new client hears 807, and is taken after 2 had ended"), "{out}");
    assert!(exit.contains("culprit         -  ended with 75  700, culprit"), "{out}");
    assert!(out.contains("simulated") && out.lines().all(|line| line.len() <= 80), "{out}");
}

/// What is set, the drill, and what is then not as promised.
#[test]
fn what_differs_is_said() {
    let scene = Scene::new("chaos-differs");
    for (set, drill, words) in [
        (
            "CUOTA_ON_FAULT=keep",
            "fault",
            &["culprit should have left with 75", "at first, and heard 807"][..],
        ),
        (
            "CUOTA_ON_FAULT=exit",
            "fault",
            &["neighbour-1 should have lost the device (700), and stayed"],
        ),
        ("CUOTA_VRAM=1TiB", "oom", &["culprit should have been refused"]),
        (
            "CUOTA_SIM_FAULT=cuLaunchKernel:1=fault",
            "oom",
            &["neighbour-1 should have noticed nothing", "heard 807"],
        ),
        ("CUOTA_SIM_MPS=0", "server", &["neighbour-1 should have been told by MPS"]),
        (
            "CUOTA_SIM_MPS=0",
            "fault",
            &["neighbour-1 should have lost", "the ledger of neighbour-1"],
        ),
        ("CUOTA_SIM_MPS=0", "clients", &["should have heard 808"]),
        ("CUOTA_DISABLE=1", "server", &["should have a ledger that blames nobody"]),
    ] {
        let (status, out, err) = scene.drill(&[drill, "--neighbours", "1", "--set", set]);
        assert_eq!((status, err.as_str()), (Some(1), ""), "{set} {drill}: {out}");
        let plain = out.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in words {
            assert!(plain.contains(words), "{set} {drill}: {words}: {out}");
        }
        assert!(out.contains("NOT AS PROMISED") && out.contains("Not all as promised"), "{out}");
    }
}

#[test]
fn the_daemon_is_never_the_callers_choice() {
    let scene = Scene::new("chaos-set");
    let (status, _, err) =
        scene.drill(&["oom", "--set", "CUDA_MPS_PIPE_DIRECTORY=/tmp/nvidia-mps"]);
    assert!(status == Some(125) && err.contains("the drill's own"), "{err}");
    let (status, _, err) = ended(scene.command(&["--gpu"]).env("PATH", "/nowhere"));
    assert_eq!(status, Some(127), "{err}");
    assert!(err.contains("nvidia-cuda-mps-control"), "{err}");
    let (status, _, err) = ended(&mut scene.command(&["--sim", "/no/such/libcuda.so.1"]));
    assert!(status == Some(125) && err.contains("make build"), "{err}");
}

/// The daemon and the folder would be left behind by one that is just killed.
#[test]
fn who_is_told_to_end_cleans_up() {
    let scene = Scene::new("chaos-end");
    // Its work takes as long as the test likes.
    let mut command = scene.command(&["oom", "--set", "CUOTA_SIM_KERNEL_US=3000000", "--sim"]);
    let child = command.arg(simulated("")).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("it starts");
    while fs::read_dir(scene.0.path("")).unwrap().count() == 0 {
        std::thread::yield_now();
    }
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(sent.expect("kill can be run").success());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("ours");
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.code() == Some(125) && stdout.is_empty(), "{status} {said}");
    assert!(said.contains("told to end"), "{said}");
    assert_eq!(fs::read_dir(scene.0.path("")).unwrap().count(), 0, "nothing is left behind");
}

/// Processes that were told of a directory below this one.
fn told_of(folder: &Path) -> usize {
    let wanted = format!("CUDA_MPS_PIPE_DIRECTORY={}", folder.display());
    let told = |entry: &fs::DirEntry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|it| it.starts_with(wanted.as_bytes()))
    };
    fs::read_dir("/proc").expect("it is there").flatten().filter(told).count()
}

#[test]
fn a_daemon_of_somebody_else_is_left_alone_and_ones_own_is_ended() {
    let Some(unpacked) = unpacked() else { return };
    let folder = Folder::new("chaos-real");
    let daemon = Daemon::start(&unpacked, &folder, "pipes", &[]);
    let scene = Scene::new("chaos-own");
    let (status, out, err) = ended(scene.command(&["fault", "--gpu"]).envs(daemon.named()));
    assert!(status == Some(125) && out.is_empty(), "{out}{err}");
    assert!(err.contains(daemon.pipes.to_str().unwrap()) && err.contains("not ours"), "{err}");
    assert_eq!(told_of(&daemon.pipes), 1);

    // Without a driver the drill cannot begin, and says what became of its first client.
    let (programs, servers) = (unpacked.join("usr/bin"), unpacked.join("usr/sbin"));
    let path = format!("{}:{}:/usr/bin:/bin", programs.display(), servers.display());
    let drill = scene.command(&["fault", "--gpu", "--set", "CUOTA_DRIVER=/no/libcuda.so.1"]);
    let Some(mut command) = alone(drill) else { return };
    let (status, out, err) = ended(command.env("PATH", path));
    assert!(status == Some(125) && out.is_empty(), "{out}{err}");
    assert!(err.contains("culprit did not start") && err.contains("/no/libcuda.so.1"), "{err}");
    assert_eq!(told_of(&scene.0.path("")), 0, "its daemon is gone");
    assert_eq!(fs::read_dir(scene.0.path("")).unwrap().count(), 0, "nothing is left behind");
}

/// In a PID namespace of its own: other tests' daemons may have the same device.
fn alone(drill: Command) -> Option<Command> {
    let unshare = ["--pid", "--mount", "--fork", "--kill-child", "--mount-proc"];
    let may = Command::new("unshare").args(unshare).arg("true").output();
    if !may.is_ok_and(|tried| tried.status.success()) {
        eprintln!("skipped: no namespaces may be made here (needs root)");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(unshare).arg(drill.get_program()).args(drill.get_args());
    for (name, value) in drill.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Some(command)
}
