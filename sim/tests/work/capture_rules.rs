use std::thread;

use crate::captures::{alloc, nodes};
use crate::driver::*;

const UNSUPPORTED: u32 = 900;
const INVALIDATED: u32 = 901;
const UNMATCHED: u32 = 903;
const ISOLATION: u32 = 905;
const IMPLICIT: u32 = 906;
const CAPTURED_EVENT: u32 = 907;
const WRONG_THREAD: u32 = 908;
const ILLEGAL_STATE: u32 = 401;

/// Begun in, the asking thread's mode, whether the asking thread began it → refused.
#[test]
fn who_may_allocate_while_a_capture_goes_on() {
    let turn = alone();
    let one = stream(NON_BLOCKING);
    for (mode, thread_mode, mine, refused) in [
        (GLOBAL, GLOBAL, true, true),
        (GLOBAL, GLOBAL, false, true),
        (GLOBAL, THREAD_LOCAL, true, true),
        (GLOBAL, THREAD_LOCAL, false, false),
        (GLOBAL, RELAXED, true, false),
        (GLOBAL, RELAXED, false, false),
        (THREAD_LOCAL, GLOBAL, true, true),
        (THREAD_LOCAL, GLOBAL, false, false),
        (THREAD_LOCAL, RELAXED, true, false),
        (RELAXED, GLOBAL, true, false),
        (RELAXED, GLOBAL, false, false),
    ] {
        let case = format!("begun {mode}, thread {thread_mode}, mine {mine}");
        begin(one, mode);
        let ask = || {
            ok!(cuCtxSetCurrent, turn.ctx);
            let mut exchanged = thread_mode;
            ok!(cuThreadExchangeStreamCaptureMode, &mut exchanged);
            let answer = alloc();
            ok!(cuThreadExchangeStreamCaptureMode, &mut exchanged);
            assert_eq!(exchanged, thread_mode);
            answer
        };
        let answer =
            if mine { ask() } else { thread::scope(|scope| scope.spawn(ask).join().unwrap()) };
        assert_eq!(answer, if refused { UNSUPPORTED } else { 0 }, "{case}");
        assert_eq!(capturing(one), if refused { 2 } else { 1 }, "{case}");
        assert_eq!(end_code(one), if refused { INVALIDATED } else { 0 }, "{case}");
        assert_eq!(alloc(), 0, "{case}: nothing is forbidden once it has ended");
    }
}

#[test]
fn only_where_and_by_whom_it_was_begun() {
    let turn = alone();
    let (one, two, fork) = (stream(NON_BLOCKING), stream(NON_BLOCKING), event(2));
    assert_eq!(end_code(one), ILLEGAL_STATE);
    begin(one, THREAD_LOCAL);
    assert_eq!(cu!(cuStreamBeginCapture_v2, one, GLOBAL), ILLEGAL_STATE);
    ok!(cuEventRecord, fork, one);
    ok!(cuStreamWaitEvent, two, fork, 0);
    assert_eq!(end_code(two), UNMATCHED);
    assert_eq!(end_code(one), INVALIDATED);
    begin(one, RELAXED);
    thread::scope(|scope| {
        scope.spawn(|| {
            ok!(cuCtxSetCurrent, turn.ctx);
            assert_eq!(end_code(one), 0);
        });
    });
}

#[test]
fn the_wrong_thread_is_told_so() {
    let turn = alone();
    let one = stream(NON_BLOCKING);
    begin(one, GLOBAL);
    let answer = thread::scope(|scope| {
        let ask = || {
            ok!(cuCtxSetCurrent, turn.ctx);
            end_code(one)
        };
        scope.spawn(ask).join().unwrap()
    });
    assert_eq!(answer, WRONG_THREAD);
    assert_eq!(end_code(one), 0);
}

