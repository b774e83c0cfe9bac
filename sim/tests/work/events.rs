use crate::common::{child, passes};
use crate::driver::*;

const NOT_READY: u32 = 600;
const INVALID_HANDLE: u32 = 400;
const DISABLE_TIMING: u32 = 2;

fn elapsed(start: usize, end: usize) -> Result<f32, u32> {
    let mut milliseconds = -1.0_f32;
    match cu!(cuEventElapsedTime, &mut milliseconds as *mut f32, start, end) {
        0 => Ok(milliseconds),
        code => Err(code),
    }
}

#[test]
fn an_event_is_passed_when_the_work_before_it_is_done() {
    let _turn = alone();
    let (held, gate, mark) = (stream(0), Gate::new(), event(0));
    assert_eq!(cu!(cuEventQuery, mark), 0, "never recorded: no work to wait for");
    gate.hold(held);
    ok!(cuEventRecord, mark, held);
    assert_eq!(cu!(cuEventQuery, mark), NOT_READY);
    gate.open();
    ok!(cuEventSynchronize, mark);
    assert_eq!(cu!(cuEventQuery, mark), 0);
}

#[test]
fn a_stream_waits_for_the_record_there_was_when_it_was_told_to() {
    let _turn = alone();
    let (one, two, three) = (stream(NON_BLOCKING), stream(NON_BLOCKING), stream(NON_BLOCKING));
    let (gate, mark) = (Gate::new(), event(DISABLE_TIMING));
    gate.hold(one);
    ok!(cuEventRecord, mark, one);
    ok!(cuStreamWaitEvent, two, mark, 0);
    // Recorded anew in an idle stream: who waits from now on does not wait at all.
    ok!(cuEventRecord, mark, three);
    ok!(cuStreamWaitEvent, three, mark, 0);
    assert_eq!((query(two), query(three)), (NOT_READY, 0));
    ok!(cuEventDestroy_v2, mark);
    gate.open();
    synchronize(two);
}

#[test]
fn elapsed_time_has_an_answer_for_every_state() {
    let _turn = alone();
    let (one, gate) = (stream(0), Gate::new());
    let (start, end, untimed, never) = (event(0), event(0), event(DISABLE_TIMING), event(0));
    ok!(cuEventRecord, start, one);
    ok!(cuEventRecord, untimed, one);
    gate.hold(one);
    ok!(cuEventRecord, end, one);
    assert_eq!(elapsed(start, end), Err(NOT_READY));
    assert_eq!(elapsed(end, never), Err(INVALID_HANDLE));
    assert_eq!(elapsed(start, never), Err(INVALID_HANDLE));
    assert_eq!(elapsed(start, untimed), Err(INVALID_HANDLE));
    gate.open();
    synchronize(one);
    let (there, back) = (elapsed(start, end).unwrap(), elapsed(end, start).unwrap());
    assert!(there >= 0.0 && there == -back);
    let ticks = f64::from(there) / 0.0005;
    assert!(
        (ticks - ticks.round()).abs() < 1e-3 * ticks.max(1.0),
        "{there} ms is no number of half microseconds"
    );
    assert_eq!(elapsed(start, start), Ok(0.0));
}

#[test]
fn a_context_as_a_whole_records_and_waits() {
    let turn = alone();
    let (one, two, gate, mark) =
        (stream(NON_BLOCKING), stream(NON_BLOCKING), Gate::new(), event(0));
    gate.hold(one);
    ok!(cuCtxRecordEvent, turn.ctx, mark);
    assert_eq!(cu!(cuEventQuery, mark), NOT_READY);
    ok!(cuCtxWaitEvent, turn.ctx, mark);
    assert_eq!(query(two), NOT_READY);
    gate.open();
    ok!(cuCtxSynchronize);
    assert_eq!(cu!(cuEventQuery, mark), 0);
}

/// With kernels that take 20 ms of the device's time, whatever the host does meanwhile.
#[test]
fn kernels_take_the_time_they_are_given() {
    passes("events::two_long_kernels", &[("CUOTA_SIM_KERNEL_US", "20000")]);
}

#[test]
#[ignore = "run by kernels_take_the_time_they_are_given"]
fn two_long_kernels() {
    let _turn = alone();
    let (one, two, code) = (stream(NON_BLOCKING), stream(NON_BLOCKING), code());
    let marks: Vec<usize> = (0..4).map(|_| event(0)).collect();
    ok!(cuEventRecord, marks[0], one);
    assert_eq!(launch(code.nothing, one), 0);
    ok!(cuEventRecord, marks[1], one);
    assert_eq!(launch(code.nothing, one), 0);
    ok!(cuEventRecord, marks[2], one);
    ok!(cuStreamWaitEvent, two, marks[2], 0);
    ok!(cuEventRecord, marks[3], two);
    ok!(cuCtxSynchronize);
    // The second kernel was waiting when the first ended.
    assert_eq!(elapsed(marks[1], marks[2]), Ok(20.0));
    assert!(elapsed(marks[0], marks[1]).unwrap() >= 20.0);
    assert_eq!(elapsed(marks[2], marks[3]), Ok(0.0), "the wait ends when the event is reached");
}

#[test]
fn an_event_can_be_shared_between_processes() {
    passes("events::share_with_a_child", &[]);
}

#[test]
#[ignore = "run by an_event_can_be_shared_between_processes"]
fn share_with_a_child() {
    const INTERPROCESS: u32 = 4;
    let _turn = alone();
    let (held, gate, mark) = (stream(0), Gate::new(), event(INTERPROCESS | DISABLE_TIMING));
    let mut handle = [0_u64; 8];
    ok!(cuIpcGetEventHandle, &mut handle, mark);
    let text = handle.map(|word| word.to_string()).join(",");
    let ask = || {
        let output = child("events::ask_after_a_shared_event", &[("SHARED_EVENT", &text)]);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split("answer ")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next())
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    assert_eq!(ask(), 0);
    gate.hold(held);
    ok!(cuEventRecord, mark, held);
    assert_eq!(ask(), NOT_READY);
    gate.open();
    synchronize(held);
    assert_eq!(ask(), 0);
    assert_eq!(cu!(cuIpcGetEventHandle, &mut handle, event(0)), INVALID_HANDLE);
}

#[test]
#[ignore = "run by share_with_a_child"]
fn ask_after_a_shared_event() {
    let _turn = alone();
    let words: Vec<u64> = std::env::var("SHARED_EVENT")
        .unwrap()
        .split(',')
        .map(|word| word.parse().unwrap())
        .collect();
    let handle: [u64; 8] = words.try_into().unwrap();
    let mut event = 0_usize;
    let open = crate::driver::address("cuIpcOpenEventHandle");
    #[repr(C)]
    struct Handle([u64; 8]);
    // SAFETY: the handle is 64 bytes by value, as the entry point has it.
    let open: extern "C" fn(*mut usize, Handle) -> u32 = unsafe { std::mem::transmute(open) };
    assert_eq!(open(&mut event, Handle(handle)), 0);
    println!("answer {}", cu!(cuEventQuery, event));
}
