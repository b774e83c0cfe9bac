use crate::driver::*;

const UNSUPPORTED: u32 = 900;
const INVALIDATED: u32 = 901;
const MERGE: u32 = 902;
const UNJOINED: u32 = 904;
const ILLEGAL_STATE: u32 = 401;

pub fn nodes(graph: usize) -> usize {
    let mut count = 0_usize;
    ok!(cuGraphGetNodes, graph, 0, &mut count);
    count
}

fn edges(graph: usize) -> usize {
    let mut count = 0_usize;
    ok!(cuGraphGetEdges, graph, 0, 0, &mut count);
    count
}

pub fn alloc() -> u32 {
    let mut device = 0_u64;
    cu!(cuMemAlloc_v2, &mut device, 16)
}

#[test]
fn work_becomes_nodes_and_does_not_run() {
    let _turn = alone();
    let (one, code) = (stream(0), code());
    let device = get!(usize, cuMemAlloc_v2, 4);
    ok!(cuMemsetD32_v2, device, 1, 1);
    begin(one, GLOBAL);
    assert_eq!(capturing(one), 1);
    assert_eq!(launch(code.nothing, one), 0);
    ok!(cuMemsetD32Async, device, 2, 1, one);
    let graph = end(one);
    assert_eq!((capturing(one), nodes(graph), edges(graph)), (0, 2, 1));
    let read = || {
        let mut word = 0_u32;
        ok!(cuMemcpyDtoH_v2, &mut word, device, 4);
        word
    };
    assert_eq!(read(), 1);
    let exec = get!(usize, cuGraphInstantiateWithFlags, graph, 0);
    ok!(cuGraphLaunch, exec, one);
    assert_eq!(read(), 2);
}

#[test]
fn an_invalidated_capture_takes_no_more_work_and_forbids_nothing() {
    let _turn = alone();
    let (one, code) = (stream(NON_BLOCKING), code());
    begin(one, GLOBAL);
    assert_eq!(alloc(), UNSUPPORTED);
    assert_eq!(launch(code.nothing, one), INVALIDATED);
    assert_eq!(alloc(), 0);
    assert_eq!(end_code(one), INVALIDATED);
    assert_eq!(launch(code.nothing, one), 0);
}

#[test]
fn a_capture_spreads_through_events_and_is_joined_again() {
    let _turn = alone();
    let (one, two, code) = (stream(NON_BLOCKING), stream(NON_BLOCKING), code());
    let (fork, join) = (event(2), event(2));
    begin(one, GLOBAL);
    assert_eq!(launch(code.nothing, one), 0);
    ok!(cuEventRecord, fork, one);
    ok!(cuStreamWaitEvent, two, fork, 0);
    assert_eq!(capturing(two), 1);
    assert_eq!(launch(code.nothing, two), 0);
    assert_eq!(launch(code.nothing, one), 0);
    ok!(cuEventRecord, join, two);
    ok!(cuStreamWaitEvent, one, join, 0);
    assert_eq!(launch(code.nothing, one), 0);
    let graph = end(one);
    assert_eq!((nodes(graph), edges(graph), capturing(two)), (4, 4, 0));
    let mut roots = 0_usize;
    ok!(cuGraphGetRootNodes, graph, 0, &mut roots);
    assert_eq!(roots, 1);
    let exec = get!(usize, cuGraphInstantiateWithFlags, graph, 0);
    ok!(cuGraphLaunch, exec, one);
    synchronize(one);
}

#[test]
fn what_is_not_joined_is_no_graph() {
    let _turn = alone();
    let (one, two, code, fork) = (stream(NON_BLOCKING), stream(NON_BLOCKING), code(), event(2));
    begin(one, GLOBAL);
    ok!(cuEventRecord, fork, one);
    ok!(cuStreamWaitEvent, two, fork, 0);
    assert_eq!(launch(code.nothing, two), 0);
    assert_eq!(end_code(one), UNJOINED);
    assert_eq!((capturing(one), capturing(two)), (0, 0));
}

#[test]
fn a_stream_that_only_waited_needs_no_joining() {
    let _turn = alone();
    let (one, two, code, fork) = (stream(NON_BLOCKING), stream(NON_BLOCKING), code(), event(2));
    begin(one, GLOBAL);
    assert_eq!(launch(code.nothing, one), 0);
    ok!(cuEventRecord, fork, one);
    ok!(cuStreamWaitEvent, two, fork, 0);
    assert_eq!(end_code(one), 0);
}

#[test]
fn two_captures_cannot_merge() {
    let _turn = alone();
    let (one, two, mark) = (stream(NON_BLOCKING), stream(NON_BLOCKING), event(2));
    begin(one, RELAXED);
    begin(two, RELAXED);
    ok!(cuEventRecord, mark, one);
    assert_eq!(cu!(cuStreamWaitEvent, two, mark, 0), MERGE);
    assert_eq!((end_code(one), end_code(two)), (INVALIDATED, INVALIDATED));
}

