//! A graph as a drawing's source, for `cuGraphDebugDotPrint`.

use std::ffi::{c_char, c_uint};
use std::fmt::Write as _;
use std::fs;

use cudarc::driver::sys::CUgraph;

use super::{Graph, Kind, named};
use crate::api::{Call, E, R, text};
use crate::work::locked;

pub fn dot(_: &Call, graph: CUgraph, path: *const c_char, _flags: c_uint) -> R {
    let path = text(path)?;
    let drawn = named(graph)?.drawn();
    fs::write(path, drawn).or(Err(E::OPERATING_SYSTEM))
}

impl Graph {
    fn drawn(&self) -> String {
        let mut out = format!("digraph graph_{} {{\n", self.id);
        self.draw_parts(&mut out);
        out.push_str("}\n");
        out
    }

    fn draw_parts(&self, out: &mut String) {
        let (nodes, edges) = {
            let parts = locked(&self.parts);
            (parts.nodes.clone(), parts.edges.clone())
        };
        for node in &nodes {
            let kind = super::kind::of(node);
            let _ = writeln!(
                out,
                "  \"{:#x}\" [shape=box label=\"{}\\n{}\"];",
                node.handle,
                node.local,
                label(&kind)
            );
            for inner in kind.embedded() {
                let _ = writeln!(out, "  subgraph cluster_{} {{", inner.id);
                inner.draw_parts(out);
                out.push_str("  }\n");
            }
        }
        for edge in &edges {
            let _ = writeln!(out, "  \"{:#x}\" -> \"{:#x}\";", edge.from, edge.to);
        }
    }
}

fn label(kind: &Kind) -> String {
    let name = match kind {
        Kind::Kernel(launch) => {
            return format!("KERNEL\\n{}", launch.function.name().escape_default());
        }
        Kind::Copy(_) => "MEMCPY",
        Kind::Fill(_) => "MEMSET",
        Kind::Host(_) => "HOST",
        Kind::Child(_) => "GRAPH",
        Kind::Empty => "EMPTY",
        Kind::Wait(_) => "EVENT_WAIT",
        Kind::Record(_) => "EVENT_RECORD",
        Kind::Alloc(_) => "MEM_ALLOC",
        Kind::Free(_) => "MEM_FREE",
        Kind::MemoryOps(_) => "BATCH_MEM_OP",
        Kind::Conditional(_) => "CONDITIONAL",
    };
    name.to_owned()
}
