//! Executable graphs: how many kernels a launch is, and how much memory it needs.
#![forbid(unsafe_code)]

use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::HashMap;

use cuota_core::grain;
use cuota_core::shm::Brief;

use crate::driver::query;

const KERNEL: u32 = 0;
const CHILD: u32 = 4;
const MEM_ALLOC: u32 = 10;
/// Graphs within graphs are looked into so deep.
const DEEPEST: usize = 16;
/// Words of a node's parameters; and of those, where its memory is and how much.
const PARAMETERS: usize = 32;
const LOCATION: usize = 1;
const BYTES: usize = 13;

/// What a graph takes of each device.
pub type Needs = Vec<(c_int, u64)>;

/// When a graph last got its memory, by the age of each device's.
pub type Backed = Vec<(c_int, u64)>;

/// What a graph has in it, with what is in it in turn. What the bodies of conditional nodes have depends
/// on the run, and is left out.
#[derive(Clone, Default)]
pub struct Contents {
    pub needs: Needs,
    pub kernels: u64,
}

/// An executable graph.
#[derive(Clone, Default)]
pub struct Exec {
    contents: Contents,
    /// Kernel nodes that were switched off.
    off: Vec<u64>,
    backed: Backed,
}

pub struct Graphs {
    execs: Brief<HashMap<u64, Exec>>,
    /// There ever was one that allocates.
    any: AtomicBool,
}

impl Graphs {
    pub(super) fn new() -> Graphs {
        Graphs { execs: Brief::new(HashMap::new()), any: AtomicBool::new(false) }
    }

    pub fn instantiated(&self, exec: u64, contents: Contents) {
        let allocates = !contents.needs.is_empty();
        self.put_back(exec, Exec { contents, ..Exec::default() });
        if allocates {
            self.any.store(true, Ordering::Release);
        }
    }

    /// How many kernels a launch is.
    pub fn kernels(&self, exec: u64) -> u64 {
        self.execs.with(|execs| {
            let known = execs.get(&exec);
            known.map_or(0, |exec| exec.contents.kernels.saturating_sub(exec.off.len() as u64))
        })
    }

    /// A node of an executable graph was switched on or off.
    pub fn switched(&self, exec: u64, node: u64, on: bool) {
        let mut kind = 0;
        if !query::cuGraphNodeGetType(node, &mut kind).ok() || kind != KERNEL {
            return;
        }
        self.execs.with(|execs| {
            if let Some(exec) = execs.get_mut(&exec) {
                exec.off.retain(|off| *off != node);
                if !on {
                    exec.off.push(node);
                }
            }
        });
    }

    /// Whether any graph of this process allocates: others launch without a look.
    #[inline(always)]
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Before it is destroyed: its handle may be used again.
    pub fn take(&self, exec: u64) -> Option<Exec> {
        self.execs.with(|execs| execs.remove(&exec))
    }

    /// What it needs, and when it last got it.
    pub(super) fn memory_of(&self, exec: u64) -> Option<(Needs, Backed)> {
        let known = |exec: &Exec| (exec.contents.needs.clone(), exec.backed.clone());
        self.execs.with(|execs| execs.get(&exec).map(known))
    }

    pub(super) fn is_backed(&self, exec: u64, backed: Backed) {
        self.execs.with(|execs| {
            if let Some(exec) = execs.get_mut(&exec) {
                exec.backed = backed;
            }
        });
    }

    pub fn put_back(&self, exec: u64, known: Exec) {
        self.execs.with(|execs| execs.insert(exec, known));
    }
}

pub fn contents_of(graph: u64) -> Contents {
    let mut contents = Contents::default();
    add_contents(graph, DEEPEST, &mut contents);
    contents
}

fn add_contents(graph: u64, deep: usize, contents: &mut Contents) {
    let mut count = 0;
    let counted = query::cuGraphGetNodes(graph, core::ptr::null_mut(), &mut count);
    if !counted.ok() || deep == 0 {
        return;
    }
    let mut nodes = vec![0; count];
    if !query::cuGraphGetNodes(graph, nodes.as_mut_ptr(), &mut count).ok() {
        return;
    }
    for node in nodes.into_iter().take(count) {
        let mut kind = 0;
        if !query::cuGraphNodeGetType(node, &mut kind).ok() {
            continue;
        }
        let mut child = 0;
        if kind == CHILD && query::cuGraphChildGraphNodeGetGraph(node, &mut child).ok() {
            add_contents(child, deep - 1, contents);
        } else if kind == MEM_ALLOC {
            add_node(node, &mut contents.needs);
        } else if kind == KERNEL {
            contents.kernels += 1;
        }
    }
}

fn add_node(node: u64, needs: &mut Needs) {
    let mut words = [0_u64; PARAMETERS];
    if !query::cuGraphMemAllocNodeGetParams(node, words.as_mut_ptr().cast()).ok() {
        return;
    }
    let (location, bytes) = (words.get(LOCATION), words.get(BYTES));
    if let (Some(location), Some(bytes)) = (location, bytes) {
        let ordinal = (location >> 32) as u32 as c_int;
        let bytes = grain::round(*bytes, grain::PAGE);
        match needs.iter_mut().find(|(on, _)| *on == ordinal) {
            Some((_, sum)) => *sum = sum.saturating_add(bytes),
            None => needs.push((ordinal, bytes)),
        }
    }
}
