//! The aarch64 jumps assemble, where a cross assembler is at hand. They were never run.

mod support;

use std::process::Command;

use support::{Scratch, root};

/// The instructions of each `naked_asm!` in a file, with `{names}` made plain symbols.
fn blocks(source: &str) -> Vec<String> {
    let bodies = source.split("naked_asm!(").skip(1);
    bodies
        .map(|body| {
            let body = body.split(")\n    };").next().expect("split gives one");
            let lines = body.split('"').skip(1).step_by(2);
            lines.map(|line| line.replace(['{', '}'], "")).collect::<Vec<_>>().join("\n")
        })
        .collect()
}

fn assemble(assembler: &str, text: &str) -> Option<(bool, String)> {
    let scratch = Scratch::new();
    let (source, object) = (scratch.join("jumps.s"), scratch.join("jumps.o"));
    std::fs::write(&source, text).expect("the scratch directory is writable");
    let output = Command::new(assembler).arg("-o").arg(object).arg(source).output().ok()?;
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[test]
fn aarch64() {
    let source =
        std::fs::read_to_string(root().join("src/hooks/arch/aarch64.rs")).expect("the jumps");
    let blocks = blocks(&source);
    assert_eq!(blocks.len(), 5);
    match assemble("aarch64-linux-gnu-as", &(blocks.join("\n") + "\n")) {
        Some((success, errors)) => assert!(success, "{errors}"),
        None => eprintln!("skipped: no aarch64 assembler on this machine"),
    }
    if let Some((success, _)) = assemble("aarch64-linux-gnu-as", "ldar x17, [x16, #8]\n") {
        assert!(!success, "it accepts anything");
    }
}
