use crate::common::{Folder, passes};
use crate::driver::*;

const INVALID_VALUE: u32 = 1;
const INVALID_HANDLE: u32 = 400;
const ILLEGAL_ADDRESS: u32 = 700;
const OUT_OF_RESOURCES: u32 = 701;
const TOO_LARGE: u32 = 720;

fn shaped(function: usize, grid: [u32; 3], block: [u32; 3], shared: u32) -> u32 {
    cu!(
        cuLaunchKernel,
        function,
        grid[0],
        grid[1],
        grid[2],
        block[0],
        block[1],
        block[2],
        shared,
        0,
        0,
        0
    )
}

#[test]
fn a_launch_keeps_within_the_limits() {
    let _turn = alone();
    let code = code();
    let small = function(code.module, c"small");
    for (function, grid, block, shared, expected) in [
        (code.nothing, [i32::MAX as u32, 65535, 1], [1, 1, 1], 0, 0),
        (code.nothing, [1, 1, 65536], [1, 1, 1], 0, INVALID_VALUE),
        (code.nothing, [1 << 31, 1, 1], [1, 1, 1], 0, INVALID_VALUE),
        (code.nothing, [1, 1, 1], [1024, 1, 1], 0, 0),
        (code.nothing, [1, 1, 1], [1025, 1, 1], 0, INVALID_VALUE),
        (code.nothing, [1, 1, 1], [1, 1, 65], 0, INVALID_VALUE),
        (code.nothing, [1, 1, 1], [512, 2, 2], 0, INVALID_VALUE),
        (code.nothing, [0, 1, 1], [1, 1, 1], 0, INVALID_VALUE),
        (code.nothing, [1, 1, 1], [1, 0, 1], 0, INVALID_VALUE),
        (code.nothing, [1, 1, 1], [1, 1, 1], 48 << 10, 0),
        (code.nothing, [1, 1, 1], [1, 1, 1], (48 << 10) + 1, INVALID_VALUE),
        (small, [1, 1, 1], [64, 1, 1], 0, 0),
        (small, [1, 1, 1], [65, 1, 1], 0, OUT_OF_RESOURCES),
    ] {
        assert_eq!(shaped(function, grid, block, shared), expected, "{grid:?} {block:?} {shared}");
    }
}

#[test]
fn more_shared_memory_has_to_be_asked_for() {
    const MAX_DYNAMIC_SHARED: u32 = 8;
    let _turn = alone();
    let code = code();
    assert_eq!(shaped(code.nothing, [1; 3], [1; 3], 100 << 10), INVALID_VALUE);
    ok!(cuFuncSetAttribute, code.nothing, MAX_DYNAMIC_SHARED, 227 << 10);
    assert_eq!(shaped(code.nothing, [1; 3], [1; 3], 227 << 10), 0);
    assert_eq!(
        cu!(cuFuncSetAttribute, code.nothing, MAX_DYNAMIC_SHARED, (227 << 10) + 1),
        INVALID_VALUE
    );
}

#[test]
fn arguments_come_in_one_of_two_ways() {
    let _turn = alone();
    let code = code();
    let (mut pointer, mut factor, mut count) = (0_u64, 1.0_f32, 4_u32);
    let mut arguments =
        [&raw mut pointer as usize, &raw mut factor as usize, &raw mut count as usize];
    let (mut buffer, mut size) = ([0_u8; 16], 16_usize);
    let mut packed = [1, buffer.as_mut_ptr() as usize, 2, &raw mut size as usize, 0];
    let start = |params: usize, extra: usize| {
        cu!(cuLaunchKernel, code.scale, 1, 1, 1, 1, 1, 1, 0, 0, params, extra)
    };
    let (params, extra) = (arguments.as_mut_ptr() as usize, packed.as_mut_ptr() as usize);
    assert_eq!(start(params, 0), 0);
    assert_eq!(start(0, extra), 0);
    assert_eq!(start(params, extra), INVALID_VALUE);
    assert_eq!(start(0, 0), INVALID_VALUE);
    size = 12;
    assert_eq!(start(0, extra), INVALID_VALUE, "too few bytes");
    assert_eq!(size, 12);
}

