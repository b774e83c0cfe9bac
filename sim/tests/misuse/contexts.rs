use crate::driver::*;
use crate::rows;

fn with_context(use_it: impl FnOnce(usize) -> u32) -> u32 {
    let mut ctx = 0_usize;
    ok!(cuCtxCreate_v2, &mut ctx, 0, 0);
    let answer = use_it(ctx);
    cu!(cuCtxDestroy_v2, ctx);
    answer
}

fn destroyed() -> usize {
    let mut gone = 0;
    with_context(|ctx| {
        gone = ctx;
        0
    });
    gone
}

fn word<const N: usize>(name: &str, rest: [usize; N]) -> u32 {
    let mut place = 0_u64;
    let mut words = vec![(&raw mut place) as usize];
    words.extend(rest);
    call(name, &words)
}

rows! { "contexts":
    cuDeviceGet, "an ordinal no device has" => 101, |_| word("cuDeviceGet", [0]), |_| word("cuDeviceGet", [99]);
    cuDeviceGetAttribute, "an attribute that does not exist" => 1,
        |_| word("cuDeviceGetAttribute", [1, 0]), |_| word("cuDeviceGetAttribute", [9999, 0]);
    cuCtxCreate_v2, "a device that does not exist" => 101,
        |_| with_context(|_| 0), |_| word("cuCtxCreate_v2", [0, 99]);
    cuCtxCreate_v2, "no place for the result" => 1, |_| with_context(|_| 0), |_| cu!(cuCtxCreate_v2, 0, 0, 0);
    cuCtxDestroy_v2, "a context destroyed before" => 201,
        |_| with_context(|ctx| cu!(cuCtxDestroy_v2, ctx)), |_| cu!(cuCtxDestroy_v2, destroyed());
    cuCtxPushCurrent_v2, "a destroyed context" => 201,
        |world| cu!(cuCtxPushCurrent_v2, world.ctx), |_| cu!(cuCtxPushCurrent_v2, destroyed());
    cuCtxPopCurrent_v2, "nothing to pop" => 201, |_| cu!(cuCtxPopCurrent_v2, 0), |_| {
        ok!(cuCtxSetCurrent, 0);
        cu!(cuCtxPopCurrent_v2, 0)
    };
    cuCtxGetDevice, "no current context" => 201, |_| word("cuCtxGetDevice", []), |_| {
        ok!(cuCtxSetCurrent, 0);
        word("cuCtxGetDevice", [])
    };
    cuCtxGetLimit, "a limit devices of capability 9 have no more" => 215,
        |_| word("cuCtxGetLimit", [0]), |_| word("cuCtxGetLimit", [3]);
    cuCtxSetLimit, "a limit that does not exist" => 1, |_| cu!(cuCtxSetLimit, 0, 4096), |_| cu!(cuCtxSetLimit, 99, 4096);
    cuDevicePrimaryCtxRelease_v2, "more often than retained" => 201, |_| {
        let mut ctx = 0_usize;
        ok!(cuDevicePrimaryCtxRetain, &mut ctx, 0);
        cu!(cuDevicePrimaryCtxRelease_v2, 0)
    }, |_| cu!(cuDevicePrimaryCtxRelease_v2, 0);
}
