//! records [COUNT [PROCESSES]]: what an event costs whoever records it, in each of so many processes at
//! once. Run by `bench/ring`.
#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use cuota_core::book::layout::Layout;
use cuota_core::book::{self, Event, Kind, Plan};

/// Short, so that some are undisturbed: of several, the quickest tells what it costs.
const ROUND: u64 = 10_000;

/// Nanoseconds for one record.
fn record(directory: &Path, count: u64) -> f64 {
    let layout = Layout::new(64, 8192);
    let plan =
        Plan { directory, make_directory: true, client: "ring", labels: "", layout, boot: [1, 2] };
    let book = book::open(&plan).expect("the ledger opens");
    println!("ready");
    std::io::stdin().lines().next();
    let mut rounds: Vec<f64> = (0..count / ROUND)
        .map(|round| {
            let began = Instant::now();
            for time in round * ROUND..(round + 1) * ROUND {
                let (kind, payload) = (Kind::Allocated, [1 << 20, time << 20, 0]);
                book.record(Event { time, member: 1, kind, device: Some(0), payload });
            }
            began.elapsed().as_nanos() as f64 / ROUND as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, or: u64| {
        arguments.get(index).map_or(or, |text| text.parse().expect("a number"))
    };
    let (count, processes) = (number(0, 1_000_000).max(ROUND), number(1, 1));
    if let Some(directory) = arguments.get(2) {
        return println!("{}", record(Path::new(directory), count));
    }
    let directory = std::env::temp_dir().join(format!("cuota-records-{}", std::process::id()));
    let start = |_| {
        let mut command = Command::new(std::env::current_exe().expect("we run"));
        command.args([&count.to_string(), "1"]).arg(&directory);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it can be started")
    };
    let mut all: Vec<Child> = (0..processes).map(start).collect();
    let mut said: Vec<_> = all
        .iter_mut()
        .map(|child| BufReader::new(child.stdout.take().expect("piped")).lines())
        .collect();
    let mut next = || -> Vec<String> {
        said.iter_mut().map(|lines| lines.next().expect("a line").expect("readable")).collect()
    };
    next();
    for child in &mut all {
        child.stdin.take().expect("piped").write_all(b"\n").expect("it waits");
    }
    let costs = next().join(" ");
    all.iter_mut().for_each(|child| drop(child.wait()));
    let _ = std::fs::remove_dir_all(&directory);
    println!("{count} records in each of {processes} processes: {costs} ns");
}
