//! One member's fault takes the device from all: each keeps what it saw of it, and names whose work it was
//! only where that is certain; and those who are to leave after a fault leave, so that the MPS server takes
//! new ones.

mod support;

use cuota_core::book::{self, Fault, Verdict};
use support::crowd::{Crowd, Member, until};

const CLIENTS: [&str; 4] = ["a", "b", "c", "d"];
const EACH: usize = 2;

/// Eight members of four clients, under MPS on one card.
struct Scene {
    crowd: Crowd,
    members: Vec<Option<Member>>,
    pids: Vec<u64>,
}

impl Scene {
    fn new(set: &[(&str, &str)]) -> Scene {
        let mut crowd = Crowd::new(1024);
        crowd.set("CUOTA_SIM_MPS", "1");
        crowd.set("CUOTA_SIM_FAULT", "cuLaunchCooperativeKernel:1=fault,cuCtxGetFlags:1=fault");
        for (name, value) in set {
            crowd.set(name, value);
        }
        let mut members = Vec::new();
        for client in CLIENTS {
            crowd.set("CUOTA_CLIENT", client);
            members.extend((0..EACH).map(|_| Some(crowd.enter())));
        }
        let mut scene = Scene { crowd, members, pids: Vec::new() };
        scene.pids = (0..scene.members.len()).map(|it| scene.tell(it, "pid") as u64).collect();
        scene
    }

    fn tell(&mut self, member: usize, what: &str) -> i64 {
        self.members[member].as_mut().expect("still there").tell(what)
    }

    fn all(&self) -> std::ops::Range<usize> {
        0..self.members.len()
    }

    /// What the member has kept of the fault.
    fn kept(&self, member: usize) -> Option<Fault> {
        let file = book::file_name(CLIENTS[member / EACH]);
        let report = book::read(&self.crowd.clients().join(file), 0).expect("it can be read");
        report.members.into_iter().find(|it| it.pid == self.pids[member])?.fault
    }

    /// Whom it names, if anybody.
    fn named(&self, member: usize) -> Option<u64> {
        let fault = self.kept(member).expect("it has met the fault");
        match (fault.verdict, fault.culprit) {
            (Verdict::Own, None) => Some(self.pids[member]),
            (Verdict::Other, Some((client, pid))) => {
                let whose = self.pids.iter().position(|it| *it == pid).expect("one of them");
                assert_eq!(client, CLIENTS[whose / EACH]);
                Some(pid)
            }
            (Verdict::Unknown, None) => None,
            other => panic!("{other:?}"),
        }
    }

    /// Whether a new process could become a client of the server.
    fn takes_new(&self) -> bool {
        self.crowd.member().tell("init") == 0
    }
}

/// Everybody has worked, and nobody has anything in flight.
fn at_rest(set: &[(&str, &str)]) -> Scene {
    let mut scene = Scene::new(set);
    for member in scene.all() {
        assert_eq!(scene.tell(member, "launch"), 0);
        assert_eq!(scene.tell(member, "sync"), 0);
    }
    scene
}

