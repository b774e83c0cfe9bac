//! With how many SMs a context is asked for: a program's own number, but never more than its share is.
#![forbid(unsafe_code)]

use core::ffi::{c_int, c_uint};
use core::ptr;

use cudarc::driver::sys::{CUcontext, CUctxCreateParams, CUdevice, CUexecAffinityParam};
use cuota_core::config::Config;

use super::caller::read;
use super::real::Real;
use crate::driver::{Status, query};
use crate::share::{SM_COUNT, most};

/// `CUexecAffinityParam` in words: its first may be none that the enum has.
type Affinity = [u32; 2];
const _: () = assert!(size_of::<Affinity>() == size_of::<CUexecAffinityParam>());

type Passed = (*mut CUexecAffinityParam, c_int);

/// What to ask for in the place of what was passed, which stays as it is; none where that may be asked for.
fn tightened(most: u32, (params, count): Passed) -> Option<Affinity> {
    let ours = [SM_COUNT, most];
    match count {
        0 => Some(ours),
        1 => read(params.cast::<Affinity>())
            .filter(|[kind, sms]| *kind == SM_COUNT && *sms > most)
            .map(|_| ours),
        _ => None,
    }
}

/// A driver or a device without affinity: the plain call is made then.
fn declines(status: Status) -> bool {
    matches!(status, Status::UNSUPPORTED_EXEC_AFFINITY | Status::NOT_SUPPORTED)
}

/// Also for calls that pass no affinity.
pub fn v3(
    config: &Config,
    real: &Real,
    out: *mut CUcontext,
    passed: Passed,
    flags: c_uint,
    device: CUdevice,
) -> Status {
    let wanted = most(config, device).and_then(|most| tightened(most, passed));
    let Some(wanted) = wanted else { return real.call() };
    let ask = || query::cuCtxCreate_v3(out.cast(), &wanted, 1, flags, device);
    real.instead(&ask, declines).unwrap_or_else(|| real.call())
}

pub fn v4(
    config: &Config,
    real: &Real,
    out: *mut CUcontext,
    params: *mut CUctxCreateParams,
    flags: c_uint,
    device: CUdevice,
) -> Status {
    let (passed, shares_graphics) = match read(params) {
        None => ((ptr::null_mut(), 0), false),
        Some(all) => {
            ((all.execAffinityParams, all.numExecAffinityParams), !all.cigParams.is_null())
        }
    };
    let wanted = most(config, device).and_then(|most| tightened(most, passed));
    let Some(mut wanted) = wanted.filter(|_| !shares_graphics) else { return real.call() };
    let copy = CUctxCreateParams {
        execAffinityParams: (&raw mut wanted).cast(),
        numExecAffinityParams: 1,
        cigParams: ptr::null_mut(),
    };
    let ask = || query::cuCtxCreate_v4(out.cast(), (&raw const copy).cast(), flags, device);
    real.instead(&ask, declines).unwrap_or_else(|| real.call())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ever_tighter_and_in_a_copy() {
        for (passed, asked) in [
            (&mut [][..], Some(40)),
            (&mut [[SM_COUNT, 41]], Some(40)),
            (&mut [[SM_COUNT, 40]], None),
            (&mut [[SM_COUNT, 8]], None),
            // What the driver refuses, it may.
            (&mut [[7, 41]], None),
            (&mut [[SM_COUNT, 41], [SM_COUNT, 41]], None),
        ] as [(&mut [Affinity], _); 6]
        {
            let before = passed.to_vec();
            let given = (passed.as_mut_ptr().cast(), passed.len() as c_int);
            assert_eq!(tightened(40, given), asked.map(|sms| [SM_COUNT, sms]), "{before:?}");
            assert_eq!(passed, before);
        }
        assert_eq!(tightened(40, (ptr::null_mut(), 1)), None);
    }
}
