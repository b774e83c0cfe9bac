use crate::driver::*;
use crate::rows;

fn create(flags: u32) -> u32 {
    let mut stream = 0_usize;
    cu!(cuStreamCreate, &mut stream, flags)
}

fn destroyed() -> usize {
    let gone = stream(0);
    ok!(cuStreamDestroy_v2, gone);
    gone
}

extern "C" fn nothing(_: *mut u8) {}

extern "C" fn callback(_: usize, _: u32, _: *mut u8) {}

/// Writes of a word, as a batch.
fn batch(stream: usize, count: usize) -> u32 {
    let device = get!(u64, cuMemAlloc_v2, 4);
    let mut ops = vec![[2_u64, device, 1, 0, 0, 0]; count];
    cu!(cuStreamBatchMemOp_v2, stream, count, ops.as_mut_ptr(), 0)
}

fn in_other_context(use_stream: impl FnOnce(usize) -> u32) -> u32 {
    let mut other = 0_usize;
    ok!(cuCtxCreate_v2, &mut other, 0, 0);
    let theirs = stream(0);
    ok!(cuCtxPopCurrent_v2, 0);
    let answer = use_stream(theirs);
    ok!(cuCtxDestroy_v2, other);
    answer
}

rows! { "streams":
    cuStreamCreate, "flags that do not exist" => 1, |_| create(1), |_| create(2);
    cuStreamDestroy_v2, "a default stream" => 400, |_| cu!(cuStreamDestroy_v2, stream(0)), |_| cu!(cuStreamDestroy_v2, 0);
    cuStreamDestroy_v2, "twice" => 400, |_| cu!(cuStreamDestroy_v2, stream(0)), |_| cu!(cuStreamDestroy_v2, destroyed());
    cuStreamQuery, "a destroyed stream" => 400, |world| query(world.stream), |_| query(destroyed());
    cuStreamQuery, "work that is not done" => 600, |world| query(world.stream), |world| {
        let gate = Gate::new();
        gate.hold(world.stream);
        let answer = query(world.stream);
        gate.open();
        synchronize(world.stream);
        answer
    };
    cuStreamSynchronize, "an event for a stream" => 400,
        |world| cu!(cuStreamSynchronize, world.stream), |_| cu!(cuStreamSynchronize, event(0));
    cuStreamWaitEvent, "a stream for an event" => 400,
        |world| cu!(cuStreamWaitEvent, world.stream, event(0), 0),
        |world| cu!(cuStreamWaitEvent, world.stream, world.stream, 0);
    cuStreamWaitValue32_v2, "an address that is not aligned" => 1,
        |world| cu!(cuStreamWaitValue32_v2, world.stream, get!(usize, cuMemAlloc_v2, 8), 0, 0),
        |world| cu!(cuStreamWaitValue32_v2, world.stream, get!(usize, cuMemAlloc_v2, 8) + 2, 0, 0);
    cuStreamBatchMemOp_v2, "256 operations" => 1, |world| batch(world.stream, 255), |world| batch(world.stream, 256);
    cuStreamAddCallback, "flags" => 1,
        |world| cu!(cuStreamAddCallback, world.stream, callback as *const (), 0, 0),
        |world| cu!(cuStreamAddCallback, world.stream, callback as *const (), 0, 1);
    cuLaunchHostFunc, "no function" => 1,
        |world| cu!(cuLaunchHostFunc, world.stream, nothing as *const (), 0),
        |world| cu!(cuLaunchHostFunc, world.stream, 0, 0);
    cuStreamAttachMemAsync, "memory that is not managed" => 1,
        |world| cu!(cuStreamAttachMemAsync, world.stream, get!(usize, cuMemAllocManaged, 64, 1), 0, 4),
        |world| cu!(cuStreamAttachMemAsync, world.stream, get!(usize, cuMemAlloc_v2, 64), 0, 4);
    cuStreamSetAttribute, "an attribute streams do not have" => 1,
        |world| cu!(cuStreamSetAttribute, world.stream, 3, &mut [1_u64; 8]),
        |world| cu!(cuStreamSetAttribute, world.stream, 4, &mut [1_u64; 8]);
    cuStreamCopyAttributes, "between contexts" => 1,
        |world| cu!(cuStreamCopyAttributes, world.stream, stream(0)),
        |world| in_other_context(|theirs| cu!(cuStreamCopyAttributes, world.stream, theirs));
}
