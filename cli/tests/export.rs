//! `cuota export`: what Prometheus gets, over HTTP and in a file, whatever lies among the ledgers.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::books::booked;
use common::member::{GIB, Member, on_card, sharing};
use common::promtool::checked_by_promtool;
use common::{Folder, cuota, ended, simulated};
use cuota_core::book::layout::{Layout, count, device, header, text_words};
use cuota_core::book::{self, Block, Book, Count, Device, Direction, Memory, Plan, Seat, Wish};
use cuota_core::kind::Kind;
use serde_json::Value;

const CARD: Device = Device { uuid: [0xab; 16], bytes: 16 << 30 };
const UUID: &str = "GPU-abababab-abab-abab-abab-abababababab";

/// A client with one member, in this process.
fn client(directory: &Path, name: &str, labels: &str, limit: Option<u64>) -> (Book, Seat) {
    let layout = Layout::new(64, 64);
    let plan =
        Plan { directory, make_directory: false, client: name, labels, layout, boot: [0, 0] };
    let book = book::open(&plan).expect("a ledger can be made");
    let seat = book.seat(&book::Member::default(), 5).expect("there is room");
    let door = book.door().expect("nobody is there");
    let wish = Wish { device: CARD, limit };
    door.settle(seat, &[wish], &book.witness(seat.id, 0), 5).expect("there is room");
    drop(door);
    (book, seat)
}

fn block(book: &Book, seat: Seat) -> Block {
    assert!(book.open_counts(0, seat));
    book.part(0).and_then(|part| part.block(seat.index, count::OWN)).expect("just opened")
}

/// Counts something of everything there is.
fn count_all(book: &Book, seat: Seat) {
    let block = block(book, seat);
    for what in [Memory::Taken, Memory::Freed, Memory::Refused] {
        block.memory(Kind::Pool, what, (1, 1000));
    }
    let all = [
        (Count::Kernels, 11),
        (Count::Cooperative, 12),
        (Count::Graphs, 13),
        (Count::GraphKernels, 14),
        (Count::Waits, 15),
        (Count::WaitedNs, 1_500_000_000),
        (Count::ContextsMade, 16),
        (Count::ContextsGone, 17),
        (Count::ModulesLoaded, 18),
        (Count::ModulesUnloaded, 19),
        (Count::Fills, 20),
        (Count::FillBytes, 21),
        (Count::Faults, 23),
    ];
    all.into_iter().for_each(|(what, by)| block.add(what, by));
    block.copied(Direction::Peer, 22);
}

struct Exporter {
    child: Child,
    address: String,
}

impl Exporter {
    fn start(directory: &Path) -> Exporter {
        Exporter::with(directory, &[])
    }

    fn with(directory: &Path, options: &[&str]) -> Exporter {
        let mut command = cuota(["export", "--listen", "127.0.0.1:0", "--dir"]);
        command.arg(directory).args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        out.read_line(&mut line).expect("text");
        let address = line.strip_prefix("http://").and_then(|it| it.strip_suffix("/metrics\n"));
        Exporter { address: address.expect("where it listens").to_owned(), child }
    }

    fn answers(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        answer
    }

    fn scrape(&self, accept: &str) -> String {
        let request = format!("GET /metrics HTTP/1.1\r\nAccept: {accept}\r\n\r\n");
        let answer = self.answers(&request);
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
        body.to_owned()
    }

    /// Its status and what it said on standard error, once it was asked to end.
    fn terminated(mut self) -> (Option<i32>, String) {
        let kill = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(kill.is_ok_and(|status| status.success()));
        let mut said = String::new();
        let mut err = self.child.stderr.take().expect("piped");
        err.read_to_string(&mut said).expect("text");
        (self.child.wait().expect("ours").code(), said)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";

fn sample<'a>(text: &'a str, name: &str, labels: &str) -> Option<&'a str> {
    let start = format!("{name}{{{labels}}} ");
    text.lines().find_map(|line| line.strip_prefix(start.as_str()))
}

