use std::thread;

use crate::driver::*;
use crate::{World, rows};

/// Does it while the world's stream is captured, then ends that whatever came of it.
fn captured(world: &World, mode: u32, what: impl FnOnce(usize) -> u32) -> u32 {
    begin(world.stream, mode);
    let answer = what(world.stream);
    cu!(cuStreamEndCapture, world.stream, &mut 0_usize);
    answer
}

fn alloc() -> u32 {
    cu!(cuMemAlloc_v2, &mut 0_u64, 16)
}

fn finish(stream: usize) -> u32 {
    cu!(cuStreamEndCapture, stream, &mut 0_usize)
}

/// A second stream drawn into the capture, with work of its own.
fn forked(world: &World) -> usize {
    let (mark, other) = (event(2), stream(NON_BLOCKING));
    ok!(cuEventRecord, mark, world.stream);
    ok!(cuStreamWaitEvent, other, mark, 0);
    assert_eq!(launch(world.code.nothing, other), 0);
    other
}

fn joined(world: &World) -> u32 {
    let (mark, other) = (event(2), forked(world));
    ok!(cuEventRecord, mark, other);
    ok!(cuStreamWaitEvent, world.stream, mark, 0);
    finish(world.stream)
}

fn from_other_thread(world: &World) -> u32 {
    thread::scope(|scope| {
        let ask = || {
            ok!(cuCtxSetCurrent, world.ctx);
            finish(world.stream)
        };
        scope.spawn(ask).join().unwrap()
    })
}

/// An event recorded in the stream, then a wait for it in another.
fn waited_for(recorded_in: usize, by: usize) -> u32 {
    let mark = event(2);
    ok!(cuEventRecord, mark, recorded_in);
    cu!(cuStreamWaitEvent, by, mark, 0)
}

rows! { "captures":
    cuStreamBeginCapture_v2, "a mode that does not exist" => 1,
        |world| captured(world, GLOBAL, |_| 0), |world| cu!(cuStreamBeginCapture_v2, world.stream, 3);
    cuStreamBeginCapture_v2, "the legacy stream" => 900,
        |world| captured(world, GLOBAL, |_| 0), |_| cu!(cuStreamBeginCapture_v2, 0, GLOBAL);
    cuStreamBeginCapture_v2, "a stream being captured" => 401,
        |world| captured(world, GLOBAL, |_| 0),
        |world| captured(world, GLOBAL, |stream| cu!(cuStreamBeginCapture_v2, stream, GLOBAL));
    cuStreamEndCapture, "a stream not being captured" => 401,
        |world| captured(world, GLOBAL, finish), |world| finish(world.stream);
    cuMemAlloc_v2, "while a capture forbids it" => 900,
        |world| captured(world, RELAXED, |_| alloc()), |world| captured(world, GLOBAL, |_| alloc());
    cuStreamSynchronize, "a stream being captured" => 900,
        |world| captured(world, GLOBAL, |_| cu!(cuStreamSynchronize, stream(NON_BLOCKING))),
        |world| captured(world, GLOBAL, |stream| cu!(cuStreamSynchronize, stream));
    cuCtxSynchronize, "while a stream is captured" => 900,
        |_| cu!(cuCtxSynchronize), |world| captured(world, RELAXED, |_| cu!(cuCtxSynchronize));
    cuLaunchKernel, "into an invalidated capture" => 901,
        |world| captured(world, GLOBAL, |stream| launch(world.code.nothing, stream)),
        |world| captured(world, GLOBAL, |stream| {
            alloc();
            launch(world.code.nothing, stream)
        });
    cuStreamEndCapture, "an invalidated capture" => 901,
        |world| captured(world, GLOBAL, finish),
        |world| captured(world, GLOBAL, |stream| {
            alloc();
            finish(stream)
        });
    cuStreamWaitEvent, "of another capture" => 902,
        |world| captured(world, RELAXED, |stream| waited_for(stream, stream)),
        |world| captured(world, RELAXED, |one| {
            let two = stream(NON_BLOCKING);
            begin(two, RELAXED);
            let answer = waited_for(two, one);
            finish(two);
            answer
        });
    cuStreamEndCapture, "on a stream it was not begun on" => 903,
        |world| captured(world, GLOBAL, |_| joined(world)), |world| captured(world, GLOBAL, |_| finish(forked(world)));
    cuStreamEndCapture, "with work that was not joined" => 904,
        |world| captured(world, GLOBAL, |_| joined(world)), |world| captured(world, GLOBAL, |stream| {
            forked(world);
            finish(stream)
        });
    cuStreamWaitEvent, "of work that really runs" => 905,
        |world| captured(world, RELAXED, |stream| waited_for(stream, stream)),
        |world| captured(world, RELAXED, |one| waited_for(stream(NON_BLOCKING), one));
    cuLaunchKernel, "in the legacy stream beside a captured blocking one" => 906,
        |world| captured(world, RELAXED, |_| launch(world.code.nothing, 0)),
        |world| {
            let blocking = stream(0);
            begin(blocking, RELAXED);
            let answer = launch(world.code.nothing, 0);
            finish(blocking);
            answer
        };
    cuEventQuery, "an event recorded in a capture" => 907,
        |world| captured(world, RELAXED, |_| cu!(cuEventQuery, event(0))),
        |world| captured(world, RELAXED, |stream| {
            let mark = event(0);
            ok!(cuEventRecord, mark, stream);
            cu!(cuEventQuery, mark)
        });
    cuStreamEndCapture, "from another thread" => 908,
        |world| {
            begin(world.stream, RELAXED);
            from_other_thread(world)
        },
        |world| captured(world, THREAD_LOCAL, |_| from_other_thread(world));
    cuStreamUpdateCaptureDependencies, "of a stream not being captured" => 401,
        |world| captured(world, GLOBAL, |stream| cu!(cuStreamUpdateCaptureDependencies, stream, 0, 0, 0)),
        |world| cu!(cuStreamUpdateCaptureDependencies, world.stream, 0, 0, 0);
    cuThreadExchangeStreamCaptureMode, "a mode that does not exist" => 1,
        |_| cu!(cuThreadExchangeStreamCaptureMode, &mut 1_u32), |_| cu!(cuThreadExchangeStreamCaptureMode, &mut 3_u32);
}
