//! Waiting for all work of a context.

use std::sync::Arc;

use cudarc::driver::sys::{CUcontext, CUevent, CUgreenCtx};

use super::queue::Point;
use super::{capture, engine, event};
use crate::api::{Call, R};
use crate::context::{self, Context};
use crate::done::{Done, did};
use crate::memory;

/// Returns when everything submitted to the context so far is done.
pub fn synchronize(ctx: &Arc<Context>) -> R {
    let ends: Vec<Point> = ctx.streams.all().iter().flat_map(|stream| stream.ends()).collect();
    engine::wait(|| ends.iter().all(Point::passed));
    ctx.check()
}

fn synchronize_checked(ctx: &Arc<Context>) -> R {
    ctx.check()?;
    capture::context_use(ctx)?;
    synchronize(ctx)?;
    memory::synchronized(ctx.device.number);
    did(Done::Waits);
    Ok(())
}

pub fn current(call: &Call) -> R {
    synchronize_checked(&call.ctx()?)
}

pub fn named(_: &Call, ctx: CUcontext) -> R {
    synchronize_checked(&context::named_or_current(ctx)?)
}

pub fn record_event(_: &Call, ctx: CUcontext, event: CUevent) -> R {
    event::record_context(&context::named_or_current(ctx)?, event)
}

pub fn wait_event(_: &Call, ctx: CUcontext, event: CUevent) -> R {
    event::wait_context(&context::named_or_current(ctx)?, event)
}

pub fn record_event_green(_: &Call, green: CUgreenCtx, event: CUevent) -> R {
    event::record_context(&context::green(green)?.context, event)
}

pub fn wait_event_green(_: &Call, green: CUgreenCtx, event: CUevent) -> R {
    event::wait_context(&context::green(green)?.context, event)
}