#[test]
fn every_figure_is_where_it_belongs() {
    let folder = Folder::new("export");
    let directory = folder.ledgers();
    let labels = "namespace=n,pod=p\\\"q,UUID=mine,__x=y";
    let (book, seat) = client(&directory, "pod-1", labels, Some(4 << 30));
    count_all(&book, seat);
    let part = book.part(0).expect("claimed");
    part.set(device::PEAK, 77);
    let exporter = Exporter::start(&directory);
    let text = exporter.scrape(OPENMETRICS);

    let client = "client=\"pod-1\",namespace=\"n\",pod=\"p\\\\\\\"q\"";
    let on_card = format!("{client},UUID=\"{UUID}\"");
    for (name, by, value) in [
        ("cuota_memory_used_bytes", "", "0"),
        ("cuota_memory_quota_bytes", "", "4294967296"),
        ("cuota_memory_quota_by_command", "", "0"),
        ("cuota_memory_peak_bytes", "", "77"),
        ("cuota_memory_untracked_bytes", "", "0"),
        ("cuota_device_memory_bytes", "", "17179869184"),
        ("cuota_memory_idle_bytes", "", "0"),
        ("cuota_memory_held_byte_seconds_total", "", "0.000000000"),
        ("cuota_memory_idle_byte_seconds_total", "", "0.000000000"),
        ("cuota_memory_uncertain_byte_seconds_total", "", "0.000000000"),
        ("cuota_allocations_total", ",kind=\"pool\"", "1"),
        ("cuota_allocated_bytes_total", ",kind=\"pool\"", "1000"),
        ("cuota_frees_total", ",kind=\"pool\"", "1"),
        ("cuota_freed_bytes_total", ",kind=\"pool\"", "1000"),
        ("cuota_refusals_total", ",kind=\"pool\"", "1"),
        ("cuota_refused_bytes_total", ",kind=\"pool\"", "1000"),
        ("cuota_launches_total", ",kind=\"kernel\"", "11"),
        ("cuota_launches_total", ",kind=\"cooperative\"", "12"),
        ("cuota_graph_launches_total", "", "13"),
        ("cuota_launches_total", ",kind=\"graph\"", "14"),
        ("cuota_waits_total", "", "15"),
        ("cuota_waited_seconds_total", "", "1.500000000"),
        ("cuota_contexts_made_total", "", "16"),
        ("cuota_contexts_gone_total", "", "17"),
        ("cuota_modules_loaded_total", "", "18"),
        ("cuota_modules_unloaded_total", "", "19"),
        ("cuota_fills_total", "", "20"),
        ("cuota_filled_bytes_total", "", "21"),
        ("cuota_faults_total", "", "23"),
        ("cuota_copies_total", ",direction=\"peer\"", "1"),
        ("cuota_copied_bytes_total", ",direction=\"peer\"", "22"),
    ] {
        assert_eq!(sample(&text, name, &format!("{on_card}{by}")), Some(value), "{name}\n{text}");
    }
    for (name, value) in [
        ("cuota_members", "1"),
        ("cuota_members_lost", "0"),
        ("cuota_members_joined_total", "1"),
        ("cuota_members_left_total", "0"),
        ("cuota_members_died_total", "0"),
        ("cuota_events_total", "2"),
    ] {
        assert_eq!(sample(&text, name, client), Some(value), "{name}\n{text}");
    }
    assert!(!text.contains("kind=\"linear\""), "never seen");
    assert_eq!(sample(&text, "cuota_ledgers", "state=\"read\""), Some("1"));
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(sample(&text, "cuota_build_info", &version), Some("1"));

    // Every counter says since when, and every family what it is.
    let created = book::read(book.path(), 0).expect("readable").created_wall;
    let created = format!("{}.{:09}", created / 1_000_000_000, created % 1_000_000_000);
    let fills = sample(&text, "cuota_fills_created", &on_card);
    assert_eq!(fills, Some(created.as_str()));
    let names = |ending| {
        let names = text.lines().filter_map(|line| line.split(['{', ' ']).next());
        names.filter_map(|name| name.strip_suffix(ending)).collect::<BTreeSet<_>>()
    };
    assert_eq!(names("_total"), names("_created"));
    for word in ["HELP", "TYPE"] {
        for name in names("_total") {
            assert_eq!(text.matches(&format!("# {word} {name} ")).count(), 1, "{name}");
        }
    }
    assert!(text.contains("\n# UNIT cuota_waited_seconds seconds\n"));
    assert_eq!(text.matches("# EOF\n").count(), 1);
    assert!(text.ends_with("\n# EOF\n"));

    // Set by command, and no quota at all.
    book.door().expect("free").set(0, None, 9);
    let text = exporter.scrape("*/*");
    assert!(!text.contains("cuota_memory_quota_bytes") && !text.contains("EOF"), "{text}");
    assert_eq!(sample(&text, "cuota_memory_quota_by_command", &on_card), Some("1"));

    // Killed, then gone altogether.
    book.leave(seat);
    let text = exporter.scrape("");
    assert_eq!(sample(&text, "cuota_members", client), Some("0"));
    assert_eq!(sample(&text, "cuota_members_died_total", client), Some("1"));
    assert_eq!(sample(&text, "cuota_fills_total", &on_card), Some("20"), "what it counted stays");
    fs::remove_file(directory.join(book::file_name("pod-1"))).expect("ours");
    assert!(!exporter.scrape("").contains("pod-1"));
    assert_eq!(exporter.terminated(), (Some(0), String::new()));
}