#[test]
fn a_stream_of_another_context_is_refused() {
    let turn = alone();
    let code = code();
    let mut other = 0_usize;
    ok!(cuCtxCreate_v2, &mut other, 0, 0);
    let theirs = stream(0);
    ok!(cuCtxSetCurrent, turn.ctx);
    assert_eq!(launch(code.nothing, theirs), INVALID_HANDLE);
    ok!(cuCtxDestroy_v2, other);
}

/// `CUlaunchConfig`
#[repr(C)]
struct Config {
    grid: [u32; 3],
    block: [u32; 3],
    shared: u32,
    stream: usize,
    attributes: usize,
    count: u32,
}

#[test]
fn attributes_of_a_launch_are_looked_at() {
    let _turn = alone();
    let code = code();
    let launch = |function: usize, grid: u32, attributes: &[[u32; 18]]| {
        let mut config = Config {
            grid: [grid, 1, 1],
            block: [32, 1, 1],
            shared: 0,
            stream: 0,
            attributes: attributes.as_ptr() as usize,
            count: attributes.len() as u32,
        };
        cu!(cuLaunchKernelEx, &mut config, function, 0, 0)
    };
    let attribute = |id: u32, values: [u32; 3]| {
        let mut attribute = [0; 18];
        attribute[0] = id;
        attribute[2..5].copy_from_slice(&values);
        attribute
    };
    const COOPERATIVE: u32 = 2;
    const CLUSTER: u32 = 4;
    const COMPLETION_EVENT: u32 = 12;
    assert_eq!(launch(code.nothing, 4, &[]), 0);
    assert_eq!(launch(code.nothing, 4, &[attribute(CLUSTER, [2, 1, 1])]), 0);
    assert_eq!(launch(code.nothing, 5, &[attribute(CLUSTER, [2, 1, 1])]), 912);
    assert_eq!(launch(code.nothing, 32, &[attribute(CLUSTER, [16, 1, 1])]), 912);
    assert_eq!(launch(code.nothing, 1 << 20, &[attribute(COOPERATIVE, [1, 0, 0])]), TOO_LARGE);
    assert_eq!(launch(code.nothing, 1, &[attribute(99, [0; 3])]), INVALID_VALUE);
    let pairs = function(code.module, c"pairs");
    assert_eq!((launch(pairs, 4, &[]), launch(pairs, 3, &[])), (0, 912));
    let mark = event(0);
    let words = [mark as u32, (mark >> 32) as u32, 0];
    assert_eq!(launch(code.nothing, 1, &[attribute(COMPLETION_EVENT, words)]), 0);
    ok!(cuEventSynchronize, mark);
    let mut time = 0.0_f32;
    ok!(cuEventElapsedTime, &mut time as *mut f32, mark, mark);
}

#[test]
fn a_cooperative_launch_must_fit_on_the_device() {
    let _turn = alone();
    let code = code();
    let mut per_sm = 0_u32;
    ok!(cuOccupancyMaxActiveBlocksPerMultiprocessor, &mut per_sm, code.nothing, 1024, 0);
    let mut sms = 0_u32;
    ok!(cuDeviceGetAttribute, &mut sms, 16, 0);
    let launch = |blocks: u32| {
        cu!(cuLaunchCooperativeKernel, code.nothing, blocks, 1, 1, 1024, 1, 1, 0, 0, 0)
    };
    assert_eq!((launch(per_sm * sms), launch(per_sm * sms + 1)), (0, TOO_LARGE));
}

