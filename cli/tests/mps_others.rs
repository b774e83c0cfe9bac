//! `cuota mps` beside daemons of other directories, where Debian's real one can be had. Each test has a PID
//! namespace of its own: what other daemons the machine has is not seen there, and all end with it.

mod common;

use std::process::Command;

use common::mps::Scene;
use common::{cuota, ended};

/// Says on one line how it ended and what it said.
const TOOLS: &str = r#"
said() { out=$("$@" 2>&1); echo "$? $(echo $out)"; }
daemon() { CUDA_MPS_PIPE_DIRECTORY=$1 CUDA_MPS_LOG_DIRECTORY=$1-log nvidia-cuda-mps-control -d; }
start() { said "$CUOTA" mps start --pipes "$@"; }
stop() { said "$CUOTA" mps stop --within 0s --pipes $1; }
pid() { "$CUOTA" mps status --json --pipes $1 | sed -n 's/.*"pid": \([0-9]*\).*/\1/p' | head -n 1; }
a=$PWD/a b=$PWD/b
mkdir $a-log
"#;

/// What a script says, line by line, in a PID namespace of its own.
fn alone(scene: &Scene, script: &str) -> Option<Vec<String>> {
    let unshare = ["--pid", "--mount", "--fork", "--kill-child", "--mount-proc"];
    let may = Command::new("unshare").args(unshare).arg("true").output();
    if !may.is_ok_and(|tried| tried.status.success()) {
        eprintln!("skipped: no namespaces may be made here (needs root)");
        return None;
    }
    let plain = cuota(["mps"]);
    let mut command = Command::new("unshare");
    command.args(unshare).args(["bash", "-c", &format!("{TOOLS}{script}")]);
    for (name, value) in plain.get_envs().filter(|(_, value)| value.is_none()) {
        assert!(value.is_none());
        command.env_remove(name);
    }
    command.env("PATH", &scene.path).env("CUOTA", plain.get_program());
    let (status, out, err) = ended(command.current_dir(scene.folder.path("")));
    assert_eq!(status, Some(0), "{out}{err}");
    assert_eq!(err, "");
    Some(out.lines().map(str::to_owned).collect())
}

#[track_caller]
fn says(lines: &[String], expected: &[&[&str]]) {
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, words) in lines.iter().zip(expected) {
        let (status, rest) = words.split_first().expect("a status");
        assert_eq!(line.split(' ').next(), Some(*status), "{lines:#?}");
        assert!(rest.iter().all(|word| line.contains(word)), "not {words:?}: {lines:#?}");
    }
}

#[test]
fn a_daemon_of_another_directory_is_in_the_way_unless_its_devices_are_others() {
    let Some(scene) = Scene::new("mps-others") else { return };
    let script = r#"
daemon $a
echo "0 $(pid $a)"
start $b
CUDA_VISIBLE_DEVICES=GPU-bb start $b
said timeout 10 "$CUOTA" mps supervise --pipes $b
start $a
start $b --beside
stop $b; stop $a
CUDA_VISIBLE_DEVICES=GPU-aa daemon $a
CUDA_VISIBLE_DEVICES=GPU-aa start $b
CUDA_VISIBLE_DEVICES=GPU-bb start $b
stop $a; stop $b
start $b
"#;
    let Some(lines) = alone(&scene, script) else { return };
    let named = format!("process {} (of ", lines[0].split(' ').nth(1).expect("its pid"));
    let refused = ["1", "may have the same device", &named, "--beside"];
    let stopped: &[&str] = &["0", "stopped"];
    let started: &[&str] = &["0", "started"];
    says(
        &lines,
        &[
            &["0"],
            &refused,
            &refused,
            &refused,
            &["0", "runs already"],
            started,
            stopped,
            stopped,
            &["1", "may have the same device", "CUDA_VISIBLE_DEVICES"],
            started,
            stopped,
            stopped,
            started,
        ],
    );
}

