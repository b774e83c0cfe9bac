//! Who is dead, and who only looks like it: namespaces, closed descriptors, stray children, stopped
//! processes, other programs in the same process, other starts of the machine.

mod support;

use cuota_core::book::layout::header;
use support::crowd::{Crowd, Member, may_unshare, send, until};
use support::{Run, Scratch, Way};

/// Behind these a program is the first of a PID namespace of its own, and dies with its starter.
const OTHER_NAMESPACE: &[&str] = &["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Takes MiB, and says whether it got them.
fn takes(member: &mut Member, mib: u64) -> bool {
    match member.tell(&format!("alloc {mib}")) {
        0 => true,
        2 => false,
        other => panic!("alloc answered {other}"),
    }
}

#[test]
fn the_killed_give_back_whether_or_not_anybody_waited_for_them() {
    let crowd = Crowd::new(64);
    let (mut one, mut two) = (crowd.enter(), crowd.enter());
    assert!(takes(&mut one, 40) && takes(&mut two, 20));
    assert!(!takes(&mut two, 6));
    one.kill();
    until("the killed gives back", || takes(&mut two, 44));
    assert_eq!((two.tell("used"), crowd.used(), crowd.written()), (64, 64, 64));
}

#[test]
fn across_pid_namespaces() {
    if !may_unshare() {
        return;
    }
    let crowd = Crowd::new(64);
    let mut inside = crowd.member_by(OTHER_NAMESPACE);
    assert_eq!((inside.tell("init"), inside.tell("pid")), (0, 1));
    let mut other = crowd.member_by(OTHER_NAMESPACE);
    assert_eq!((other.tell("init"), other.tell("pid")), (0, 1));
    let mut outside = crowd.enter();
    assert!(takes(&mut inside, 20) && takes(&mut other, 20) && takes(&mut outside, 20));
    for member in [&mut inside, &mut other, &mut outside] {
        assert!(!takes(member, 6));
        assert_eq!(member.tell("used"), 60, "all three, seen from anywhere");
    }
    inside.kill();
    until("the killed in another namespace gives back", || takes(&mut outside, 20));
    outside.kill();
    until("the killed outside gives back", || takes(&mut other, 40));
    assert_eq!((other.tell("used"), crowd.used()), (60, 60));
}

#[test]
fn who_closes_its_descriptors_lives_on() {
    let crowd = Crowd::new(64);
    let (mut closer, mut other) = (crowd.enter(), crowd.enter());
    assert!(takes(&mut closer, 30) && takes(&mut other, 20));
    for what in ["close", "null", "close"] {
        assert_eq!(closer.tell(what), 0);
        assert!(!takes(&mut other, 16), "after {what} the closer's bytes count");
        assert!(takes(&mut closer, 2), "after {what}");
    }
    assert_eq!((closer.tell("used"), other.tell("used"), crowd.used()), (56, 56, 56));
    assert_eq!(closer.tell("free"), 0);
    assert_eq!(other.tell("used"), 20);
    assert!(takes(&mut closer, 44) && !takes(&mut other, 2));
    closer.kill();
    until("it can still die", || takes(&mut other, 44));
    assert_eq!(closer.end(), "");
}

#[test]
fn a_stray_child_does_not_keep_its_parent_alive() {
    for (how, waited_for) in [("fork", true), ("fork", false), ("dup", true), ("dup", false)] {
        let crowd = Crowd::new(64);
        let (mut parent, mut other) = (crowd.enter(), crowd.enter());
        assert!(takes(&mut parent, 40));
        let child = parent.tell(how) as i32;
        assert!(child > 0);
        assert!(!takes(&mut other, 40));
        if waited_for {
            drop(parent);
            until(&format!("{how}: the parent gives back"), || takes(&mut other, 64));
        } else {
            parent.kill();
            until(&format!("{how}, a zombie: the parent gives back"), || takes(&mut other, 64));
        }
        send(child, libc::SIGKILL);
        assert_eq!((other.tell("used"), crowd.written()), (64, 64));
    }
}

#[test]
fn the_stopped_is_not_dead() {
    let crowd = Crowd::new(64);
    let (mut stopped, mut other) = (crowd.enter(), crowd.enter());
    assert!(takes(&mut stopped, 40));
    stopped.signal(libc::SIGSTOP);
    for _ in 0..100 {
        assert!(!takes(&mut other, 32));
        assert_eq!(other.tell("used"), 40);
    }
    let mut late = crowd.enter();
    assert!(!takes(&mut late, 32), "nor does who comes take it for dead");
    stopped.signal(libc::SIGCONT);
    assert!(takes(&mut stopped, 24) && !takes(&mut other, 2));
    assert_eq!(stopped.end(), "", "it was never taken for dead");
}

#[test]
fn another_program_in_the_process_begins_without() {
    let crowd = Crowd::new(64);
    let (mut one, mut other) = (crowd.enter(), crowd.enter());
    assert!(takes(&mut one, 40) && !takes(&mut other, 40));
    one.ask("exec /bin/sleep");
    until("what became another program gives back", || takes(&mut other, 64));
}

#[test]
fn after_a_restart_of_the_machine_the_old_figures_are_gone() {
    let crowd = Crowd::new(64);
    let mut before = crowd.enter();
    assert!(takes(&mut before, 40));
    before.kill();
    drop(before);
    assert_eq!(crowd.written(), 40, "nobody was there to take it off");
    let (words, epoch) = (crowd.words(), crowd.report().epoch);
    for word in [header::BOOT_ID, header::BOOT_ID + 1] {
        words.set(word, words.get(word) ^ 1);
    }
    let mut after = crowd.enter();
    let report = crowd.report();
    assert_ne!(report.epoch, epoch);
    assert_eq!((after.tell("used"), crowd.written(), report.members.len()), (0, 0, 1));
    assert!(takes(&mut after, 64));
}

/// `exit` in a signal handler runs on top of whatever the signal interrupted: it must not wait for it.
#[test]
fn who_exits_in_a_signal_handler_ends_and_has_left() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("members/exits.c", "exits", &[]);
    let run = Run::new(&program, Way::Preloaded);
    let clients = run.scratch().join("clients");
    std::fs::create_dir(&clients).expect("the scratch directory is writable");
    let run = run.env("CUOTA_CLIENT", "exits").env("CUOTA_VRAM", "8MiB").env("CUOTA_DIR", clients);
    let outcome = run.env("CUOTA_LOG", "error").ok();
    assert_eq!(outcome.out(), "200 left\n");
    let report = cuota_core::book::read(&outcome.file("clients/exits.v1.cuota"), 0);
    let report = report.expect("the ledger can be read");
    assert_eq!((report.joined, report.left, report.died), (200, 200, 0));
}