#[test]
fn dependencies_can_be_seen_and_changed() {
    let _turn = alone();
    let (one, code) = (stream(NON_BLOCKING), code());
    begin(one, RELAXED);
    assert_eq!(launch(code.nothing, one), 0);
    let info = || {
        let (mut status, mut id, mut graph, mut nodes, mut count) =
            (0_u32, 0_u64, 0_usize, 0_usize, 0_usize);
        ok!(
            cuStreamGetCaptureInfo_v2,
            one,
            &mut status,
            &mut id,
            &mut graph,
            &mut nodes,
            &mut count
        );
        assert_eq!(status, 1);
        // SAFETY: the driver's array, as long as it says, until the stream is used again.
        let nodes = unsafe { std::slice::from_raw_parts(nodes as *const usize, count) }.to_vec();
        (id, graph, nodes)
    };
    let (id, graph, first) = info();
    assert_eq!(first.len(), 1);
    // A node of the program's own, put in between.
    let mut mine = 0_usize;
    ok!(cuGraphAddEmptyNode, &mut mine, graph, first.as_ptr(), 1);
    let mut nodes_to_wait_for = [mine];
    ok!(cuStreamUpdateCaptureDependencies, one, &mut nodes_to_wait_for, 1, 1);
    assert_eq!(info(), (id, graph, vec![mine]));
    assert_eq!(launch(code.nothing, one), 0);
    assert_eq!(cu!(cuGraphDestroy, graph), 1, "it is being captured into");
    let mut exec = 0_usize;
    assert_eq!(cu!(cuGraphInstantiateWithFlags, &mut exec, graph, 0), 1);
    assert_eq!(end(one), graph);
    assert_eq!((nodes(graph), edges(graph)), (3, 2));
    assert_eq!(
        cu!(cuStreamUpdateCaptureDependencies, one, &mut nodes_to_wait_for, 1, 1),
        ILLEGAL_STATE
    );
}

#[test]
fn a_given_graph_is_captured_into_and_survives() {
    let _turn = alone();
    let (one, code) = (stream(NON_BLOCKING), code());
    let graph = get!(usize, cuGraphCreate, 0);
    let mut root = 0_usize;
    ok!(cuGraphAddEmptyNode, &mut root, graph, 0, 0);
    let roots = [root];
    ok!(cuStreamBeginCaptureToGraph, one, graph, roots.as_ptr(), 0, 1, GLOBAL);
    assert_eq!(launch(code.nothing, one), 0);
    assert_eq!(end(one), graph);
    assert_eq!((nodes(graph), edges(graph)), (2, 1));
    ok!(cuStreamBeginCaptureToGraph, one, graph, 0, 0, 0, GLOBAL);
    assert_eq!(alloc(), UNSUPPORTED);
    assert_eq!(end_code(one), INVALIDATED);
    assert_eq!(nodes(graph), 2);
    ok!(cuGraphDestroy, graph);
}

#[test]
fn an_executable_graph_can_be_captured() {
    let _turn = alone();
    let (one, code) = (stream(NON_BLOCKING), code());
    begin(one, RELAXED);
    assert_eq!(launch(code.nothing, one), 0);
    let inner = end(one);
    let exec = get!(usize, cuGraphInstantiateWithFlags, inner, 0);
    begin(one, RELAXED);
    ok!(cuGraphLaunch, exec, one);
    let outer = end(one);
    let mut node = 0_usize;
    let mut count = 1_usize;
    ok!(cuGraphGetNodes, outer, &mut node, &mut count);
    let mut kind = 0_u32;
    ok!(cuGraphNodeGetType, node, &mut kind);
    assert_eq!((count, kind), (1, 4));
}

#[test]
fn a_stream_destroyed_or_a_context_lost_ends_its_captures() {
    let turn = alone();
    let (one, two) = (stream(NON_BLOCKING), stream(NON_BLOCKING));
    let mark = event(2);
    begin(one, GLOBAL);
    ok!(cuEventRecord, mark, one);
    ok!(cuStreamWaitEvent, two, mark, 0);
    ok!(cuStreamDestroy_v2, one);
    assert_eq!(capturing(two), 0);
    assert_eq!(alloc(), 0);
    let mut own = 0_usize;
    ok!(cuCtxCreate_v2, &mut own, 0, 0);
    begin(stream(NON_BLOCKING), GLOBAL);
    ok!(cuCtxDestroy_v2, own);
    ok!(cuCtxSetCurrent, turn.ctx);
    assert_eq!(alloc(), 0);
}
