use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::{env, fs, process};

use crate::driver::*;

const INVALID_VALUE: u32 = 1;

/// `CUDA_KERNEL_NODE_PARAMS`
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct KernelParams {
    pub function: usize,
    pub grid: [u32; 3],
    pub block: [u32; 3],
    pub shared: u32,
    pub params: usize,
    pub extra: usize,
    pub kernel: usize,
    pub ctx: usize,
}

pub fn kernel_params(function: usize) -> KernelParams {
    KernelParams { function, grid: [1; 3], block: [1; 3], ..KernelParams::default() }
}

pub fn add_kernel(graph: usize, after: &[usize], function: usize) -> usize {
    let mut node = 0;
    ok!(
        cuGraphAddKernelNode_v2,
        &mut node,
        graph,
        after.as_ptr(),
        after.len(),
        &mut kernel_params(function)
    );
    node
}

pub fn add_empty(graph: usize, after: &[usize]) -> usize {
    let mut node = 0;
    ok!(cuGraphAddEmptyNode, &mut node, graph, after.as_ptr(), after.len());
    node
}

/// dst, pitch, value and element size, width, height.
pub fn fill_params(device: usize, value: u32, width: usize) -> [u64; 5] {
    [device as u64, 0, 4 << 32 | u64::from(value), width as u64, 1]
}

pub fn add_fill(graph: usize, after: &[usize], device: usize, value: u32) -> usize {
    let mut node = 0;
    let mut params = fill_params(device, value, 1);
    ok!(cuGraphAddMemsetNode, &mut node, graph, after.as_ptr(), after.len(), &mut params, 0);
    node
}

pub fn instantiate(graph: usize) -> usize {
    get!(usize, cuGraphInstantiateWithFlags, graph, 0)
}

pub fn run(exec: usize) {
    let one = stream(NON_BLOCKING);
    ok!(cuGraphLaunch, exec, one);
    synchronize(one);
}

pub fn word(device: usize) -> u32 {
    let mut word = 0_u32;
    ok!(cuMemcpyDtoH_v2, &mut word, device, 4);
    word
}

pub fn device_word() -> usize {
    let device = get!(usize, cuMemAlloc_v2, 4);
    ok!(cuMemsetD32_v2, device, 0, 1);
    device
}

fn neighbours(name: &str, node: usize) -> Vec<usize> {
    let mut count = 0_usize;
    assert_eq!(call(name, &[node, 0, (&raw mut count) as usize]), 0);
    let mut nodes = vec![0; count];
    assert_eq!(call(name, &[node, nodes.as_mut_ptr() as usize, (&raw mut count) as usize]), 0);
    nodes
}

#[test]
fn nodes_and_edges_are_what_was_asked_for() {
    let _turn = alone();
    let graph = get!(usize, cuGraphCreate, 0);
    let (a, b) = (add_empty(graph, &[]), add_empty(graph, &[]));
    let c = add_empty(graph, &[a, b]);
    assert_eq!(neighbours("cuGraphNodeGetDependencies", c), [a, b]);
    assert_eq!(neighbours("cuGraphNodeGetDependentNodes", a), [c]);
    let (from, to) = ([a], [b]);
    ok!(cuGraphAddDependencies, graph, from.as_ptr(), to.as_ptr(), 1);
    assert_eq!(
        cu!(cuGraphAddDependencies, graph, from.as_ptr(), to.as_ptr(), 1),
        INVALID_VALUE,
        "it is there"
    );
    ok!(cuGraphRemoveDependencies, graph, from.as_ptr(), to.as_ptr(), 1);
    assert_eq!(
        cu!(cuGraphRemoveDependencies, graph, from.as_ptr(), to.as_ptr(), 1),
        INVALID_VALUE,
        "it is gone"
    );
    ok!(cuGraphDestroyNode, a);
    assert_eq!(neighbours("cuGraphNodeGetDependencies", c), [b]);
    assert_eq!(cu!(cuGraphDestroyNode, a), INVALID_VALUE);
    ok!(cuGraphDestroy, graph);
    assert_eq!(cu!(cuGraphDestroy, graph), INVALID_VALUE);
    assert_eq!(cu!(cuGraphDestroyNode, b), INVALID_VALUE);
}

#[test]
fn a_cycle_is_found_when_the_graph_is_made_executable() {
    let _turn = alone();
    let graph = get!(usize, cuGraphCreate, 0);
    let a = add_empty(graph, &[]);
    let b = add_empty(graph, &[a]);
    let (from, to) = ([b], [a]);
    ok!(cuGraphAddDependencies, graph, from.as_ptr(), to.as_ptr(), 1);
    let mut exec = 0_usize;
    // flags, upload stream, node, result
    let mut params = [0_u64, 0, 0, 9];
    assert_eq!(cu!(cuGraphInstantiateWithParams, &mut exec, graph, &mut params), INVALID_VALUE);
    assert_eq!(params[3] as u32, 2, "invalid structure");
    assert!([a as u64, b as u64].contains(&params[2]));
}

