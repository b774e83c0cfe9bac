//! Contexts: current per thread, primary ones counted, settings checked. One process, one driver:
//! tests share the device but not their contexts, and the primary context has one test.

mod common;

use std::thread;

use common::{Library, at};

const INVALID_VALUE: u32 = 1;
const INVALID_DEVICE: u32 = 101;
const INVALID_CONTEXT: u32 = 201;
const UNSUPPORTED_LIMIT: u32 = 215;
const DESTROYED: u32 = 709;

fn driver() -> Library {
    let library = Library::cuda();
    assert_eq!(library.call("cuInit", [0]), 0);
    library
}

fn create(cuda: &Library) -> usize {
    let mut context = 0;
    assert_eq!(cuda.call("cuCtxCreate_v2", [at(&mut context), 0, 0]), 0);
    context
}

fn current(cuda: &Library) -> usize {
    let mut context = 1;
    assert_eq!(cuda.call("cuCtxGetCurrent", [at(&mut context)]), 0);
    context
}

#[test]
fn a_stack_per_thread() {
    let cuda = driver();
    let (a, b) = (create(&cuda), create(&cuda));
    assert_eq!(current(&cuda), b);
    thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(current(&cuda), 0);
            assert_eq!(cuda.call("cuCtxPopCurrent_v2", [0]), INVALID_CONTEXT);
            assert_eq!(cuda.call("cuCtxGetDevice", [at(&mut 0)]), INVALID_CONTEXT);
            assert_eq!(cuda.call("cuCtxSetCurrent", [a]), 0);
            assert_eq!(current(&cuda), a);
        });
    });
    let mut popped = 0;
    assert_eq!(cuda.call("cuCtxPopCurrent_v2", [at(&mut popped)]), 0);
    assert_eq!((popped, current(&cuda)), (b, a));
    assert_eq!(cuda.call("cuCtxPushCurrent_v2", [b]), 0);
    assert_eq!(cuda.call("cuCtxSetCurrent", [0]), 0);
    assert_eq!(current(&cuda), a);
    assert_eq!(cuda.call("cuCtxDestroy_v2", [b]), 0);
    assert_eq!(cuda.call("cuCtxDestroy_v2", [a]), 0);
    assert_eq!(current(&cuda), 0);
    assert_eq!(cuda.call("cuCtxDestroy_v2", [a]), INVALID_CONTEXT);
    assert_eq!(cuda.call("cuCtxPushCurrent_v2", [a]), INVALID_CONTEXT);
}

#[test]
fn destroyed_elsewhere() {
    let cuda = driver();
    let context = create(&cuda);
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(cuda.call("cuCtxDestroy_v2", [context]), 0));
    });
    assert_eq!(current(&cuda), context);
    assert_eq!(cuda.call("cuCtxGetFlags", [at(&mut 0u32)]), DESTROYED);
    assert_eq!(cuda.call("cuCtxPopCurrent_v2", [0]), 0);
}

#[test]
fn bad_arguments() {
    let cuda = driver();
    let mut context = 7;
    assert_eq!(cuda.call("cuInit", [1]), INVALID_VALUE);
    assert_eq!(cuda.call("cuCtxCreate_v2", [0, 0, 0]), INVALID_VALUE);
    assert_eq!(cuda.call("cuCtxCreate_v2", [at(&mut context), 3, 0]), INVALID_VALUE);
    assert_eq!(cuda.call("cuCtxCreate_v2", [at(&mut context), 0x100, 0]), INVALID_VALUE);
    assert_eq!(cuda.call("cuCtxCreate_v2", [at(&mut context), 0, 1]), INVALID_DEVICE);
    assert_eq!(cuda.call("cuDeviceGet", [at(&mut context), usize::MAX]), INVALID_DEVICE);
    assert_eq!(cuda.call("cuDeviceGetAttribute", [at(&mut context), 0, 0]), INVALID_VALUE);
    assert_eq!(cuda.call("cuDeviceGetAttribute", [at(&mut context), 162, 0]), INVALID_VALUE);
    assert_eq!(cuda.call("cuGetErrorName", [12345, at(&mut context)]), INVALID_VALUE);
    assert_eq!(context, 0, "an unknown error has no name");
    // Affinity is MPS's to grant.
    let affinity = [0u32, 66];
    let args = [at(&mut context), affinity.as_ptr() as usize, 1, 0, 0];
    assert_eq!(cuda.call("cuCtxCreate_v3", args), 224);
}

#[test]
fn limits() {
    let cuda = driver();
    let context = create(&cuda);
    let get = |limit| {
        let mut value = 0usize;
        (cuda.call("cuCtxGetLimit", [at(&mut value), limit]), value)
    };
    assert_eq!(get(0), (0, 1024));
    assert_eq!(cuda.call("cuCtxSetLimit", [0, 2001]), 0);
    assert_eq!(get(0), (0, 2016));
    assert_eq!(cuda.call("cuCtxSetLimit", [0, 1 << 30]), INVALID_VALUE);
    assert_eq!(get(2), (0, 8 << 20));
    assert_eq!(get(3).0, UNSUPPORTED_LIMIT);
    assert_eq!(get(10).0, INVALID_VALUE);
    let (mut least, mut greatest) = (1i32, 1i32);
    assert_eq!(cuda.call("cuCtxGetStreamPriorityRange", [at(&mut least), at(&mut greatest)]), 0);
    assert_eq!((least, greatest), (0, -5));
    assert_eq!(cuda.call("cuCtxDestroy_v2", [context]), 0);
}