#[test]
fn occupancy_follows_from_what_a_block_needs() {
    let _turn = alone();
    let code = code();
    let blocks = |function: usize, threads: u32, shared: usize| {
        let mut blocks = 0_u32;
        ok!(cuOccupancyMaxActiveBlocksPerMultiprocessor, &mut blocks, function, threads, shared);
        blocks
    };
    // 2048 threads, 64 Ki registers at 32 each, 32 blocks, 228 KiB of which each block costs 1 more.
    assert_eq!(
        (blocks(code.nothing, 1024, 0), blocks(code.nothing, 256, 0), blocks(code.nothing, 32, 0)),
        (2, 8, 32)
    );
    assert_eq!(blocks(code.nothing, 32, 47 << 10), 4);
    assert_eq!(blocks(code.scale, 32, 0), 32);
    assert_eq!(blocks(code.nothing, 1025, 0), 0);
    let (mut grid, mut block) = (0_u32, 0_u32);
    ok!(cuOccupancyMaxPotentialBlockSize, &mut grid, &mut block, code.nothing, 0, 0, 0);
    assert_eq!((grid, block), (2 * 132, 1024));
    ok!(cuOccupancyMaxPotentialBlockSize, &mut grid, &mut block, code.nothing, 0, 0, 100);
    assert_eq!((grid * block) % 32, 0);
    let mut shared = 0_usize;
    ok!(cuOccupancyAvailableDynamicSMemPerBlock, &mut shared, code.nothing, 2, 256);
    assert_eq!(shared, (228 / 2 - 1) << 10);
}

#[test]
fn kernels_of_the_oldest_kind_can_be_launched() {
    let _turn = alone();
    let code = code();
    ok!(cuFuncSetBlockShape, code.scale, 32, 1, 1);
    ok!(cuParamSeti, code.scale, 12, 7);
    ok!(cuParamSetSize, code.scale, 16);
    ok!(cuLaunchGrid, code.scale, 2, 2);
    ok!(cuLaunch, code.scale);
    ok!(cuParamSetSize, code.scale, 8);
    assert_eq!(cu!(cuLaunch, code.scale), INVALID_VALUE, "the kernel takes 16 bytes");
    assert_eq!(cu!(cuFuncSetBlockShape, code.scale, 0, 1, 1), INVALID_VALUE);
    assert_eq!(cu!(cuParamSeti, code.scale, 5000, 1), INVALID_VALUE);
}

/// The second launch faults; the context is lost, a new one is not.
#[test]
fn a_fault_stays_with_its_context() {
    passes("launches::a_kernel_that_faults", &[("CUOTA_SIM_FAULT", "cuLaunchKernel:2=fault")]);
}

#[test]
#[ignore = "run by a_fault_stays_with_its_context"]
fn a_kernel_that_faults() {
    let turn = alone();
    let (code, one, mark) = (code(), stream(0), event(0));
    assert_eq!(launch(code.nothing, one), 0);
    assert_eq!(launch(code.nothing, one), 0, "the launch itself goes well");
    assert_eq!(launch(code.nothing, one), ILLEGAL_ADDRESS);
    let mut place = 0_usize;
    for answer in [
        cu!(cuStreamSynchronize, one),
        cu!(cuCtxSynchronize),
        cu!(cuEventRecord, mark, one),
        cu!(cuEventSynchronize, mark),
        cu!(cuMemAlloc_v2, &mut place, 4),
        cu!(cuStreamCreate, &mut place, 0),
    ] {
        assert_eq!(answer, ILLEGAL_ADDRESS);
    }
    let mut fresh = 0_usize;
    ok!(cuCtxCreate_v2, &mut fresh, 0, 0);
    assert_eq!(launch(crate::driver::code().nothing, 0), 0);
    ok!(cuCtxDestroy_v2, fresh);
    ok!(cuCtxSetCurrent, turn.ctx);
}

/// What the machine's own account says of launches, out of the program's sight.
#[test]
fn every_call_is_counted_outside() {
    let machine = Folder::new();
    passes("launches::three_launches", &[("CUOTA_SIM", machine.text())]);
    let names = std::fs::read_to_string(machine.0.join("names")).unwrap();
    let counts = std::fs::read(machine.0.join("calls")).unwrap();
    let index = names.lines().position(|name| name == "cuLaunchKernel").unwrap();
    assert_eq!(counts[index * 8..][..8], 3_u64.to_le_bytes());
}

#[test]
#[ignore = "run by every_call_is_counted_outside"]
fn three_launches() {
    let _turn = alone();
    let code = code();
    (0..3).for_each(|_| assert_eq!(launch(code.nothing, 0), 0));
}
