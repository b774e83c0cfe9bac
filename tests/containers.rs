//! Containers, as far as they can be had without a runtime: namespaces, mounts and other users. Needs
//! root; where it may not, each test says so and passes.

mod support;

use std::os::unix::fs::{MetadataExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use support::Scratch;
use support::crowd::{Crowd, Member, may_unshare, set_mode, until};

const NOBODY: u32 = 65534;
const AS_NOBODY: &[&str] = &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const POD: &str = "8a1d2c3e-1111-2222-3333-444455556666";

/// A container of its own: pids, mounts and cgroups, and what a shell does in it before the program.
fn container(before: &str) -> Vec<String> {
    let mut words = ["unshare", "--pid", "--mount", "--cgroup", "--fork", "--kill-child"]
        .map(String::from)
        .to_vec();
    let script = format!("set -e; mount -t proc proc /proc; {before}\nexec \"$@\"");
    words.extend(["--mount-proc", "sh", "-c", &script, "sh"].map(String::from));
    words
}

fn inside(crowd: &Crowd, before: &str) -> Member {
    let words = container(before);
    crowd.member_by(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// As a kubelet mounts a pod's `/etc/hosts`.
fn of_pod(scratch: &Scratch, pod: &str) -> String {
    let place = scratch.join(format!("pods/{pod}"));
    std::fs::create_dir_all(&place).expect("the scratch directory is writable");
    std::fs::write(place.join("etc-hosts"), "").expect("the scratch directory is writable");
    format!("mount --bind {}/etc-hosts /etc/hosts", place.display())
}

fn says(member: &mut Member, line: &str, answer: i64) {
    assert_eq!(member.tell(line), answer, "{line}");
}

#[test]
fn containers_of_one_pod_share_and_two_pods_do_not() {
    if !may_unshare() {
        return;
    }
    let mut crowd = Crowd::new(64);
    crowd.set("CUOTA_CLIENT", "");
    let (pod, other) =
        (of_pod(&crowd.scratch, POD), of_pod(&crowd.scratch, &POD.replace('8', "9")));
    let (mut one, mut two) = (inside(&crowd, &pod), inside(&crowd, &pod));
    let mut neighbour = inside(&crowd, &other);
    for member in [&mut one, &mut two, &mut neighbour] {
        says(member, "init", 0);
        says(member, "pid", 1);
    }
    says(&mut one, "alloc 40", 0);
    says(&mut two, "alloc 30", 2);
    says(&mut two, "used", 40);
    says(&mut neighbour, "used", 0);
    says(&mut neighbour, "alloc 64", 0);
    assert!(crowd.clients().join(format!("pod-{POD}.v1.cuota")).exists());
    one.kill();
    until("the pod's other container has the room", || two.tell("alloc 64") == 0);
}

#[test]
fn containers_that_name_one_client_share() {
    if !may_unshare() {
        return;
    }
    let crowd = Crowd::new(64);
    let (mut one, mut two) = (inside(&crowd, ""), inside(&crowd, ""));
    says(&mut one, "init", 0);
    says(&mut two, "init", 0);
    says(&mut one, "alloc 40", 0);
    says(&mut two, "alloc 30", 2);
    // Restarted: the same name, other pids.
    one.kill();
    drop(one);
    let mut again = inside(&crowd, "");
    says(&mut again, "init", 0);
    until("what the first run held is back", || again.tell("used") == 0);
    says(&mut again, "alloc 64", 0);
    says(&mut two, "alloc 2", 2);
    // All of it restarted: the ledger goes on.
    let epoch = crowd.report().epoch;
    drop((two, again));
    until("all are gone", || crowd.report().members.iter().all(|member| !member.alive));
    let mut anew = inside(&crowd, "");
    says(&mut anew, "init", 0);
    says(&mut anew, "used", 0);
    assert_eq!((crowd.report().epoch, crowd.written()), (epoch, 0));
}

#[test]
fn who_is_told_another_time_since_boot_takes_nobody_for_dead() {
    let words = ["unshare", "--time", "--boottime=100000", "--fork", "--kill-child"];
    let tried = std::process::Command::new(words[0]).args(&words[1..]).arg("true").output();
    if !may_unshare() || !tried.is_ok_and(|tried| tried.status.success()) {
        return eprintln!("skipped: no time namespaces may be made here");
    }
    let crowd = Crowd::new(64);
    let (mut one, mut two) = (crowd.enter(), crowd.member_by(&words));
    says(&mut one, "alloc 40", 0);
    says(&mut two, "init", 0);
    says(&mut two, "alloc 40", 2);
    says(&mut two, "alloc 20", 0);
    says(&mut one, "alloc 4", 0);
    says(&mut one, "alloc 1", 2);
    let report = crowd.report();
    let alive = report.members.iter().filter(|member| member.alive).count();
    assert_eq!((alive, report.died, report.devices[0].uncertain_byte_ns), (2, 0, 0));
    // What both hold is held as long as it was by one clock: an hour would be seen.
    const HOUR: u128 = 3_600_000_000_000;
    assert!(report.devices[0].running_byte_ns + report.devices[0].held_byte_ns < HOUR << 26);
    let said = one.end();
    assert!(!said.contains("taken for dead"), "{said}");
}

#[test]
fn who_cannot_tell_the_start_of_the_machine_leaves_the_living_their_ledger() {
    if !may_unshare() {
        return;
    }
    let crowd = Crowd::new(64);
    let mut one = crowd.enter();
    says(&mut one, "alloc 40", 0);
    let id = crowd.scratch.join("boot_id");
    std::fs::write(&id, "11111111-2222-3333-4444-555555555555\n").expect("the scratch directory");
    let shown = format!("mount --bind {} /proc/sys/kernel/random/boot_id", id.display());
    for hidden in ["mount -t proc -o subset=pid proc /proc", &shown] {
        let script = format!("{hidden}; exec \"$@\"");
        let mut two = crowd.member_by(&["unshare", "--mount", "sh", "-c", &script, "sh"]);
        says(&mut two, "init", 0);
        says(&mut two, "alloc 40", 2);
        says(&mut two, "alloc 20", 0);
    }
    says(&mut one, "alloc 20", 0);
    let alive = crowd.report().members.iter().filter(|member| member.alive).count();
    assert_eq!(alive, 1);
}

#[test]
fn nothing_but_the_ledgers_need_be_writable() {
    if !may_unshare() {
        return;
    }
    let mut crowd = Crowd::new(64);
    let (sim, clients) = (crowd.scratch.join("sim"), crowd.clients());
    let (sim, clients) = (sim.display(), clients.display());
    let sealed = format!(
        "mount -t tmpfs -o mode=755 tmpfs {clients}; mount --bind {sim} {sim}; mount -o remount,bind,ro /"
    );
    let mut member = inside(&crowd, &sealed);
    says(&mut member, "init", 0);
    says(&mut member, "alloc 64", 0);
    says(&mut member, "alloc 2", 2);
    drop(member);
    // Nothing at all: named or not, strict or not.
    let sealed = format!("mount --bind {sim} {sim}; mount -o remount,bind,ro /");
    for named in [true, false] {
        if !named {
            crowd.set("CUOTA_DIR", "");
            crowd.set("XDG_RUNTIME_DIR", "/proc/nowhere");
        }
        crowd.set("CUOTA_STRICT", "");
        let mut strict = inside(&crowd, &sealed);
        says(&mut strict, "init", 1);
        let said = strict.end();
        assert!(said.contains("cuInit fails") && said.contains("CUOTA_DIR"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        crowd.set("CUOTA_STRICT", "0");
        let mut lax = inside(&crowd, &sealed);
        says(&mut lax, "init", 0);
        says(&mut lax, "alloc 128", 0);
        let said = lax.end();
        assert!(said.contains("not limited") && said.lines().count() == 1, "{said}");
    }
}

/// A directory of so many pages, whatever becomes of the ledger in it.
fn in_pages(crowd: &Crowd, pages: u64) -> Member {
    let (size, place) = (pages * 4096, crowd.clients());
    inside(crowd, &format!("mount -t tmpfs -o mode=755,size={size} tmpfs {}", place.display()))
}

#[test]
fn a_full_file_system_is_an_error_and_not_the_end() {
    if !may_unshare() {
        return;
    }
    let crowd = Crowd::new(64);
    let (mut refused, mut served) = (0, 0);
    for pages in 1..24 {
        let mut member = in_pages(&crowd, pages);
        if member.tell("init") == 0 {
            served += 1;
            says(&mut member, "alloc 64", 0);
            // More events than there is room for.
            for _ in 0..300 {
                says(&mut member, "alloc 2", 2);
            }
            says(&mut member, "free", 0);
            continue;
        }
        refused += 1;
        let said = member.end();
        assert!(said.contains("no room for the ledger") && said.contains("make room"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert!(refused > 2 && served > 2, "refused {refused}, served {served}");
}

#[test]
fn who_goes_on_after_a_failed_start_gets_no_memory() {
    if !may_unshare() {
        return;
    }
    let crowd = Crowd::new(64);
    // Room for nothing, for a ledger and no device, for both.
    for pages in 1..16 {
        let mut member = in_pages(&crowd, pages);
        if member.tell("anyway") == 0 {
            says(&mut member, "total", 64);
        }
        assert_ne!(member.tell("alloc 128"), 0, "{pages} pages");
    }
}

#[test]
fn a_user_without_rights_has_its_own() {
    if !may_unshare() {
        return;
    }
    let mut crowd = Crowd::new(64);
    crowd.for_everybody();
    let clients = crowd.clients();
    // Root's, and nobody else's: refused, in words.
    let mut other = crowd.member_by(AS_NOBODY);
    says(&mut other, "init", 1);
    let said = other.end();
    assert!(said.contains("cuInit fails") && said.contains("CUOTA_DIR"), "{said}");
    // Its own directory.
    chown(&clients, Some(NOBODY), Some(NOBODY)).expect("we are root");
    let mut own = crowd.member_by(AS_NOBODY);
    says(&mut own, "init", 0);
    says(&mut own, "alloc 64", 0);
    says(&mut own, "alloc 2", 2);
    drop(own);
    std::fs::remove_file(crowd.ledger()).expect("we are root");
    // A shared directory in which another has taken the name first.
    chown(&clients, Some(0), Some(0)).expect("we are root");
    set_mode(&clients, 0o1777);
    let mut first = crowd.member();
    says(&mut first, "init", 0);
    set_mode(&crowd.ledger(), 0o666);
    let mut second = crowd.member_by(AS_NOBODY);
    says(&mut second, "init", 1);
    let said = second.end();
    assert!(said.contains("belongs to another user") && said.contains("CUOTA_CLIENT"), "{said}");
    says(&mut first, "used", 0);
    // The directory itself is somebody else's.
    drop(first);
    chown(&clients, Some(NOBODY), Some(NOBODY)).expect("we are root");
    set_mode(&clients, 0o700);
    crowd.set("CUOTA_CLIENT", "another");
    let mut root = crowd.member();
    says(&mut root, "init", 1);
    let said = root.end();
    assert!(said.contains("belongs to uid 65534"), "{said}");
}

/// A user nobody else is, so that its default directory is not there yet.
const NEWCOMER: u32 = 61_734;

#[test]
fn the_default_directory_is_ones_own_and_no_trap() {
    if !may_unshare() {
        return;
    }
    let mut crowd = Crowd::new(64);
    crowd.for_everybody();
    crowd.set("CUOTA_DIR", "");
    let user = format!("--reuid={NEWCOMER}");
    let start =
        || crowd.member_by(&["env", "-u", "XDG_RUNTIME_DIR", "setpriv", &user, "--clear-groups"]);
    let place = PathBuf::from(format!("/tmp/cuota-{NEWCOMER}"));
    let clear = || {
        let _ = std::fs::remove_file(&place);
        let _ = std::fs::remove_dir_all(&place);
    };
    let theirs = |at: &Path| lchown(at, Some(NOBODY), Some(NOBODY)).expect("we are root");
    clear();
    let mut member = start();
    says(&mut member, "init", 0);
    says(&mut member, "alloc 64", 0);
    let made = std::fs::metadata(&place).expect("it was made");
    assert_eq!((made.mode() & 0o7777, made.uid()), (0o700, NEWCOMER));
    drop(member);
    let trap = |word: &str| {
        let mut member = start();
        says(&mut member, "init", 1);
        let said = member.end();
        assert!(said.contains(word) && said.lines().count() == 1, "{said}");
        clear();
    };
    clear();
    let elsewhere = crowd.scratch.join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("the scratch directory is writable");
    lchown(&elsewhere, Some(NEWCOMER), None).expect("we are root");
    symlink(&elsewhere, &place).expect("a link can be made");
    theirs(&place);
    trap("cannot be used");
    std::fs::create_dir(&place).expect("/tmp is writable");
    theirs(&place);
    trap("belongs to uid 65534");
    std::fs::create_dir(&place).expect("/tmp is writable");
    lchown(&place, Some(NEWCOMER), None).expect("we are root");
    set_mode(&place, 0o777);
    trap("others could replace");
    std::fs::write(&place, "").expect("/tmp is writable");
    trap("cannot be used");
}