#[test]
fn a_cards_number_is_what_nvml_says() {
    let folder = Folder::new("export-gpu");
    let directory = folder.ledgers();
    let mut member = Member::start(&folder, "pod-1", &[]);
    assert!(member.takes(GIB));
    let mut command = cuota(["export", "--textfile"]);
    command.arg(folder.path("cuota.prom")).arg("--dir").arg(&directory);
    let text = |command: &mut Command| {
        assert_eq!(ended(command), (Some(0), String::new(), String::new()));
        fs::read_to_string(folder.path("cuota.prom")).expect("written")
    };
    let used = |text: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix("cuota_memory_used_bytes{"));
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        assert!(lines.len() == 1 && lines[0].ends_with(&format!("}} {GIB}")), "{text}");
        lines[0].clone()
    };
    assert!(!used(&text(&mut command)).contains("gpu="), "no guess");
    on_card(&mut command, &folder, &directory);
    command.env("LD_LIBRARY_PATH", simulated("").parent().expect("a folder"));
    let with = used(&text(&mut command));
    assert!(with.contains(",gpu=\"0\"}") && !with.contains("parent"), "{with}");
}

#[test]
fn what_nobody_is_in_any_more_goes_after_its_retention() {
    let folder = Folder::new("export-retention");
    let directory = folder.ledgers();
    let (_living, gone) = (booked(&directory, "living"), booked(&directory, "gone"));
    gone.killed();
    let there = |client: &str| directory.join(book::file_name(client)).exists();
    for options in [["--retention", "none"], ["--retention", "1h"]] {
        let exporter = Exporter::with(&directory, &options);
        assert!(exporter.scrape("text/plain").contains("client=\"gone\""));
        assert_eq!(exporter.terminated(), (Some(0), String::new()));
    }
    assert!(there("gone") && there("living"));
    let exporter = Exporter::with(&directory, &["--retention", "0s"]);
    while there("gone") {
        std::thread::yield_now();
    }
    assert!(there("living") && directory.join("bills").exists());
    assert_eq!(exporter.terminated(), (Some(0), String::new()));
}