#[test]
fn who_alone_had_work_in_flight_is_named_by_everybody() {
    let mut scene = at_rest(&[]);
    assert_eq!(scene.tell(3, "faulty"), 0);
    for member in [5, 0, 3, 1, 2, 4, 6, 7] {
        assert_eq!(scene.tell(member, "query"), 700);
        assert_eq!(scene.named(member), Some(scene.pids[3]), "{member}");
    }
    let seen = scene.kept(5).expect("it has met the fault");
    assert_eq!((seen.status, seen.call.as_str()), (700, "cuStreamQuery"));
    assert_eq!((seen.busy, seen.members), (1, 8));
    assert_ne!(seen.function, 0);
    assert_eq!(scene.tell(5, "sync"), 700);
    assert_eq!(scene.kept(5), Some(seen), "the first is kept");
    let said = scene.members[5].take().expect("there").end();
    let words = format!("by the work of client b, process {}, which alone of 8", scene.pids[3]);
    assert!(said.contains(&words) && said.contains("CUOTA_ON_FAULT=exit"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

/// What each does before the fault, and after it; and whether anybody can be named.
#[test]
fn where_more_than_one_could_have_been_nobody_is_named() {
    for (before, named) in [
        (&[(5, "launch")][..], false),
        // What is waited for is not all there is.
        (&[(5, "elsewhere"), (5, "wait")], false),
        (&[(5, "elsewhere"), (5, "sync")], true),
        (&[(5, "launch"), (5, "wait")], true),
        (&[(5, "launch"), (5, "query")], false),
        // The default stream is another in each context.
        (&[(5, "launch"), (5, "other"), (5, "launch"), (5, "wait")], false),
        (&[(5, "launch"), (5, "other"), (5, "launch"), (5, "sync")], false),
        (&[(5, "launch"), (5, "sync"), (5, "other"), (5, "launch"), (5, "sync")], false),
    ] {
        let mut scene = at_rest(&[]);
        for (member, what) in before {
            assert_eq!(scene.tell(*member, what), 0);
        }
        assert_eq!(scene.tell(2, "faulty"), 0);
        for member in [5, 0, 2] {
            assert_eq!(scene.tell(member, "query"), 700);
            let culprit = named.then_some(scene.pids[2]);
            assert_eq!(scene.named(member), culprit, "{before:?}");
        }
    }
}

/// A fault beside MPS is one process's own, and says nothing of one under it.
#[test]
fn a_fault_beside_mps_is_nobody_elses() {
    let mut scene = at_rest(&[]);
    scene.crowd.set("CUOTA_SIM_MPS", "0");
    scene.crowd.set("CUOTA_CLIENT", "beside");
    let mut beside = scene.crowd.enter();
    assert_eq!([beside.tell("faulty"), beside.tell("query")], [0, 700]);
    assert_eq!(scene.tell(1, "query"), 0);
    assert_eq!(scene.tell(1, "launch"), 0);
    assert_eq!(scene.tell(2, "faulty"), 0);
    assert_eq!(scene.tell(5, "query"), 700);
    assert_eq!(scene.named(5), None);
}

/// What a copy answers may be about the copy itself.
#[test]
fn a_copy_that_answers_so_may_have_been_the_one() {
    let mut scene = at_rest(&[("CUOTA_SIM_FAULT", "cuMemcpyDtoHAsync_v2:1=700")]);
    assert_eq!(scene.tell(1, "launch"), 0);
    assert_eq!(scene.tell(2, "copy"), 700);
    assert_eq!(scene.named(2), None);
}

/// A stream of a device that is lost, asked for while another is current.
#[test]
fn the_device_that_is_lost_is_the_streams() {
    let mut crowd = Crowd::new(1024);
    crowd.set("CUOTA_SIM_MPS", "1");
    crowd.set("CUOTA_SIM_CARDS", "2");
    crowd.set("CUOTA_SIM_FAULT", "cuLaunchCooperativeKernel:1=fault");
    let [mut on_first, mut on_second, mut on_both] = [(); 3].map(|()| crowd.member());
    assert_eq!([on_first.tell("device 0"), on_second.tell("device 1")], [0, 0]);
    assert_eq!([on_both.tell("device 0"), on_both.tell("stream 1")], [0, 0]);
    assert_eq!(on_first.tell("launch"), 0);
    assert_eq!(on_second.tell("faulty"), 0);
    assert_eq!([on_both.tell("ask"), on_both.tell("query")], [700, 0]);
    let report = crowd.report();
    let pid = u64::from(on_both.pid().cast_unsigned());
    let member = report.members.iter().find(|it| it.pid == pid).expect("it lives");
    let fault = member.fault.as_ref().expect("it has met the fault");
    let lost = report.devices.iter().find(|it| it.index == fault.device).expect("there");
    assert_eq!(lost.uuid[15], 2, "the second card's");
    let culprit = fault.culprit.as_ref().map(|(_, pid)| *pid);
    assert_eq!(culprit, Some(u64::from(on_second.pid().cast_unsigned())));
}

/// A process that is killed in the middle of its work may have been the one, and is not forgotten.
#[test]
fn the_dead_are_not_forgotten() {
    let mut scene = at_rest(&[]);
    assert_eq!(scene.tell(6, "faulty"), 0);
    assert_eq!(scene.tell(7, "launch"), 700);
    assert_eq!(scene.named(7), Some(scene.pids[6]));
    let gone = scene.members[6].take().expect("there");
    gone.kill();
    drop(gone);
    // Somebody of its client looks, and takes it off.
    assert_eq!(scene.tell(7, "alloc"), 700);
    for member in [0, 4] {
        assert_eq!(scene.tell(member, "query"), 700);
        let named = scene.named(member);
        assert!(named.is_none() || named == Some(scene.pids[6]), "{named:?}");
    }
}

#[test]
fn a_process_nobody_keeps_account_of_may_have_been_the_one() {
    let mut scene = at_rest(&[]);
    scene.crowd.set("LD_PRELOAD", "");
    let mut stranger = scene.crowd.enter();
    assert_eq!(scene.tell(1, "launch"), 0);
    assert_eq!(stranger.tell("faulty"), 0);
    for member in [1, 0] {
        assert_eq!(scene.tell(member, "query"), 700);
        assert_eq!(scene.named(member), None);
    }
}

#[test]
fn who_keeps_on_keeps_everybody_out_and_who_leaves_does_not() {
    let mut scene = at_rest(&[]);
    assert_eq!(scene.tell(3, "faulty"), 0);
    assert_eq!(scene.tell(0, "query"), 700);
    let mut late = scene.crowd.member();
    assert_eq!(late.tell("init"), 807);
    let said = late.end();
    assert!(said.contains("answered 807") && said.contains("cuota run --retry"), "{said}");
    for member in scene.all().filter(|it| *it != 4) {
        drop(scene.members[member].take());
        assert!(!scene.takes_new(), "one is still there");
    }
    drop(scene.members[4].take());
    until("the server takes new clients", || scene.takes_new());

    // An idle one that asks nothing of the driver leaves as well.
    let mut scene = at_rest(&[("CUOTA_ON_FAULT", "exit")]);
    assert_eq!(scene.tell(3, "faulty"), 0);
    until("the server takes new clients", || scene.takes_new());
    for member in scene.all() {
        let (status, said) = scene.members[member].take().expect("there").ended();
        assert_eq!(status.code(), Some(75), "{said}");
        assert!(said.contains("ends with status 75"), "{said}");
    }
}

/// Rounds in which everybody does something, and one's work faults later than it was submitted; how often
/// somebody else was named, and how often the one.
fn rounds(preload: Option<&str>, step: &str) -> (u32, u32) {
    let (mut wrong, mut right) = (0, 0);
    for seed in 1..=16_u64 {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % below as u64) as usize
        };
        let mut set = vec![("CUOTA_SABOTAGE", step), ("CUOTA_LOG", "off")];
        set.extend(preload.map(|library| ("LD_PRELOAD", library)));
        let mut scene = Scene::new(&set);
        for _ in 0..8 {
            let what = ["launch", "sync", "wait", "query"][next(4)];
            let member = next(8);
            assert_eq!(scene.tell(member, what), 0, "{what}");
        }
        // At most one other has something in flight.
        let (faulty, other) = (next(8), next(8));
        for member in scene.all() {
            assert_eq!(scene.tell(member, "sync"), 0);
        }
        if next(2) == 0 {
            assert_eq!(scene.tell(other, "launch"), 0);
        }
        let work = [&["launch"][..], &["elsewhere"], &["elsewhere", "wait"]][next(3)];
        for what in work.iter().chain(&["strike"]) {
            assert_eq!(scene.tell(faulty, what), 0, "{what}");
        }
        if next(2) == 0 {
            // Killed, and taken off by the next of its client.
            scene.members[faulty].take().expect("there").kill();
            scene.crowd.set("CUOTA_CLIENT", CLIENTS[faulty / EACH]);
            assert_eq!(scene.crowd.member().tell("init"), 807);
        }
        for turn in 0..8 {
            let member = (turn * 3 + other) % 8;
            if scene.members[member].is_some() {
                assert_eq!(scene.tell(member, "query"), 700);
                match scene.named(member) {
                    Some(pid) if pid == scene.pids[faulty] => right += 1,
                    Some(_) => wrong += 1,
                    None => {}
                }
            }
        }
    }
    (wrong, right)
}

/// Nobody is named who was not the one; without any of the steps somebody is.
#[test]
fn never_a_wrong_name() {
    let (wrong, right) = rounds(None, "");
    assert!(wrong == 0 && right > 0, "{wrong} {right}");
    let sabotaged = support::sabotaged();
    let sabotaged = sabotaged.to_str();
    assert_eq!(rounds(sabotaged, "").0, 0);
    for step in ["flight:begun", "flight:other", "fault:unsure"] {
        assert_ne!(rounds(sabotaged, step).0, 0, "{step}");
    }
}
