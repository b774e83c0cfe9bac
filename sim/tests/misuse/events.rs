use crate::driver::*;
use crate::rows;

const DISABLE_TIMING: u32 = 2;
const INTERPROCESS: u32 = 4;

fn create(flags: u32) -> u32 {
    let mut event = 0_usize;
    cu!(cuEventCreate, &mut event, flags)
}

fn recorded(flags: u32, stream: usize) -> usize {
    let mark = event(flags);
    ok!(cuEventRecord, mark, stream);
    mark
}

fn elapsed(start: usize, end: usize) -> u32 {
    let mut time = 0.0_f32;
    cu!(cuEventElapsedTime, &mut time, start, end)
}

fn destroyed() -> usize {
    let gone = event(0);
    ok!(cuEventDestroy_v2, gone);
    gone
}

/// Asks while the stream's last record is held up.
fn held(stream: usize, ask: impl FnOnce(usize) -> u32) -> u32 {
    let gate = Gate::new();
    gate.hold(stream);
    let answer = ask(recorded(0, stream));
    gate.open();
    synchronize(stream);
    answer
}

fn of_other_context() -> usize {
    let mut other = 0_usize;
    ok!(cuCtxCreate_v2, &mut other, 0, 0);
    let theirs = event(0);
    ok!(cuCtxPopCurrent_v2, 0);
    theirs
}

rows! { "events":
    cuEventCreate, "flags that do not exist" => 1, |_| create(3), |_| create(8);
    cuEventCreate, "shared and timed" => 1, |_| create(INTERPROCESS | DISABLE_TIMING), |_| create(INTERPROCESS);
    cuEventDestroy_v2, "twice" => 400, |_| cu!(cuEventDestroy_v2, event(0)), |_| cu!(cuEventDestroy_v2, destroyed());
    cuEventRecord, "an event of another context" => 400,
        |world| cu!(cuEventRecord, event(0), world.stream), |world| cu!(cuEventRecord, of_other_context(), world.stream);
    cuEventRecordWithFlags, "as a node of no graph" => 1,
        |world| cu!(cuEventRecordWithFlags, event(0), world.stream, 0),
        |world| cu!(cuEventRecordWithFlags, event(0), world.stream, 1);
    cuEventQuery, "a destroyed event" => 400, |_| cu!(cuEventQuery, event(0)), |_| cu!(cuEventQuery, destroyed());
    cuEventQuery, "work that is not done" => 600,
        |_| cu!(cuEventQuery, event(0)), |world| held(world.stream, |mark| cu!(cuEventQuery, mark));
    cuEventElapsedTime, "an event without timing" => 400,
        |world| elapsed(recorded(0, world.stream), recorded(0, world.stream)),
        |world| elapsed(recorded(0, world.stream), recorded(DISABLE_TIMING, world.stream));
    cuEventElapsedTime, "an event never recorded" => 400,
        |world| elapsed(recorded(0, world.stream), recorded(0, world.stream)),
        |world| elapsed(recorded(0, world.stream), event(0));
    cuEventElapsedTime, "work that is not done" => 600,
        |world| elapsed(recorded(0, world.stream), recorded(0, world.stream)),
        |world| held(world.stream, |mark| elapsed(mark, mark));
    cuIpcGetEventHandle, "an event not meant to be shared" => 400,
        |_| cu!(cuIpcGetEventHandle, &mut [0_u64; 8], event(INTERPROCESS | DISABLE_TIMING)),
        |_| cu!(cuIpcGetEventHandle, &mut [0_u64; 8], event(DISABLE_TIMING));
}
