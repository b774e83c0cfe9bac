//! Executable graphs: checked, put in order, and from then on independent of the graph they were made of.

use std::collections::HashMap;
use std::ffi::{c_char, c_uint};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use cudarc::driver::sys::{CUgraph, CUgraphExec, CUgraphNode, CUstream};

use super::objects::Kept;
use super::{Graph, Holder, Kind, launch, memory, named};
use crate::api::{Call, E, R, given, put, put_opt, take};
use crate::handles::Table;
use crate::work::locked;
use crate::work::queue::Point;

pub struct Exec {
    id: u32,
    pub flags: u64,
    source: Weak<Graph>,
    pub nodes: Mutex<Vec<ExecNode>>,
    /// Where its latest launch ends: the next one comes after it.
    pub last: Mutex<Vec<Point>>,
    pub objects: Arc<Kept>,
}

#[derive(Clone)]
pub struct ExecNode {
    /// The handle it had in the graph.
    pub node: usize,
    pub kind: Kind,
    pub enabled: bool,
    /// Its place in the order of adding, and those of the nodes it comes after.
    pub place: usize,
    pub after: Vec<usize>,
    /// The nodes of the graphs embedded in it.
    pub inside: Vec<Vec<ExecNode>>,
}

static EXECS: Table<Exec> = Table::new(23);
static NEXT_ID: AtomicU32 = AtomicU32::new(1);

pub const AUTO_FREE: u64 = 1;
const UPLOAD: u64 = 2;
const DEVICE_LAUNCH: u64 = 4;
const NODE_PRIORITY: u64 = 8;

/// Why a graph cannot be made executable, as `CUgraphInstantiateResult` and a node.
pub struct Flaw {
    result: c_uint,
    node: usize,
}

const ERROR: c_uint = 1;
const INVALID_STRUCTURE: c_uint = 2;
const NODE_NOT_SUPPORTED: c_uint = 3;

impl Graph {
    /// Its nodes in an order that respects every edge.
    pub(super) fn compile(&self) -> Result<Vec<ExecNode>, Flaw> {
        let (nodes, edges) = {
            let parts = locked(&self.parts);
            (parts.nodes.clone(), parts.edges.clone())
        };
        let places: HashMap<usize, usize> =
            nodes.iter().enumerate().map(|(place, node)| (node.handle, place)).collect();
        let mut left = Vec::with_capacity(nodes.len());
        for (place, node) in nodes.iter().enumerate() {
            let kind = locked(&node.kind).clone();
            let inside =
                kind.embedded().iter().map(|graph| graph.compile()).collect::<Result<_, _>>()?;
            left.push(ExecNode {
                node: node.handle,
                kind,
                enabled: true,
                place,
                after: Vec::new(),
                inside,
            });
        }
        let (mut before, mut waits) = (vec![0_usize; left.len()], vec![Vec::new(); left.len()]);
        for edge in &edges {
            if let (Some(from), Some(to)) = (places.get(&edge.from), places.get(&edge.to)) {
                left[*to].after.push(*from);
                before[*to] += 1;
                waits[*from].push(*to);
            }
        }
        let mut order: Vec<usize> = (0..left.len()).filter(|place| before[*place] == 0).collect();
        let mut done = 0;
        while let Some(place) = order.get(done).copied() {
            done += 1;
            for next in &waits[place] {
                before[*next] -= 1;
                if before[*next] == 0 {
                    order.push(*next);
                }
            }
        }
        if let Some(place) = before.iter().position(|count| *count > 0) {
            return Err(Flaw { result: INVALID_STRUCTURE, node: left[place].node });
        }
        let mut ranks = vec![0; left.len()];
        order.iter().enumerate().for_each(|(rank, place)| ranks[*place] = rank);
        left.sort_by_key(|node| ranks[node.place]);
        self.check_frees(&left)?;
        Ok(left)
    }

    /// A free node must come after the allocation it frees, if that is made here.
    fn check_frees(&self, nodes: &[ExecNode]) -> Result<(), Flaw> {
        for node in nodes {
            let Kind::Free(ptr) = node.kind else { continue };
            let made = nodes.iter().find(
                |other| matches!(&other.kind, Kind::Alloc(allocation) if allocation.ptr == ptr),
            );
            if made.is_some_and(|made| !self.up_to([node.node]).contains(&made.node)) {
                return Err(Flaw { result: INVALID_STRUCTURE, node: node.node });
            }
        }
        Ok(())
    }
}

/// Only these can be launched from the device, and there must be something to launch.
fn check_for_device(nodes: &[ExecNode]) -> Result<(), Flaw> {
    if nodes.is_empty() {
        return Err(Flaw { result: ERROR, node: 0 });
    }
    let allowed = |kind: &Kind| {
        matches!(kind, Kind::Kernel(_) | Kind::Copy(_) | Kind::Fill(_) | Kind::Child(_))
    };
    match nodes.iter().find(|node| !allowed(&node.kind)) {
        Some(node) => Err(Flaw { result: NODE_NOT_SUPPORTED, node: node.node }),
        None => Ok(()),
    }
}