#[test]
fn captured_and_real_work_cannot_depend_on_each_other() {
    let _turn = alone();
    let (one, two, real, mark) = (stream(NON_BLOCKING), stream(NON_BLOCKING), event(2), event(2));
    ok!(cuEventRecord, real, two);
    begin(one, RELAXED);
    assert_eq!(cu!(cuStreamWaitEvent, one, real, 0), ISOLATION);
    assert_eq!(end_code(one), INVALIDATED);
    begin(one, RELAXED);
    ok!(cuEventRecord, mark, one);
    assert_eq!(end_code(one), 0);
    for answer in [
        cu!(cuEventQuery, mark),
        cu!(cuEventSynchronize, mark),
        cu!(cuStreamWaitEvent, two, mark, 0),
    ] {
        assert_eq!(answer, CAPTURED_EVENT);
    }
    // As a node the wait is fine: it happens when the graph runs.
    begin(one, RELAXED);
    ok!(cuStreamWaitEvent, one, real, 1);
    ok!(cuEventRecordWithFlags, mark, one, 1);
    let graph = end(one);
    assert_eq!(nodes(graph), 2);
    let exec = get!(usize, cuGraphInstantiateWithFlags, graph, 0);
    ok!(cuGraphLaunch, exec, two);
    synchronize(two);
    ok!(cuEventQuery, mark);
}

#[test]
fn a_captured_stream_has_no_state_to_ask_for() {
    let turn = alone();
    type Ask<'a> = &'a dyn Fn(usize, usize) -> u32;
    let questions: [(&str, Ask); 6] = [
        ("cuStreamQuery", &|one, _| query(one)),
        ("cuStreamSynchronize", &|one, _| cu!(cuStreamSynchronize, one)),
        ("cuCtxSynchronize", &|_, _| cu!(cuCtxSynchronize)),
        ("cuEventQuery", &|_, mark| cu!(cuEventQuery, mark)),
        ("cuCtxRecordEvent", &|_, _| cu!(cuCtxRecordEvent, turn.ctx, event(0))),
        ("cuStreamAddCallback", &|one, _| cu!(cuStreamAddCallback, one, turn.ctx, 0, 0)),
    ];
    for (name, ask) in questions {
        let (one, mark) = (stream(NON_BLOCKING), event(0));
        begin(one, RELAXED);
        ok!(cuEventRecord, mark, one);
        let expected = if name == "cuEventQuery" { CAPTURED_EVENT } else { UNSUPPORTED };
        assert_eq!(ask(one, mark), expected, "{name}");
        assert_eq!(end_code(one), INVALIDATED, "{name}");
    }
}

#[test]
fn the_legacy_stream_is_out_of_use_while_a_blocking_stream_is_captured() {
    let _turn = alone();
    let (blocking, apart, code) = (stream(0), stream(NON_BLOCKING), code());
    let device = get!(usize, cuMemAlloc_v2, 16);
    let uses: [(&str, &dyn Fn() -> u32); 5] = [
        ("launch", &|| launch(code.nothing, 0)),
        ("query", &|| query(0)),
        ("synchronize", &|| cu!(cuStreamSynchronize, 0)),
        ("record", &|| cu!(cuEventRecord, event(0), 0)),
        ("synchronous copy", &|| cu!(cuMemsetD8_v2, device, 0, 16)),
    ];
    for (name, use_it) in uses {
        begin(blocking, RELAXED);
        let mut status = 0_u32;
        assert_eq!(cu!(cuStreamIsCapturing, 0, &mut status), IMPLICIT);
        assert_eq!(capturing(blocking), 1, "asking does no harm");
        assert_eq!(use_it(), IMPLICIT, "{name}");
        assert_eq!(end_code(blocking), INVALIDATED, "{name}");
        begin(apart, RELAXED);
        assert_eq!(use_it(), 0, "{name} beside a non-blocking stream");
        assert_eq!(end_code(apart), 0, "{name}");
    }
    assert_eq!(cu!(cuStreamBeginCapture_v2, 0, RELAXED), UNSUPPORTED);
    assert_eq!(
        cu!(cuStreamBeginCapture_v2, 2, RELAXED),
        0,
        "a thread's own default stream can be captured"
    );
    assert_eq!(end_code(2), 0);
}
