//! Every row's parameters are those of the driver's header: as many, each passed the same way.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::fact;

/// How a parameter travels: pointer, integer of a size, float, or a structure by value.
#[derive(Debug, PartialEq, Clone)]
enum Way {
    Pointer,
    Integer(u8),
    Float,
    Structure(String),
}

const WIDE: [&str; 16] = [
    "size_t",
    "usize",
    "u64",
    "i64",
    "cuuint64_t",
    "unsigned long long",
    "c_ulonglong",
    "CUdeviceptr",
    "CUdeviceptr_v2",
    "CUtexObject",
    "CUsurfObject",
    "CUmemGenericAllocationHandle",
    "CUgraphConditionalHandle",
    "long long",
    "CUlogicalEndpointId",
    "unsigned long",
];

/// Opaque pointers, and pointers to functions.
const POINTERS: [&str; 37] = [
    "CUcontext",
    "CUmodule",
    "CUfunction",
    "CUarray",
    "CUmipmappedArray",
    "CUtexref",
    "CUsurfref",
    "CUevent",
    "CUstream",
    "CUgraphicsResource",
    "CUexternalMemory",
    "CUexternalSemaphore",
    "CUgraph",
    "CUgraphNode",
    "CUgraphExec",
    "CUmemoryPool",
    "CUuserObject",
    "CUgraphDeviceNode",
    "CUasyncCallbackHandle",
    "CUgreenCtx",
    "CUlibrary",
    "CUkernel",
    "CUlinkState",
    "CUdevResourceDesc",
    "CUlogsCallbackHandle",
    "CUhostFn",
    "CUstreamCallback",
    "CUoccupancyB2DSize",
    "CUasyncCallback",
    "CUlogsCallback",
    "CUeglStreamConnection",
    "CUcoredumpCallbackHandle",
    "CUcoredumpStatusCallback",
    "CUcheckpointOperationHandle",
    "CUexecAffinityParam*",
    "extern",
    "Option",
];

fn way(kind: &str) -> Way {
    let kind = kind.trim().trim_start_matches("const ").trim();
    let head = kind.split(['<', '(', ' ']).next().unwrap_or_default();
    let by_value = ["CUmemLocation", "CUipcEventHandle", "CUipcMemHandle"];
    match kind {
        _ if kind.contains('*') || kind.ends_with(']') => Way::Pointer,
        _ if POINTERS.contains(&head) || head == "unsafe" => Way::Pointer,
        _ if WIDE.contains(&kind) => Way::Integer(8),
        "float" | "f32" => Way::Float,
        "unsigned char" | "u8" => Way::Integer(1),
        "unsigned short" | "u16" => Way::Integer(2),
        _ => match by_value.iter().find(|name| head.starts_with(**name)) {
            Some(name) => Way::Structure((*name).to_owned()),
            None => Way::Integer(4),
        },
    }
}

/// Splits at commas that are not within brackets.
fn parts(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '(' | '<' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '>' if !list[..at].ends_with('-') => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// The last word of a C parameter is its name, unless the type is all there is.
fn c_ways(signature: &str) -> Vec<Way> {
    parts(signature)
        .into_iter()
        .filter(|part| *part != "void")
        .map(|part| match part.rsplit_once([' ', '*']) {
            Some((kind, _)) if !part.contains('*') => way(kind),
            _ => way(part),
        })
        .collect()
}

/// Name → parameters, from the last column.
fn declared() -> BTreeMap<String, Vec<Way>> {
    let mut declared = BTreeMap::new();
    for line in fact("entry-points.csv").lines().skip(1) {
        let name = line.split(',').next().unwrap();
        let signature = match line.strip_suffix('"') {
            Some(line) => line.rsplit_once(",\"").unwrap().1,
            None => line.rsplit_once(',').unwrap().1,
        };
        if !signature.is_empty() {
            declared.insert(name.to_owned(), c_ways(signature));
        }
    }
    declared
}

#[test]
fn rows_match_the_header() {
    let declared = declared();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/entries")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for row in text.split("\n    [").skip(1).filter(|row| row.starts_with("cu")) {
            let (names, rest) = row.split_once(']').unwrap();
            let params = rest.split_once("=>").unwrap().0.trim();
            let params = params.strip_prefix('(').unwrap().strip_suffix(')').unwrap();
            let ours: Vec<Way> = parts(params)
                .into_iter()
                .map(|param| way(param.split_once(':').unwrap().1))
                .collect();
            for name in names.split_whitespace() {
                let Some(theirs) = declared.get(name) else {
                    continue;
                };
                checked += 1;
                if *theirs != ours {
                    wrong.push(format!("{name}: {ours:?}, header {theirs:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 50, "only {checked} rows were read");
}
