//! Green contexts: a device's primary context, kept to some of its SMs.

use std::ffi::c_uint;
use std::sync::Arc;

use cudarc::driver::sys::{CUcontext, CUdevResource, CUdevResourceDesc, CUdevice, CUgreenCtx};

use super::resource::{Share, described, give};
use super::{CONTEXTS, Context, Kind, drop_current, primary_release, retain};
use crate::api::{Call, E, R, given, put};
use crate::device;
use crate::handles::Table;

pub struct Green {
    share: Share,
    /// The same part, as a context that can be made current.
    pub context: Arc<Context>,
}

static GREENS: Table<Green> = Table::new(3);

pub fn green(handle: CUgreenCtx) -> Result<Arc<Green>, E> {
    GREENS.get(handle as usize).ok_or(E::INVALID_CONTEXT)
}

const DEFAULT_STREAM: c_uint = 1;

pub fn green_create(
    _: &Call,
    out: *mut CUgreenCtx,
    desc: CUdevResourceDesc,
    on: CUdevice,
    flags: c_uint,
) -> R {
    given(out)?;
    given(desc)?;
    let device = device::of(on)?;
    let share = described(desc)?;
    if flags & !DEFAULT_STREAM != 0 {
        return Err(E::INVALID_VALUE);
    }
    if share.device != device.ordinal {
        return Err(E::INVALID_RESOURCE_CONFIGURATION);
    }
    let primary = retain(device)?;
    let context = Context::bare(
        device,
        Kind::Green,
        CONTEXTS.reserve(),
        share.sms,
        0,
        primary.memory.clone(),
        primary.modules.clone(),
    );
    put(out, GREENS.insert(Arc::new(Green { share, context })) as CUgreenCtx)
}

pub fn green_destroy(call: &Call, handle: CUgreenCtx) -> R {
    given(handle)?;
    let green = GREENS.remove(handle as usize).ok_or(E::INVALID_CONTEXT)?;
    CONTEXTS.remove(green.context.handle);
    drop_current(&green.context);
    green.context.end();
    primary_release(call, green.context.device.ordinal)
}

pub fn green_context(_: &Call, out: *mut CUcontext, handle: CUgreenCtx) -> R {
    given(out)?;
    put(out, green(handle)?.context.raw())
}

pub fn green_resource(_: &Call, handle: CUgreenCtx, out: *mut CUdevResource, kind: c_uint) -> R {
    let green = green(handle)?;
    give(out, kind, green.context.device, green.share.first, green.share.sms)
}

pub fn green_id(_: &Call, handle: CUgreenCtx, out: *mut u64) -> R {
    given(out)?;
    put(out, green(handle)?.context.id)
}