#[test]
fn one_whose_environment_may_not_be_read_is_in_the_way() {
    let Some(scene) = Scene::new("mps-unread") else { return };
    // Where whoever may not read that may start it.
    let copy = scene.folder.copied_command("cuota");
    let script = r#"
CUDA_VISIBLE_DEVICES=GPU-aa daemon $a
export CUDA_VISIBLE_DEVICES=GPU-bb
said setpriv --reuid 65534 --regid 65534 --clear-groups ./cuota mps start --pipes $b
"#;
    assert!(copy.exists());
    let Some(lines) = alone(&scene, script) else { return };
    says(&lines, &[&["1", "whose environment this user may not read"]]);
}

#[test]
fn of_two_that_start_at_once_at_most_one_stays() {
    let Some(scene) = Scene::new("mps-at-once") else { return };
    let script = r#"
for round in 1 2 3 4 5 6 7 8; do
    start $a >one & first=$!
    start $b >two & wait $first $!
    echo "0 $(cat one two | grep -c '^0 started') $(pgrep -fc '^[^ ]*nvidia-cuda-mps-control -d$')"
    stop $a >/dev/null; stop $b >/dev/null
done
"#;
    let Some(lines) = alone(&scene, script) else { return };
    assert_eq!(lines.len(), 8);
    for line in &lines {
        assert!(["0 1 1", "0 0 0"].contains(&line.as_str()), "{lines:#?}");
    }
    assert!(lines.iter().any(|line| line == "0 1 1"), "{lines:#?}");
}

#[test]
fn a_server_left_behind_by_a_daemon_of_another_directory_is_ended() {
    let Some(mut scene) = Scene::new("mps-orphan") else { return };
    scene.with_a_server_that_hangs();
    let script = r#"
client() { python3 -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1]).cuInit(0)' "$LIBRARY"; }
servers() { echo get_server_list | CUDA_MPS_PIPE_DIRECTORY=$a nvidia-cuda-mps-control; }
supervise() {
    : >said
    "$CUOTA" mps supervise --every 10ms --pipes "$@" >said & watch=$!
    until grep -q started: said; do :; done
    kill $watch; wait $watch
    grep -c "orphan: server $server," said
}
LIBRARY=$(dirname $(command -v nvidia-cuda-mps-control))/../lib/x86_64-linux-gnu/nvidia/current/libcuda.so.1
CUDA_VISIBLE_DEVICES=GPU-aa daemon $a
CUDA_MPS_PIPE_DIRECTORY=$a client & program=$!
until server=$(servers) && [ -n "$server" ]; do :; done
until grep -q ^nvidia-cuda-mps-server /proc/$server/cmdline; do :; done
kill -9 $(pid $a); wait $program
CUDA_VISIBLE_DEVICES=GPU-bb supervise $b
stop $b
[ -d /proc/$server ] && echo "0 left alone"
supervise $b --beside
stop $b
[ -d /proc/$server ] && echo "0 left alone"
supervise $b
grep -q ^nvidia /proc/$server/cmdline 2>/dev/null || echo "0 gone"
"#;
    let Some(lines) = alone(&scene, script) else { return };
    let (stopped, alone): (&[&str], &[&str]) = (&["0", "stopped"], &["0", "left alone"]);
    says(&lines, &[&["0"], stopped, alone, &["0"], stopped, alone, &["1"], &["0", "gone"]]);
}

#[test]
fn one_of_another_namespace_that_lost_its_lock_is_known_by_its_greeting() {
    let Some(scene) = Scene::new("mps-greeting") else { return };
    scene.ends(&["start"], 0, "started");
    std::fs::remove_file(scene.pipes().join("control_lock")).expect("it is there");
    let script = r#"
: >said
timeout 20 "$CUOTA" mps supervise --every 10ms --pipes $PWD/pipes >said & watch=$!
until grep -q unlocked: said || ! [ -d /proc/$watch ]; do :; done
kill $watch; wait $watch
echo "$? $(cut -d: -f1 said | xargs)"
said "$CUOTA" mps start --pipes $PWD/pipes
"#;
    let Some(lines) = alone(&scene, script) else { return };
    says(&lines, &[&["0", "found unlocked ended"], &["0", "runs already"]]);
    assert_eq!(scene.daemons(), 1);
}
