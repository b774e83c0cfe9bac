use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::{env, fs, process};

use crate::driver::*;

const INVALID_VALUE: u32 = 1;
const UPDATE_FAILED: u32 = 910;

/// `CUDA_KERNEL_NODE_PARAMS`
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct KernelParams {
    function: usize,
    grid: [u32; 3],
    block: [u32; 3],
    shared: u32,
    params: usize,
    extra: usize,
    kernel: usize,
    ctx: usize,
}

fn kernel_params(function: usize) -> KernelParams {
    KernelParams { function, grid: [1; 3], block: [1; 3], ..KernelParams::default() }
}

fn add_kernel(graph: usize, after: &[usize], function: usize) -> usize {
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

fn add_empty(graph: usize, after: &[usize]) -> usize {
    let mut node = 0;
    ok!(cuGraphAddEmptyNode, &mut node, graph, after.as_ptr(), after.len());
    node
}

/// dst, pitch, value and element size, width, height.
fn fill_params(device: usize, value: u32, width: usize) -> [u64; 5] {
    [device as u64, 0, 4 << 32 | u64::from(value), width as u64, 1]
}

fn add_fill(graph: usize, after: &[usize], device: usize, value: u32) -> usize {
    let mut node = 0;
    let mut params = fill_params(device, value, 1);
    ok!(cuGraphAddMemsetNode, &mut node, graph, after.as_ptr(), after.len(), &mut params, 0);
    node
}

fn instantiate(graph: usize) -> usize {
    get!(usize, cuGraphInstantiateWithFlags, graph, 0)
}

fn run(exec: usize) {
    let one = stream(NON_BLOCKING);
    ok!(cuGraphLaunch, exec, one);
    synchronize(one);
}

fn word(device: usize) -> u32 {
    let mut word = 0_u32;
    ok!(cuMemcpyDtoH_v2, &mut word, device, 4);
    word
}

fn device_word() -> usize {
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

#[test]
fn an_executable_graph_is_changed_node_by_node() {
    let _turn = alone();
    let (graph, device, code) = (get!(usize, cuGraphCreate, 0), device_word(), code());
    let fill = add_fill(graph, &[], device, 1);
    let kernel = add_kernel(graph, &[fill], code.nothing);
    let exec = instantiate(graph);
    ok!(cuGraphExecMemsetNodeSetParams, exec, fill, &mut fill_params(device, 9, 1), 0);
    run(exec);
    assert_eq!(word(device), 9);
    ok!(cuGraphNodeSetEnabled, exec, fill, 0);
    let mut enabled = 1_u32;
    ok!(cuGraphNodeGetEnabled, exec, fill, &mut enabled);
    assert_eq!(enabled, 0);
    ok!(cuMemsetD32_v2, device, 0, 1);
    run(exec);
    assert_eq!(word(device), 0);
    ok!(
        cuGraphExecKernelNodeSetParams_v2,
        exec,
        kernel,
        &mut kernel_params(function(code.module, c"small"))
    );
    assert_eq!(
        cu!(cuGraphExecMemsetNodeSetParams, exec, kernel, &mut fill_params(device, 9, 1), 0),
        INVALID_VALUE,
        "a node keeps its kind"
    );
}

#[test]
fn kernel_arguments_are_copied_with_the_node() {
    let _turn = alone();
    let (graph, code) = (get!(usize, cuGraphCreate, 0), code());
    let (mut pointer, mut factor, mut count) = (0x1234_5678_u64, 2.5_f32, 7_u32);
    let mut arguments =
        [&raw mut pointer as usize, &raw mut factor as usize, &raw mut count as usize];
    let mut params =
        KernelParams { params: arguments.as_mut_ptr() as usize, ..kernel_params(code.scale) };
    let mut node = 0_usize;
    ok!(cuGraphAddKernelNode_v2, &mut node, graph, 0, 0, &mut params);
    (pointer, factor, count) = (0, 0.0, 0);
    let mut answer = KernelParams::default();
    ok!(cuGraphKernelNodeGetParams_v2, node, &mut answer);
    // SAFETY: the driver's copies, of the sizes the kernel declares.
    let copied = unsafe {
        let copies = std::slice::from_raw_parts(answer.params as *const usize, 3);
        (*(copies[0] as *const u64), *(copies[1] as *const f32), *(copies[2] as *const u32))
    };
    assert_eq!(copied, (0x1234_5678, 2.5, 7));
    assert_eq!(
        (answer.function, answer.grid, pointer, factor, count),
        (code.scale, [1; 3], 0, 0.0, 0)
    );
}

#[test]
fn update_takes_graphs_of_the_same_shape_only() {
    let _turn = alone();
    let (device, code) = (device_word(), code());
    let make = |value: u32, chained: bool, kernel: bool| {
        let graph = get!(usize, cuGraphCreate, 0);
        let fill = add_fill(graph, &[], device, value);
        let after = if chained { vec![fill] } else { vec![] };
        if kernel {
            add_kernel(graph, &after, code.nothing);
        } else {
            add_empty(graph, &after);
        }
        graph
    };
    let exec = instantiate(make(1, true, true));
    let update = |graph: usize| {
        // result, node, other node
        let mut info = [9_u64, 0, 0];
        let answer = cu!(cuGraphExecUpdate_v2, exec, graph, &mut info);
        (answer, info[0] as u32)
    };
    assert_eq!(update(make(8, true, true)), (0, 0));
    run(exec);
    assert_eq!(word(device), 8);
    assert_eq!(update(make(8, false, true)), (UPDATE_FAILED, 2), "topology");
    assert_eq!(update(make(8, true, false)), (UPDATE_FAILED, 3), "node type");
    let longer = make(8, true, true);
    add_empty(longer, &[]);
    assert_eq!(update(longer), (UPDATE_FAILED, 2));
    run(exec);
    assert_eq!(word(device), 8, "a refused update changes nothing");
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

/// `CUDA_MEM_ALLOC_NODE_PARAMS`: pinned device memory on device 0.
fn alloc_params(bytes: usize) -> [u64; 15] {
    let mut params = [0; 15];
    (params[0], params[1], params[13]) = (1, 1, bytes as u64);
    params
}

fn graph_memory(attribute: u32) -> u64 {
    let mut value = 0_u64;
    ok!(cuDeviceGetGraphMemAttribute, 0, attribute, &mut value);
    value
}

const USED: u32 = 0;
const RESERVED: u32 = 2;

#[test]
fn memory_nodes_take_memory_when_the_graph_runs() {
    let _turn = alone();
    const BYTES: usize = 4 << 20;
    let graph = get!(usize, cuGraphCreate, 0);
    let (mut made, mut freed) = (0_usize, 0_usize);
    let mut params = alloc_params(BYTES);
    ok!(cuDeviceGraphMemTrim, 0);
    let before = (graph_memory(USED), graph_memory(RESERVED));
    ok!(cuGraphAddMemAllocNode, &mut made, graph, 0, 0, &mut params);
    let address = params[14] as usize;
    assert_ne!(address, 0);
    let fill = add_fill(graph, &[made], address, 6);
    let after = [fill];
    ok!(cuGraphAddMemFreeNode, &mut freed, graph, after.as_ptr(), 1, address);
    assert_eq!(graph_memory(RESERVED), before.1, "an address costs nothing");
    let exec = instantiate(graph);
    let mut second = 0_usize;
    assert_eq!(
        cu!(cuGraphInstantiateWithFlags, &mut second, graph, 0),
        INVALID_VALUE,
        "one at a time"
    );
    assert_eq!(cu!(cuGraphClone, &mut second, graph), INVALID_VALUE);
    assert_eq!(cu!(cuGraphDestroyNode, fill), INVALID_VALUE);
    run(exec);
    assert_eq!((graph_memory(USED), graph_memory(RESERVED)), (before.0, before.1 + BYTES as u64));
    run(exec);
    ok!(cuDeviceGraphMemTrim, 0);
    assert_eq!(graph_memory(RESERVED), before.1);
    ok!(cuGraphExecDestroy, exec);
    let exec = instantiate(graph);
    run(exec);
    ok!(cuGraphExecDestroy, exec);
    ok!(cuGraphDestroy, graph);
}

#[test]
fn memory_left_by_a_graph_must_be_freed_before_it_runs_again() {
    let _turn = alone();
    let graph = get!(usize, cuGraphCreate, 0);
    let mut made = 0_usize;
    let mut params = alloc_params(1 << 20);
    ok!(cuGraphAddMemAllocNode, &mut made, graph, 0, 0, &mut params);
    let exec = instantiate(graph);
    let one = stream(NON_BLOCKING);
    ok!(cuGraphLaunch, exec, one);
    synchronize(one);
    ok!(cuMemsetD8_v2, params[14], 1, 1 << 20);
    assert_eq!(cu!(cuGraphLaunch, exec, one), INVALID_VALUE);
    ok!(cuMemFreeAsync, params[14], one);
    ok!(cuGraphLaunch, exec, one);
    synchronize(one);
    ok!(cuMemFree_v2, params[14]);
    ok!(cuGraphExecDestroy, exec);
    const AUTO_FREE: u64 = 1;
    let exec = get!(usize, cuGraphInstantiateWithFlags, graph, AUTO_FREE);
    ok!(cuGraphLaunch, exec, one);
    ok!(cuGraphLaunch, exec, one);
    synchronize(one);
}

#[test]
fn a_captured_allocation_is_a_node() {
    let _turn = alone();
    let one = stream(NON_BLOCKING);
    begin(one, RELAXED);
    let device = get!(usize, cuMemAllocAsync, 1 << 20, one);
    ok!(cuMemsetD8Async, device, 1, 1 << 20, one);
    ok!(cuMemFreeAsync, device, one);
    let graph = end(one);
    let mut nodes = [0_usize; 3];
    let mut count = 3_usize;
    ok!(cuGraphGetNodes, graph, &mut nodes, &mut count);
    let kinds = nodes.map(|node| {
        let mut kind = 0_u32;
        ok!(cuGraphNodeGetType, node, &mut kind);
        kind
    });
    assert_eq!(kinds, [10, 2, 11]);
    run(instantiate(graph));
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

/// `CUgraphNodeParams` of one kind.
fn generic(kind: u64, body: &[u64]) -> [u64; 32] {
    let mut params = [0; 32];
    params[0] = kind;
    params[2..2 + body.len()].copy_from_slice(body);
    params
}

#[test]
fn nodes_can_be_added_by_one_call_for_all_kinds() {
    let _turn = alone();
    let (graph, device) = (get!(usize, cuGraphCreate, 0), device_word());
    let mut node = 0_usize;
    let mut fill = generic(2, &fill_params(device, 4, 1));
    ok!(cuGraphAddNode_v2, &mut node, graph, 0, 0, 0, &mut fill);
    let mut answer = [0_u64; 32];
    ok!(cuGraphNodeGetParams, node, &mut answer);
    assert_eq!(answer[..7], fill[..7]);
    let exec = instantiate(graph);
    run(exec);
    assert_eq!(word(device), 4);
    ok!(cuGraphExecNodeSetParams, exec, node, &mut generic(2, &fill_params(device, 5, 1)));
    run(exec);
    assert_eq!(word(device), 5);
    assert_eq!(
        cu!(cuGraphAddNode_v2, &mut node, graph, 0, 0, 0, &mut generic(77, &[])),
        INVALID_VALUE
    );
}

#[test]
fn a_condition_decides_whether_a_body_runs() {
    let _turn = alone();
    for (default, expected) in [(1_u32, 7), (0, 0)] {
        let (graph, device) = (get!(usize, cuGraphCreate, 0), device_word());
        let condition = get!(u64, cuGraphConditionalHandleCreate, graph, 0, default, 1);
        let mut node = 0_usize;
        // handle; kind "if" and one body; where the bodies are told; context
        let mut params = generic(13, &[condition, 1 << 32, 0, 0]);
        ok!(cuGraphAddNode_v2, &mut node, graph, 0, 0, 0, &mut params);
        // SAFETY: the driver's array of one body.
        let body = unsafe { *(params[4] as *const usize) };
        add_fill(body, &[], device, 7);
        run(instantiate(graph));
        assert_eq!(word(device), expected);
    }
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
