//! Whatever stands in a ledger, `include/cuota.h` makes the same of it as `book::read` does.

mod made;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use cuota_core::book::layout::{Layout, count, device};
use cuota_core::book::{self, Direction, Memory, Report};
use cuota_core::kind::Kind;
use cuota_core::ledger::LANE;
use made::Folder;

const LEDGERS: usize = 300;

struct Any(u64);

impl Any {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) % end
    }

    fn value(&mut self) -> u64 {
        match self.below(6) {
            0 => self.below(300),
            1 => u64::MAX - self.below(300),
            2 => 1 << self.below(64),
            3 => self.below(66) << 48 | self.below(300),
            4 => self.below(3),
            _ => self.below(u64::MAX),
        }
    }

    /// A word of the members, of the device's head and lanes, of its counts, or of the ring.
    fn place(&mut self, layout: Layout) -> u64 {
        let part = layout.device_at(0) / 8;
        let counts = part + layout.counts_at(0) as u64;
        match self.below(6) {
            0 => 512 + self.below(96),
            1 => part + self.below(34),
            2 | 3 => part + device::LANES as u64 + self.below(3 * LANE as u64),
            4 => counts + self.below(2 * count::PLACE as u64),
            _ => layout.ring_at() / 8 + self.below(layout.events * 8),
        }
    }
}

/// As `programs/tell.c` says it.
fn told(report: &Report) -> String {
    let mut line = String::new();
    for device in &report.devices {
        let (_, copied) = device.counts.copied(Direction::Unified);
        let (_, refused) = device.counts.memory(Kind::Import, Memory::Refused);
        let _ = write!(
            line,
            "device {} {} {} {} {:032x} {:032x} {:032x} {} {copied} {refused} of {}, ",
            device.used,
            device.untracked,
            device.idle,
            device.peak,
            device.held_byte_ns,
            device.idle_byte_ns,
            device.uncertain_byte_ns,
            device.counts.launches(),
            device.bytes,
        );
    }
    for member in &report.members {
        let _ = write!(line, "member {} {}, ", member.id, u8::from(member.alive));
    }
    for event in &report.events {
        let _ = write!(line, "{} {}, ", event.kind.name(), event.payload[0]);
    }
    line + &format!("{} heard", report.events.len())
}

fn expected(path: &Path) -> String {
    book::read(path, u64::MAX).map_or_else(|_| "refused".into(), |report| told(&report))
}

#[test]
fn the_header_makes_the_same_of_any_ledger() {
    let folder = Folder::new("alike");
    let ledger = made::ledger(&folder);
    let image = fs::read(&ledger.file).expect("ours");
    let layout = Layout::new(64, 16);
    let mut any = Any(0x9e37_79b9_7f4a_7c15);
    let (mut paths, mut living) = (vec![ledger.file.clone()], Vec::new());
    for number in 0..LEDGERS {
        let mut bytes = image.clone();
        for _ in 0..1 + any.below(12) {
            let (at, value) = (any.place(layout) as usize * 8, any.value());
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        let path = folder.path(&format!("{number}.ledger"));
        fs::write(&path, bytes).expect("there is room");
        living.extend((1..=any.below(3)).map(|id| made::living(&path, id)));
        paths.push(path);
    }
    let tell = made::compiled(&folder, "core/tests/programs/tell.c");
    let output = Command::new(tell).args(&paths).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let said = String::from_utf8(output.stdout).expect("text");
    let said: Vec<&str> = said.lines().collect();
    let expected: Vec<String> = paths.iter().map(|path| expected(path)).collect();
    for (number, (said, expected)) in said.iter().zip(&expected).enumerate() {
        assert_eq!(said, expected, "ledger {number}");
    }
    assert_eq!(said.len(), expected.len());
    let told =
        expected.iter().filter(|line| line.contains("member 1 1") && line.contains("device"));
    assert!(told.count() > LEDGERS / 4, "most can be read");
}