#[test]
fn what_is_asked_in_another_way_is_answered_in_kind() {
    let folder = Folder::new("export-http");
    let exporter = Exporter::start(&folder.ledgers());
    let starts = |request: &str, answer: &str| {
        let found = exporter.answers(request);
        assert!(found.starts_with(&format!("HTTP/1.1 {answer}")), "{request:?}: {found}");
        found
    };
    let text = starts("GET /metrics HTTP/1.0\r\n\r\n", "200 OK\r\n");
    assert!(text.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    let request = format!("GET /metrics HTTP/1.1\r\nAccept: {OPENMETRICS}\r\n\r\n");
    let kind = "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(starts(&request, "200 OK\r\n").contains(kind));
    assert!(starts("GET /healthz HTTP/1.1\r\n\r\n", "200 OK\r\n").ends_with("\r\n\r\nok\n"));
    let head = starts("HEAD /metrics HTTP/1.1\r\n\r\n", "200 OK\r\n");
    assert!(head.ends_with("\r\n\r\n") && !head.contains("Content-Length: 0\r\n"), "{head}");
    starts("GET /other HTTP/1.1\r\n\r\n", "404 Not Found\r\n");
    let refused = starts("POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed\r\n");
    assert!(refused.contains("\r\nAllow: GET, HEAD\r\n"), "{refused}");
    starts("nonsense\r\n\r\n", "400 Bad Request\r\n");
    // As long as may be, and not over yet.
    starts(&format!("GET /metrics{}", "x".repeat((8 << 10) - 12)), "431 Request Header");
    // Who says nothing, and who leaves, keep nobody waiting.
    let _silent: Vec<TcpStream> =
        (0..3).map(|_| TcpStream::connect(&exporter.address).expect("it listens")).collect();
    let leaving = TcpStream::connect(&exporter.address).expect("it listens");
    leaving.shutdown(Shutdown::Both).expect("ours");
    starts("GET /healthz HTTP/1.1\r\n\r\n", "200 OK\r\n");
    assert_eq!(exporter.terminated().0, Some(0));
}

fn patch(file: &Path, word: usize, words: &[u64]) {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let file = fs::OpenOptions::new().write(true).open(file).expect("ours");
    file.write_all_at(&bytes, word as u64 * 8).expect("ours");
}

#[test]
fn ledgers_that_lie_are_counted_and_spoil_nothing() {
    let folder = Folder::new("export-hostile");
    let directory = folder.ledgers();
    let (good, seat) = client(&directory, "good", "pod=a", None);
    count_all(&good, seat);
    fs::write(directory.join("garbage.v1.cuota"), [7; 8192]).expect("ours");
    fs::write(directory.join("empty.v1.cuota"), "").expect("ours");
    fs::copy(good.path(), directory.join("copy.v1.cuota")).expect("ours");
    // The same device twice, labels that would end the line, and every count at its end.
    let (twice, _) = client(&directory, "twice", "", None);
    let mut entry = [0; 4];
    entry[..3].copy_from_slice(&[u64::MAX / 255 * 0xab, u64::MAX / 255 * 0xab, 1]);
    patch(twice.path(), header::DIRECTORY + header::DIRECTORY_ENTRY, &entry);
    let layout = twice.layout();
    let file = fs::OpenOptions::new().write(true).open(twice.path()).expect("ours");
    file.set_len(layout.device_at(2)).expect("ours");
    for device in 0..2 {
        let at = (layout.device_at(device) / 8) as usize;
        patch(twice.path(), at, &vec![u64::MAX; 4096]);
        patch(twice.path(), at + device::UUID, &entry[..2]);
    }
    let labels = "a=\"} 1\n,b=\u{1b}[2J,a=twice,c=\\";
    patch(twice.path(), header::LABELS, &text_words::<16>(labels));
    patch(twice.path(), header::WRITTEN, &[u64::MAX]);

    let exporter = Exporter::start(&directory);
    let text = exporter.scrape("");
    for (state, count) in [("read", "2"), ("unreadable", "3"), ("left_out", "0")] {
        let found = sample(&text, "cuota_ledgers", &format!("state=\"{state}\""));
        assert_eq!(found, Some(count), "{text}");
    }
    assert_eq!(text.matches("cuota_memory_peak_bytes{client=\"twice\"").count(), 1, "{text}");
    assert!(text.contains("cuota_events_total{client=\"twice\",a=\"\\\"} 1\u{fffd}\""), "{text}");
    assert!(!text.contains('\u{1b}'));
    let on_card = format!("client=\"good\",pod=\"a\",UUID=\"{UUID}\"");
    assert_eq!(sample(&text, "cuota_fills_total", &on_card), Some("20"));
    checked_by_promtool(&["check", "metrics"], Some(&text));
    exporter.scrape("");
    let (status, said) = exporter.terminated();
    assert_eq!(status, Some(0));
    for name in ["garbage", "empty", "copy"] {
        assert_eq!(said.matches(&format!("{name}.v1.cuota")).count(), 1, "once: {said}");
    }
}

#[test]
fn a_file_for_node_exporter() {
    let folder = Folder::new("export-file");
    let directory = folder.ledgers();
    let (book, seat) = client(&directory, "pod-1", "", None);
    count_all(&book, seat);
    let file = folder.path("cuota.prom");
    let export = || {
        let mut command = cuota(["export", "--dir"]);
        command.arg(&directory).arg("--textfile").arg(&file);
        command
    };
    assert_eq!(ended(&mut export()), (Some(0), String::new(), String::new()));
    let text = fs::read_to_string(&file).expect("written");
    assert!(text.contains("cuota_fills_total{client=\"pod-1\"") && !text.contains("EOF"));
    checked_by_promtool(&["check", "metrics"], Some(&text));

    // Again and again, each time as a file of its own; nothing else is left.
    let before = fs::File::open(&file).expect("there");
    let mut child = export().args(["--every", "1"]).spawn().expect("it starts");
    let inode =
        |file: &fs::File| std::os::unix::fs::MetadataExt::ino(&file.metadata().expect("open"));
    while fs::File::open(&file).is_ok_and(|now| inode(&now) == inode(&before)) {
        std::thread::yield_now();
    }
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.is_ok_and(|status| status.success()));
    assert_eq!(child.wait().expect("ours").code(), Some(0));
    let mut names: Vec<_> =
        fs::read_dir(folder.path("")).expect("ours").flatten().map(|it| it.file_name()).collect();
    names.sort();
    assert_eq!(names, ["cuota.prom", "ledgers"]);

    let nowhere = folder.path("missing/cuota.prom");
    let mut command = cuota(["export", "--dir"]);
    let (status, _, err) = ended(command.arg(&directory).arg("--textfile").arg(&nowhere));
    assert!(status == Some(125) && err.contains("cannot write"), "{err}");
    let (status, _, err) = ended(&mut cuota(["export", "--listen", "nowhere"]));
    assert!(status == Some(125) && err.contains("cannot listen on nowhere"), "{err}");
    let (status, _, err) = ended(&mut cuota(["export", "--every", "5"]));
    assert!(status == Some(125) && err.contains("--textfile"), "{err}");
}

