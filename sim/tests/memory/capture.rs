//! Memory during captures and in graphs.

use crate::driver::{MIB, alone, cu, free, ok, start};
use cudarc::driver::sys::*;
use std::ptr::null_mut;

const GLOBAL: CUstreamCaptureMode = CUstreamCaptureMode_enum::CU_STREAM_CAPTURE_MODE_GLOBAL;
const RELAXED: CUstreamCaptureMode = CUstreamCaptureMode_enum::CU_STREAM_CAPTURE_MODE_RELAXED;

fn stream() -> CUstream {
    let mut stream = null_mut();
    ok!(cuStreamCreate(&mut stream, 1));
    stream
}

fn ended(stream: CUstream) -> (u32, CUgraph) {
    let mut graph = null_mut();
    (cu!(cuStreamEndCapture(stream, &mut graph)), graph)
}

fn ready(graph: CUgraph) -> CUgraphExec {
    let mut exec = null_mut();
    ok!(cuGraphInstantiateWithFlags(&mut exec, graph, 0));
    exec
}

/// Used, used high, reserved, reserved high: in mebibytes.
fn figures() -> [u64; 4] {
    use CUgraphMem_attribute_enum::*;
    let which = [
        CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT,
        CU_GRAPH_MEM_ATTR_USED_MEM_HIGH,
        CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT,
        CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH,
    ];
    which.map(|attribute| {
        let mut value = 0u64;
        ok!(cuDeviceGetGraphMemAttribute(0, attribute, (&raw mut value).cast()));
        value / MIB as u64
    })
}

#[test]
fn unsafe_calls_invalidate_a_capture() {
    alone("capture::unsafe_calls_invalidate_a_capture", 64 * MIB, || {
        start();
        let (stream, mut address) = (stream(), 0);
        ok!(cuStreamBeginCapture_v2(stream, GLOBAL));
        assert_eq!(cu!(cuMemAlloc_v2(&mut address, 100)), 900);
        assert_eq!(ended(stream).0, 901);
        ok!(cuStreamBeginCapture_v2(stream, RELAXED));
        ok!(cuMemAlloc_v2(&mut address, 100));
        ok!(cuMemFree_v2(address));
        assert_eq!(ended(stream).0, 0);
    });
}

#[test]
fn captured_allocations_take_memory_when_the_graph_runs() {
    const TEST: &str = "capture::captured_allocations_take_memory_when_the_graph_runs";
    alone(TEST, 64 * MIB, || {
        start();
        let (stream, mut address) = (stream(), 0);
        ok!(cuStreamBeginCapture_v2(stream, GLOBAL));
        ok!(cuMemAllocAsync(&mut address, 3 * MIB, stream));
        ok!(cuMemsetD8Async(address, 1, 3 * MIB, stream));
        ok!(cuMemFreeAsync(address, stream));
        let (answer, graph) = ended(stream);
        assert_eq!((answer, free()), (0, 64 * MIB));
        let exec = ready(graph);
        for _ in 0..10 {
            ok!(cuGraphLaunch(exec, stream));
        }
        ok!(cuStreamSynchronize(stream));
        assert_eq!((figures(), free()), ([0, 4, 4, 4], 60 * MIB));
        ok!(cuDeviceGraphMemTrim(0));
        assert_eq!((figures(), free()), ([0, 4, 0, 4], 64 * MIB));
        ok!(cuGraphLaunch(exec, stream));
        ok!(cuStreamSynchronize(stream));
        let mut zero = 0u64;
        let high = CUgraphMem_attribute_enum::CU_GRAPH_MEM_ATTR_USED_MEM_HIGH;
        ok!(cuDeviceSetGraphMemAttribute(0, high, (&raw mut zero).cast()));
        assert_eq!(figures(), [0, 0, 4, 4]);
    });
}

#[test]
fn an_allocation_can_outlive_its_graph_run() {
    alone("capture::an_allocation_can_outlive_its_graph_run", 64 * MIB, || {
        start();
        let (stream, mut address) = (stream(), 0);
        ok!(cuStreamBeginCapture_v2(stream, GLOBAL));
        ok!(cuMemAllocAsync(&mut address, 2 * MIB, stream));
        ok!(cuMemsetD8Async(address, 8, 2 * MIB, stream));
        let exec = ready(ended(stream).1);
        assert_eq!(cu!(cuMemFree_v2(address)), 1);
        ok!(cuGraphLaunch(exec, stream));
        ok!(cuStreamSynchronize(stream));
        let mut byte = 0u8;
        ok!(cuMemcpyDtoH_v2((&raw mut byte).cast(), address, 1));
        assert_eq!((byte, figures()[0]), (8, 2));
        assert_eq!(cu!(cuGraphLaunch(exec, stream)), 1);
        ok!(cuMemFreeAsync(address, stream));
        ok!(cuStreamSynchronize(stream));
        assert_eq!(figures()[0], 0);
        ok!(cuGraphLaunch(exec, stream));
        ok!(cuMemFree_v2(address));
        assert_eq!(figures(), [0, 2, 2, 2]);
    });
}

#[test]
fn a_full_card_refuses_the_launch() {
    alone("capture::a_full_card_refuses_the_launch", 64 * MIB, || {
        start();
        let (stream, mut address, mut all) = (stream(), 0, 0);
        ok!(cuStreamBeginCapture_v2(stream, GLOBAL));
        ok!(cuMemAllocAsync(&mut address, 2 * MIB, stream));
        ok!(cuMemFreeAsync(address, stream));
        let exec = ready(ended(stream).1);
        ok!(cuMemAlloc_v2(&mut all, 64 * MIB));
        assert_eq!(cu!(cuGraphLaunch(exec, stream)), 2);
        ok!(cuMemFree_v2(all));
        ok!(cuGraphLaunch(exec, stream));
    });
}