#[test]
fn nodes_run_after_those_they_depend_on_whatever_the_order_of_adding() {
    let _turn = alone();
    let (graph, device) = (get!(usize, cuGraphCreate, 0), device_word());
    let last = add_fill(graph, &[], device, 3);
    let middle = add_fill(graph, &[], device, 2);
    let first = add_fill(graph, &[], device, 1);
    let (from, to) = ([first, middle], [middle, last]);
    ok!(cuGraphAddDependencies, graph, from.as_ptr(), to.as_ptr(), 2);
    let exec = instantiate(graph);
    run(exec);
    assert_eq!(word(device), 3);
    ok!(cuGraphDestroy, graph);
    ok!(cuMemsetD32_v2, device, 0, 1);
    run(exec);
    assert_eq!(word(device), 3, "it does not need the graph any more");
}

#[test]
fn a_clone_is_independent_and_knows_its_origin() {
    let _turn = alone();
    let (graph, device) = (get!(usize, cuGraphCreate, 0), device_word());
    let node = add_fill(graph, &[], device, 1);
    let copy = get!(usize, cuGraphClone, graph);
    let mut twin = 0_usize;
    ok!(cuGraphNodeFindInClone, &mut twin, node, copy);
    assert_ne!(twin, node);
    ok!(cuGraphMemsetNodeSetParams, twin, &mut fill_params(device, 7, 1));
    run(instantiate(graph));
    assert_eq!(word(device), 1);
    run(instantiate(copy));
    assert_eq!(word(device), 7);
    assert_eq!(cu!(cuGraphNodeFindInClone, &mut twin, node, graph), INVALID_VALUE);
}

#[test]
fn a_child_graph_is_copied_into_its_node() {
    let _turn = alone();
    let (inner, outer, device) =
        (get!(usize, cuGraphCreate, 0), get!(usize, cuGraphCreate, 0), device_word());
    add_fill(inner, &[], device, 5);
    let (mut node, mut embedded) = (0_usize, 0_usize);
    ok!(cuGraphAddChildGraphNode, &mut node, outer, 0, 0, inner);
    ok!(cuGraphDestroy, inner);
    ok!(cuGraphChildGraphNodeGetGraph, node, &mut embedded);
    assert_eq!(cu!(cuGraphDestroy, embedded), INVALID_VALUE, "its node owns it");
    run(instantiate(outer));
    assert_eq!(word(device), 5);
}

static CALLS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(data: *mut c_void) {
    CALLS.fetch_add(data as usize, Ordering::Relaxed);
}

#[test]
fn host_nodes_call_the_program() {
    let _turn = alone();
    let graph = get!(usize, cuGraphCreate, 0);
    let mut node = 0_usize;
    ok!(cuGraphAddHostNode, &mut node, graph, 0, 0, &mut [count as *const () as usize, 3]);
    let exec = instantiate(graph);
    CALLS.store(0, Ordering::Relaxed);
    run(exec);
    run(exec);
    assert_eq!(CALLS.load(Ordering::Relaxed), 6);
}

#[test]
fn launches_of_one_graph_follow_each_other() {
    let _turn = alone();
    let (graph, gate, mark) = (get!(usize, cuGraphCreate, 0), Gate::new(), event(2));
    let (one, two) = (stream(NON_BLOCKING), stream(NON_BLOCKING));
    gate.hold(one);
    ok!(cuEventRecord, mark, one);
    add_empty(graph, &[]);
    let exec = instantiate(graph);
    ok!(cuGraphLaunch, exec, one);
    ok!(cuGraphLaunch, exec, two);
    assert_eq!(query(two), 600);
    ok!(cuGraphExecDestroy, exec);
    gate.open();
    synchronize(two);
}

static DESTROYED: AtomicU32 = AtomicU32::new(0);

extern "C" fn destroyed(_: *mut c_void) {
    DESTROYED.fetch_add(1, Ordering::Release);
}

#[test]
fn a_user_object_lives_as_long_as_someone_needs_it() {
    const NO_SYNC: u32 = 1;
    const MOVE: u32 = 1;
    let _turn = alone();
    DESTROYED.store(0, Ordering::Release);
    let object = get!(usize, cuUserObjectCreate, 0, destroyed as *const (), 1, NO_SYNC);
    let graph = get!(usize, cuGraphCreate, 0);
    ok!(cuGraphRetainUserObject, graph, object, 1, MOVE);
    let copy = get!(usize, cuGraphClone, graph);
    let exec = instantiate(graph);
    ok!(cuGraphDestroy, graph);
    ok!(cuGraphDestroy, copy);
    ok!(cuUserObjectRetain, object, 1);
    ok!(cuGraphExecDestroy, exec);
    assert_eq!(DESTROYED.load(Ordering::Acquire), 0);
    ok!(cuUserObjectRelease, object, 1);
    while DESTROYED.load(Ordering::Acquire) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(cu!(cuUserObjectRetain, object, 1), INVALID_VALUE);
}

#[test]
fn a_graph_can_be_drawn() {
    let _turn = alone();
    let (graph, code) = (get!(usize, cuGraphCreate, 0), code());
    let first = add_empty(graph, &[]);
    add_kernel(graph, &[first], code.nothing);
    let path = env::temp_dir().join(format!("cuota-sim-graph-{}.dot", process::id()));
    let text = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    ok!(cuGraphDebugDotPrint, graph, text.as_c_str(), 0);
    let drawn = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    assert!(
        drawn.starts_with("digraph") && drawn.contains("nothing") && drawn.contains("->"),
        "{drawn}"
    );
}