/// Also not when it is to be written again and again: what is in the way stays there.
#[test]
fn only_a_plain_file_is_replaced() {
    let folder = Folder::new("export-replaced");
    let directory = folder.ledgers();
    let (target, link) = (folder.file("target", "old"), folder.path("link"));
    let (pipe, nowhere) = (folder.path("pipe"), folder.path("nowhere"));
    std::os::unix::fs::symlink(&target, &link).expect("ours");
    std::os::unix::fs::symlink("/dev/null", &nowhere).expect("ours");
    assert!(Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
    let kind = |path: &Path| fs::symlink_metadata(path).map(|found| found.file_type());
    let target_name = fs::canonicalize(&target).expect("there").display().to_string();
    for (path, words) in [
        (&link, format!("it is a symbolic link, which would be replaced; give {target_name}")),
        (&nowhere, "it is a symbolic link, which would be replaced; give a plain file".into()),
        (&pipe, "it is a pipe; give a plain file, or a name that is not taken".into()),
        (&directory, "it is a directory; give a plain file".into()),
    ] {
        let before = kind(path).expect("there");
        for more in [&[][..], &["--every", "1"]] {
            let mut command = Command::new("timeout");
            command.arg("10").arg(env!("CARGO_BIN_EXE_cuota")).args(["export", "--dir"]);
            command.arg(&directory).arg("--textfile").arg(path).args(more);
            let (status, _, err) = ended(&mut command);
            let said = err.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(status, Some(125), "{said}");
            assert!(said.contains(&words), "{said}");
            assert_eq!(kind(path).expect("there"), before);
        }
    }
    // Nor by a supervisor, which says so before it starts a daemon.
    let mut supervise = cuota(["mps", "supervise", "--metrics"]);
    supervise.env("CUDA_MPS_PIPE_DIRECTORY", folder.path("mps")).env("PATH", "");
    let (status, _, err) = ended(supervise.arg(&link));
    assert!(status == Some(125) && err.contains("would be replaced"), "{err}");
    assert_eq!(fs::read_to_string(&target).expect("there"), "old");
    assert_eq!(fs::read_dir(folder.path("")).expect("ours").count(), 5, "no draft is left");
}

fn deployed(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/deploy").join(file)
}

/// Every word of an expression that is a metric's name by its looks.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("cuota_")).collect()
}