fn make(graph: &Arc<Graph>, flags: u64) -> Result<CUgraphExec, Flaw> {
    let invalid = Flaw { result: ERROR, node: 0 };
    if flags & AUTO_FREE != 0 && flags & DEVICE_LAUNCH != 0 {
        return Err(invalid);
    }
    if *locked(&graph.held_by) == Holder::Capture {
        return Err(invalid);
    }
    if graph.has_memory_nodes() && graph.execs.load(Ordering::Acquire) > 0 {
        return Err(invalid);
    }
    let nodes = graph.compile()?;
    if flags & DEVICE_LAUNCH != 0 {
        check_for_device(&nodes)?;
    }
    graph.execs.fetch_add(1, Ordering::AcqRel);
    allocations(&nodes).for_each(memory::hold);
    let exec = Exec {
        id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        flags: flags & !UPLOAD,
        source: Arc::downgrade(graph),
        nodes: Mutex::new(nodes),
        last: Mutex::default(),
        objects: Arc::new(Kept::of(&locked(&graph.objects))),
    };
    Ok(EXECS.insert(Arc::new(exec)) as CUgraphExec)
}

pub fn exec(handle: CUgraphExec) -> Result<Arc<Exec>, E> {
    EXECS.get(handle as usize).ok_or(E::INVALID_VALUE)
}

/// The two oldest calls: no flags, and room for a text nobody writes any more.
pub fn instantiate_with_log(
    _: &Call,
    out: *mut CUgraphExec,
    graph: CUgraph,
    node: *mut CUgraphNode,
    log: *mut c_char,
    size: usize,
) -> R {
    given(out)?;
    let graph = named(graph)?;
    if size > 0 {
        put_opt(log, 0);
    }
    match make(&graph, 0) {
        Ok(exec) => put(out, exec),
        Err(flaw) => {
            put_opt(node, flaw.node as CUgraphNode);
            Err(E::INVALID_VALUE)
        }
    }
}

pub fn instantiate(_: &Call, out: *mut CUgraphExec, graph: CUgraph, flags: u64) -> R {
    given(out)?;
    let graph = named(graph)?;
    if flags & !(AUTO_FREE | DEVICE_LAUNCH | NODE_PRIORITY) != 0 {
        return Err(E::INVALID_VALUE);
    }
    put(out, make(&graph, flags).or(Err(E::INVALID_VALUE))?)
}

/// `CUDA_GRAPH_INSTANTIATE_PARAMS`, its result as a number.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct InstantiateParams {
    flags: u64,
    upload: CUstream,
    node: CUgraphNode,
    result: c_uint,
}

pub fn instantiate_with_params(
    call: &Call,
    out: *mut CUgraphExec,
    graph: CUgraph,
    params: *mut InstantiateParams,
) -> R {
    given(out)?;
    let mut p = take(params)?;
    (p.node, p.result) = (ptr::null_mut(), ERROR);
    put(params, p)?;
    let graph = named(graph)?;
    if p.flags & !(AUTO_FREE | UPLOAD | DEVICE_LAUNCH | NODE_PRIORITY) != 0 {
        return Err(E::INVALID_VALUE);
    }
    match make(&graph, p.flags) {
        Ok(exec) => {
            put(out, exec)?;
            p.result = 0;
            put(params, p)?;
            if p.flags & UPLOAD != 0 { launch::upload(call, exec, p.upload) } else { Ok(()) }
        }
        Err(flaw) => {
            (p.node, p.result) = (flaw.node as CUgraphNode, flaw.result);
            put(params, p)?;
            Err(E::INVALID_VALUE)
        }
    }
}

/// A launch under way goes on; what it needs is kept until it ends.
pub fn exec_destroy(_: &Call, handle: CUgraphExec) -> R {
    let exec = EXECS.remove(handle as usize).ok_or(E::INVALID_VALUE)?;
    if let Some(graph) = exec.source.upgrade() {
        graph.execs.fetch_sub(1, Ordering::AcqRel);
    }
    allocations(&locked(&exec.nodes)).for_each(memory::let_go);
    Ok(())
}

/// The addresses its nodes allocate.
pub fn allocations(nodes: &[ExecNode]) -> impl Iterator<Item = u64> {
    nodes.iter().filter_map(|node| match &node.kind {
        Kind::Alloc(made) => Some(made.ptr),
        _ => None,
    })
}

pub fn exec_flags(_: &Call, handle: CUgraphExec, out: *mut u64) -> R {
    given(out)?;
    put(out, exec(handle)?.flags)
}

pub fn exec_id(_: &Call, handle: CUgraphExec, out: *mut c_uint) -> R {
    given(out)?;
    put(out, exec(handle)?.id)
}