#[test]
fn the_primary_context_and_its_green_parts() {
    let cuda = driver();
    let retain = || {
        let mut context = 0;
        assert_eq!(cuda.call("cuDevicePrimaryCtxRetain", [at(&mut context), 0]), 0);
        context
    };
    let release = || cuda.call("cuDevicePrimaryCtxRelease_v2", [0]);
    let state = || {
        let (mut flags, mut active) = (9u32, 9i32);
        assert_eq!(
            cuda.call("cuDevicePrimaryCtxGetState", [0, at(&mut flags), at(&mut active)]),
            0
        );
        (flags, active)
    };
    let id = |context| {
        let mut id = 0u64;
        assert_eq!(cuda.call("cuCtxGetId", [context, at(&mut id)]), 0);
        id
    };
    assert_eq!(release(), INVALID_CONTEXT);
    assert_eq!(cuda.call("cuDevicePrimaryCtxSetFlags_v2", [0, 4]), 0);
    assert_eq!(state(), (4, 0));
    let context = retain();
    assert_eq!(retain(), context);
    assert_eq!(cuda.call("cuDevicePrimaryCtxSetFlags", [0, 0]), 708);
    assert_eq!(cuda.call("cuCtxDestroy_v2", [context]), INVALID_CONTEXT);
    assert_eq!(cuda.call("cuCtxSetCurrent", [context]), 0);
    assert_eq!(release(), 0);
    assert_eq!(state(), (4, 1));
    let first_life = id(context);
    assert_eq!(release(), 0);
    assert_eq!(state(), (4, 0));
    assert_eq!(cuda.call("cuCtxGetDevice", [at(&mut 0)]), DESTROYED);
    assert_eq!(cuda.call("cuCtxPushCurrent_v2", [context]), DESTROYED);

    // The same handle comes back to life, wherever it was current.
    assert_eq!(retain(), context);
    assert_ne!(id(context), first_life);
    assert_eq!(cuda.call("cuCtxGetDevice", [at(&mut 0)]), 0);

    // A reset empties it but leaves it to its users to release.
    assert_eq!(cuda.call("cuDevicePrimaryCtxReset_v2", [0]), 0);
    assert_eq!(state(), (4, 0));
    assert_eq!(release(), 0);
    assert_eq!(release(), INVALID_CONTEXT);

    green(&cuda);
    assert_eq!(state(), (4, 0));
}

fn green(cuda: &Library) {
    let mut resources = [[0u32; 36]; 4];
    let sms = |resource: &[u32; 36]| resource[24];
    let whole = at(&mut resources[0]);
    assert_eq!(cuda.call("cuDeviceGetDevResource", [0, whole, 2]), 914);
    assert_eq!(cuda.call("cuDeviceGetDevResource", [0, whole, 1]), 0);
    assert_eq!(sms(&resources[0]), 132);
    let split = |resources: &mut [[u32; 36]; 4], mut count: u32, least, flags| {
        let [whole, result, rest] = [0, 1, 3].map(|n| at(&mut resources[n]));
        let result = if count == 0 { 0 } else { result };
        let args = [result, at(&mut count), whole, rest, flags, least];
        (cuda.call("cuDevSmResourceSplitByCount", args), count)
    };
    assert_eq!(split(&mut resources, 0, 10, 0), (0, 8));
    assert_eq!(split(&mut resources, 0, 10, 1), (0, 13));
    assert_eq!(split(&mut resources, 2, 60, 0), (0, 2));
    assert_eq!([1, 2, 3].map(|n| sms(&resources[n])), [64, 64, 4]);
    assert_eq!(split(&mut resources, 1, 133, 0).0, INVALID_VALUE);

    let (mut desc, mut green, mut context) = (0, 0, 0);
    let part = at(&mut resources[1]);
    assert_eq!(cuda.call("cuDevResourceGenerateDesc", [at(&mut desc), part, 1]), 0);
    assert_eq!(cuda.call("cuGreenCtxCreate", [at(&mut green), desc, 0, 2]), INVALID_VALUE);
    assert_eq!(cuda.call("cuGreenCtxCreate", [at(&mut green), desc, 0, 1]), 0);
    assert_eq!(cuda.call("cuCtxFromGreenCtx", [at(&mut context), green]), 0);
    assert_eq!(cuda.call("cuCtxPushCurrent_v2", [context]), 0);
    assert_eq!(cuda.call("cuCtxGetDevResource", [context, whole, 1]), 0);
    assert_eq!(sms(&resources[0]), 64);
    assert_eq!(cuda.call("cuGreenCtxDestroy", [green]), 0);
    assert_eq!(cuda.call("cuGreenCtxDestroy", [green]), INVALID_CONTEXT);
}
