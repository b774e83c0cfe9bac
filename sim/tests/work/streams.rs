use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::driver::*;

const NOT_READY: u32 = 600;

#[test]
fn work_waits_for_what_was_submitted_before_it() {
    let _turn = alone();
    let (held, free) = (stream(0), stream(0));
    let gate = Gate::new();
    gate.hold(held);
    let code = code();
    assert_eq!(launch(code.nothing, held), 0);
    assert_eq!(launch(code.nothing, free), 0);
    assert_eq!((query(held), query(free)), (NOT_READY, 0));
    gate.open();
    synchronize(held);
    assert_eq!(query(held), 0);
}

/// The streams a held stream holds up: itself, and by way of the legacy stream the blocking ones.
#[test]
fn the_legacy_stream_waits_for_blocking_streams_and_they_for_it() {
    let _turn = alone();
    let (blocking, apart) = (stream(0), stream(NON_BLOCKING));
    let code = code();
    let gate = Gate::new();
    gate.hold(blocking);
    assert_eq!(launch(code.nothing, 0), 0);
    assert_eq!(launch(code.nothing, apart), 0);
    assert_eq!((query(0), query(apart)), (NOT_READY, 0));
    let other = stream(0);
    assert_eq!(query(other), 0);
    assert_eq!(launch(code.nothing, other), 0);
    assert_eq!(
        query(other),
        NOT_READY,
        "it waits for the legacy stream, which waits for the first"
    );
    gate.open();
    ok!(cuCtxSynchronize);
    gate.reset();
    gate.hold(apart);
    assert_eq!(launch(code.nothing, 0), 0);
    assert_eq!((query(0), query(apart)), (0, NOT_READY));
    gate.open();
    synchronize(apart);
}

#[test]
fn each_thread_has_a_default_stream_of_its_own() {
    const PER_THREAD: usize = 2;
    let turn = alone();
    let gate = Gate::new();
    gate.hold(PER_THREAD);
    let code = code();
    assert_eq!(query(PER_THREAD), NOT_READY);
    assert_eq!(cu!(cuStreamQuery_ptsz, 0), NOT_READY);
    let id = |name: &str| {
        let mut id = 0_u64;
        assert_eq!(call(name, &[0, (&raw mut id) as usize]), 0);
        id
    };
    let mine = id("cuStreamGetId_ptsz");
    assert_ne!(mine, id("cuStreamGetId"));
    thread::scope(|scope| {
        scope.spawn(|| {
            ok!(cuCtxSetCurrent, turn.ctx);
            assert_eq!(query(PER_THREAD), 0);
            let mut theirs = 0_u64;
            ok!(cuStreamGetId_ptsz, 0, &mut theirs);
            assert_ne!(theirs, mine);
            assert_eq!(launch(code.nothing, 0), 0);
            assert_eq!(query(0), NOT_READY, "the legacy stream waits for the first thread's");
        });
    });
    gate.open();
    ok!(cuCtxSynchronize);
}

static ORDER: Mutex<Vec<usize>> = Mutex::new(Vec::new());
static THREAD: Mutex<Option<thread::ThreadId>> = Mutex::new(None);

fn noted() -> Vec<usize> {
    std::mem::take(&mut ORDER.lock().unwrap_or_else(PoisonError::into_inner))
}

extern "C" fn note(data: *mut c_void) {
    *THREAD.lock().unwrap() = Some(thread::current().id());
    ORDER.lock().unwrap().push(data as usize);
}

extern "C" fn note_callback(_stream: usize, status: u32, data: *mut c_void) {
    ORDER.lock().unwrap().push(data as usize * 1000 + status as usize);
}

#[test]
fn host_functions_run_in_order_on_another_thread() {
    let _turn = alone();
    let (one, gate) = (stream(0), Gate::new());
    gate.hold(one);
    ok!(cuLaunchHostFunc, one, note as *const (), 1);
    ok!(cuStreamAddCallback, one, note_callback as *const (), 2, 0);
    ok!(cuLaunchHostFunc, one, note as *const (), 3);
    assert_eq!(noted(), [0; 0]);
    gate.open();
    synchronize(one);
    assert_eq!(noted(), [1, 2000, 3]);
    assert_ne!(THREAD.lock().unwrap().take(), Some(thread::current().id()));
}

static INSIDE: AtomicU32 = AtomicU32::new(0);

extern "C" fn calls_the_driver(_: *mut c_void) {
    INSIDE.store(cu!(cuCtxSynchronize), Ordering::Relaxed);
}

#[test]
fn host_functions_may_not_call_the_driver() {
    const NOT_PERMITTED: u32 = 800;
    let _turn = alone();
    ok!(cuLaunchHostFunc, 0, calls_the_driver as *const (), 0);
    synchronize(0);
    assert_eq!(INSIDE.load(Ordering::Relaxed), NOT_PERMITTED);
}

#[test]
fn a_destroyed_stream_still_does_its_work() {
    let _turn = alone();
    let (doomed, gate, mark) = (stream(0), Gate::new(), event(0));
    gate.hold(doomed);
    ok!(cuEventRecord, mark, doomed);
    ok!(cuStreamDestroy_v2, doomed);
    assert_eq!(query(doomed), 400);
    assert_eq!(cu!(cuEventQuery, mark), NOT_READY);
    gate.open();
    ok!(cuEventSynchronize, mark);
}

#[test]
fn destroying_a_context_waits_for_nothing_that_cannot_come() {
    let _turn = alone();
    let mut own = 0_usize;
    ok!(cuCtxCreate_v2, &mut own, 0, 0);
    let (held, gate) = (stream(0), Gate::new());
    gate.hold(held);
    ok!(cuCtxDestroy_v2, own);
    assert_eq!(query(held), 400);
}

#[test]
fn values_are_written_and_waited_for_in_order() {
    let _turn = alone();
    let (one, two) = (stream(NON_BLOCKING), stream(NON_BLOCKING));
    let device = get!(usize, cuMemAlloc_v2, 64);
    ok!(cuMemsetD8_v2, device, 0, 64);
    ok!(cuStreamWaitValue64, one, device + 8, 77_u64, 1);
    ok!(cuStreamWriteValue32, one, device, 5, 0);
    assert_eq!(query(one), NOT_READY);
    // Write 77 as one batch of two operations, the first of which waits for something true.
    let mut batch = [[1_u64, device as u64, 0, 0, 0, 0], [5, device as u64 + 8, 77, 0, 0, 0]];
    ok!(cuStreamBatchMemOp, two, 2, &mut batch, 0);
    synchronize(one);
    let mut word = 0_u32;
    ok!(cuMemcpyDtoH_v2, &mut word, device, 4);
    assert_eq!(word, 5);
}

#[test]
fn asynchronous_copies_happen_in_their_turn() {
    let _turn = alone();
    let (one, gate) = (stream(NON_BLOCKING), Gate::new());
    let (device, pinned) = (get!(usize, cuMemAlloc_v2, 4), get!(usize, cuMemHostAlloc, 4, 0));
    let host = pinned as *mut u32;
    // SAFETY: pinned memory of this test.
    let read = || unsafe { host.read_volatile() };
    ok!(cuMemsetD32_v2, device, 1, 1);
    ok!(cuMemcpyDtoH_v2, host, device, 4);
    gate.hold(one);
    ok!(cuMemsetD32Async, device, 2, 1, one);
    ok!(cuMemcpyDtoHAsync_v2, host, device, 4, one);
    assert_eq!(read(), 1);
    gate.open();
    synchronize(one);
    assert_eq!(read(), 2);
}