/// All the texts under `name`, wherever they stand.
fn texts<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(entries) => {
            found.extend(entries.get(name).and_then(Value::as_str));
            entries.values().for_each(|value| texts(value, name, found));
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, name, found)),
        _ => {}
    }
}

#[test]
fn dashboard_and_alerts_use_what_there_is() {
    let folder = Folder::new("export-deploy");
    let directory = folder.ledgers();
    let (book, seat) = client(&directory, "pod-1", "namespace=n", Some(1));
    count_all(&book, seat);
    let text = Exporter::start(&directory).scrape("");
    let there: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();

    let dashboard = fs::read_to_string(deployed("grafana/cuota.json")).expect("a dashboard");
    let dashboard: Value = serde_json::from_str(&dashboard).expect("JSON");
    let mut queries = Vec::new();
    texts(&dashboard, "expr", &mut queries);
    texts(&dashboard["templating"], "query", &mut queries);
    assert!(queries.len() > 8, "{queries:?}");
    let rules = deployed("prometheus/cuota.rules.yml");
    let rules_text = fs::read_to_string(&rules).expect("rules");
    queries.push(&rules_text);
    for query in queries {
        // Those of `cuota mps supervise` are held against it where it makes them.
        for name in metrics_in(query).into_iter().filter(|name| !name.starts_with("cuota_mps_")) {
            assert!(there.contains(name), "{name} in {query}");
        }
    }
    assert!(metrics_in(&rules_text).len() > 4);
    checked_by_promtool(&["check", "rules", rules.to_str().expect("text")], None);
    let test = rules.with_file_name("cuota.test.yml");
    checked_by_promtool(&["test", "rules", test.to_str().expect("text")], None);
}

#[test]
fn a_share_of_the_sms_is_a_metric_where_there_is_one() {
    let folder = Folder::new("export-sms");
    let directory = folder.ledgers();
    let _members = sharing(&folder);
    let text = Exporter::start(&directory).scrape(OPENMETRICS);
    let value = |name: &str, client: &str| {
        let start = format!("{name}{{client=\"{client}\"");
        text.lines().find(|line| line.starts_with(&start))?.split_whitespace().last()
    };
    for (client, granted, enforced, exclusive) in [
        ("held", Some("76"), Some("1"), Some("0")),
        ("not-held", Some("132"), Some("0"), None),
        ("reserved", Some("32"), Some("1"), Some("1")),
        ("silent", None, None, None),
    ] {
        assert_eq!(value("cuota_device_sms", client), Some("132"));
        assert_eq!(value("cuota_sms_granted", client), granted, "{client}");
        assert_eq!(value("cuota_share_enforced", client), enforced, "{client}");
        assert_eq!(value("cuota_share_exclusive", client), exclusive, "{client}");
    }
}
