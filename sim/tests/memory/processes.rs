//! Several processes on one card.

use crate::driver::{MIB, Machine, PAGE, alloc, cu, finish, free, ok, role, start};
use std::io::{BufRead, BufReader, Write};
use std::process::Child;

/// What a role does when told a line on its standard input; it answers with one on its output.
fn obey() {
    start();
    println!("ready");
    let mut held = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        match line.split_once(' ') {
            Some(("take", mib)) => {
                let mut address = 0;
                let answer = cu!(cuMemAlloc_v2(&mut address, mib.parse::<usize>().unwrap() * MIB));
                if answer == 0 {
                    held.push(address);
                }
                println!("answer {answer}");
            }
            Some(("give", _)) => {
                ok!(cuMemFree_v2(held.pop().unwrap()));
                println!("answer 0");
            }
            Some(("free", _)) => println!("answer {}", free() / MIB),
            _ => return,
        }
    }
}

struct Process {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Process {
    fn new(machine: &Machine, test: &str) -> Process {
        let mut child = machine.start(test, "obeys");
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut process = Process { child, lines };
        process.read("ready");
        process
    }

    fn read(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "the process ended");
            if let Some((_, rest)) = line.split_once(word) {
                return rest.trim().to_owned();
            }
        }
    }

    fn ask(&mut self, order: &str) -> usize {
        writeln!(self.child.stdin.as_mut().unwrap(), "{order}").unwrap();
        self.read("answer").parse().unwrap()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn end(mut self) {
        writeln!(self.child.stdin.as_mut().unwrap(), "end").unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn one_card_serves_two_until_it_is_full() {
    const TEST: &str = "processes::one_card_serves_two_until_it_is_full";
    if role().is_some() {
        return obey();
    }
    let machine = Machine::of(64 * MIB, 1);
    let mut one = Process::new(&machine, TEST);
    let mut two = Process::new(&machine, TEST);
    assert_eq!(one.ask("take 40"), 0);
    assert_eq!((two.ask("free now"), two.ask("take 26"), two.ask("take 24")), (24, 2, 0));
    assert_eq!((one.ask("free now"), one.ask("take 1")), (0, 2));
    assert_eq!(one.ask("give back"), 0);
    assert_eq!((two.ask("take 40"), two.ask("free now")), (0, 0));
    one.end();
    two.end();
}

#[test]
fn a_killed_process_leaves_nothing() {
    const TEST: &str = "processes::a_killed_process_leaves_nothing";
    if role().is_some() {
        return obey();
    }
    let machine = Machine::of(64 * MIB, 1);
    let mut survivor = Process::new(&machine, TEST);
    assert_eq!(survivor.ask("take 2"), 0);
    for _ in 0..5 {
        let mut victim = Process::new(&machine, TEST);
        assert_eq!((victim.ask("take 60"), survivor.ask("take 60")), (0, 2));
        victim.kill();
        assert_eq!((survivor.ask("take 62"), survivor.ask("free now")), (0, 0));
        assert_eq!((survivor.ask("give back"), survivor.ask("free now")), (0, 62));
    }
    survivor.end();
}

#[test]
fn racing_processes_share_exactly_what_there_is() {
    const TEST: &str = "processes::racing_processes_share_exactly_what_there_is";
    if role().is_some() {
        return race();
    }
    let machine = Machine::of(64 * MIB, 1);
    let racers: Vec<Child> = (0..4).map(|_| machine.start(TEST, "races")).collect();
    racers.into_iter().for_each(finish);
    let truth = cuota_sim::machine::Machine::in_directory(&machine.dir).unwrap();
    assert_eq!(truth.used(0), 0);
    assert!((32..=64).contains(&(truth.highest(0) / MIB as u64)), "{}", truth.highest(0));
}

/// Half of the card at a time: two of the four can have it.
fn race() {
    start();
    let mut got = 0;
    while got < 200 {
        let mut address = 0;
        match cu!(cuMemAlloc_v2(&mut address, 16 * PAGE)) {
            0 => {
                got += 1;
                ok!(cuMemsetD8_v2(address, 1, 1));
                ok!(cuMemFree_v2(address));
            }
            answer => assert_eq!(answer, 2),
        }
    }
}

#[test]
fn each_card_has_bytes_of_its_own() {
    const TEST: &str = "processes::each_card_has_bytes_of_its_own";
    crate::driver::alone_with(TEST, 64 * MIB, 2, || {
        let first = start();
        let address = alloc(60 * MIB);
        let second = crate::driver::start_on(1);
        assert_eq!(free(), 64 * MIB);
        let other = alloc(30 * MIB);
        ok!(cuMemsetD8_v2(address, 4, 100));
        ok!(cuMemcpyPeer(other, second, address, first, 100));
        let mut byte = 0u8;
        ok!(cuMemcpyDtoH_v2((&raw mut byte).cast(), other + 99, 1));
        assert_eq!((byte, free()), (4, 34 * MIB));
        ok!(cuMemFree_v2(address));
        ok!(cuCtxSetCurrent(first));
        assert_eq!(free(), 64 * MIB);
    });
}

#[test]
fn a_forked_child_does_not_keep_its_dead_parent_alive() {
    const TEST: &str = "processes::a_forked_child_does_not_keep_its_dead_parent_alive";
    match role().as_deref() {
        Some("forks") => return fork_and_wait(),
        Some(_) => return obey(),
        None => {}
    }
    let machine = Machine::of(64 * MIB, 1);
    let mut survivor = Process::new(&machine, TEST);
    let mut parent = machine.start(TEST, "forks");
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let forked = lines
        .map(Result::unwrap)
        .find_map(|line| line.split_once("forked ").map(|(_, pid)| pid.parse::<i32>().unwrap()));
    let forked = forked.expect("the parent ended");
    assert_eq!(survivor.ask("take 60"), 2);
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert_eq!(survivor.ask("take 60"), 0);
    // SAFETY: a signal to a process this test started.
    assert_eq!(unsafe { libc::kill(forked, libc::SIGKILL) }, 0, "the child was alive throughout");
    survivor.end();
}

fn fork_and_wait() {
    start();
    alloc(60 * MIB);
    // SAFETY: the child only says that it is there, and waits to be killed.
    if unsafe { libc::fork() } == 0 {
        println!("forked {}", std::process::id());
        loop {
            // SAFETY: waits for a signal.
            unsafe { libc::pause() };
        }
    }
    let _ = std::io::stdin().lines().count();
}
