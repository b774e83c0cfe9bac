use crate::driver::*;
use crate::graphs::*;
use std::sync::atomic::{AtomicBool, Ordering};

const INVALID_VALUE: u32 = 1;

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
fn an_upload_takes_all_that_a_launch_would() {
    let _turn = alone();
    const BYTES: usize = 2 << 20;
    ok!(cuDeviceGraphMemTrim, 0);
    let before = graph_memory(RESERVED);
    let graph = get!(usize, cuGraphCreate, 0);
    let (mut last, mut params) = (0_usize, alloc_params(BYTES));
    for _ in 0..2 {
        let after = [last];
        let count = usize::from(last != 0);
        let mut made = 0_usize;
        ok!(cuGraphAddMemAllocNode, &mut made, graph, after.as_ptr(), count, &mut params);
        ok!(cuGraphAddMemFreeNode, &mut last, graph, &raw const made, 1, params[14] as usize);
    }
    let exec = instantiate(graph);
    let one = stream(NON_BLOCKING);
    ok!(cuGraphUpload, exec, one);
    let uploaded = graph_memory(RESERVED);
    run(exec);
    assert_eq!((uploaded, graph_memory(RESERVED)), (before + 2 * BYTES as u64, uploaded));
    ok!(cuGraphExecDestroy, exec);
    ok!(cuGraphDestroy, graph);
    ok!(cuStreamDestroy_v2, one);
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
fn memory_that_a_stream_is_about_to_free_is_not_freed_twice() {
    let _turn = alone();
    static GATE: AtomicBool = AtomicBool::new(false);
    extern "C" fn waits(_: usize) {
        while !GATE.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    }
    let graph = get!(usize, cuGraphCreate, 0);
    let mut made = 0_usize;
    let mut params = alloc_params(1 << 20);
    ok!(cuGraphAddMemAllocNode, &mut made, graph, 0, 0, &mut params);
    let exec = instantiate(graph);
    let one = stream(NON_BLOCKING);
    ok!(cuGraphLaunch, exec, one);
    ok!(cuLaunchHostFunc, one, waits as *const (), 0);
    ok!(cuMemFreeAsync, params[14], one);
    let opens = std::thread::spawn(|| GATE.store(true, Ordering::Release));
    assert_eq!(cu!(cuMemFree_v2, params[14]), INVALID_VALUE);
    opens.join().unwrap();
    ok!(cuGraphLaunch, exec, one);
    synchronize(one);
    ok!(cuMemFree_v2, params[14]);
    ok!(cuGraphExecDestroy, exec);
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

#[test]
fn an_executable_graph_keeps_its_allocations_when_the_graph_is_gone() {
    let _turn = alone();
    let one = stream(NON_BLOCKING);
    begin(one, RELAXED);
    let device = get!(usize, cuMemAllocAsync, 4, one);
    let result = device_word();
    ok!(cuMemsetD32Async, device, 9, 1, one);
    ok!(cuMemcpyDtoDAsync_v2, result, device, 4, one);
    ok!(cuMemFreeAsync, device, one);
    let graph = end(one);
    let exec = instantiate(graph);
    ok!(cuGraphDestroy, graph);
    let used = graph_memory(USED);
    for _ in 0..2 {
        ok!(cuMemsetD32_v2, result, 0, 1);
        run(exec);
        assert_eq!((word(result), graph_memory(USED)), (9, used));
    }
    ok!(cuGraphExecDestroy, exec);
}
