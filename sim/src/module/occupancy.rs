//! How much of a kernel fits on the device.

use std::ffi::{c_int, c_uint};
use std::sync::Arc;

use cudarc::driver::sys::{CUfunction, CUlaunchConfig};

use super::Function;
use super::function::named;
use super::launch::blocks_per_sm;
use crate::api::{Call, E, R, given, put, take};
use crate::context::Context;
use crate::device::SmLimits;

/// Asks for the dynamic shared memory of a block of so many threads.
type SharedOf = Option<unsafe extern "C" fn(c_int) -> usize>;

const DISABLE_CACHING_OVERRIDE: c_uint = 1;

fn asked(
    call: &Call,
    function: CUfunction,
    flags: c_uint,
) -> Result<(Arc<Context>, Arc<Function>), E> {
    let ctx = call.ctx()?;
    if flags > DISABLE_CACHING_OVERRIDE {
        return Err(E::INVALID_VALUE);
    }
    let function = named(&ctx, function as usize)?;
    Ok((ctx, function))
}

fn shared_bytes(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

pub fn max_blocks(
    call: &Call,
    out: *mut c_int,
    function: CUfunction,
    threads: c_int,
    shared: usize,
) -> R {
    max_blocks_with_flags(call, out, function, threads, shared, 0)
}

pub fn max_blocks_with_flags(
    call: &Call,
    out: *mut c_int,
    function: CUfunction,
    threads: c_int,
    shared: usize,
    flags: c_uint,
) -> R {
    given(out)?;
    let (ctx, function) = asked(call, function, flags)?;
    let threads =
        u32::try_from(threads).ok().filter(|threads| *threads > 0).ok_or(E::INVALID_VALUE)?;
    put(out, blocks_per_sm(&ctx, &function, threads, shared_bytes(shared)) as c_int)
}

pub fn best_block(
    call: &Call,
    grid: *mut c_int,
    block: *mut c_int,
    function: CUfunction,
    shared_of: SharedOf,
    shared: usize,
    limit: c_int,
) -> R {
    best_block_with_flags(call, grid, block, function, shared_of, shared, limit, 0)
}

/// The block size that keeps most threads on an SM; of equals the largest.
pub fn best_block_with_flags(
    call: &Call,
    grid: *mut c_int,
    block: *mut c_int,
    function: CUfunction,
    shared_of: SharedOf,
    shared: usize,
    limit: c_int,
    flags: c_uint,
) -> R {
    given(grid)?;
    given(block)?;
    let (ctx, function) = asked(call, function, flags)?;
    let limit = u32::try_from(limit).or(Err(E::INVALID_VALUE))?;
    let most = match limit {
        0 => function.info.max_threads(),
        limit => function.info.max_threads().min(limit),
    };
    let fit = |threads: u32| {
        let bytes = match shared_of {
            // SAFETY: the program gave this function to be asked so.
            Some(shared_of) => unsafe { shared_of(threads as c_int) },
            None => shared,
        };
        blocks_per_sm(&ctx, &function, threads, shared_bytes(bytes))
    };
    let sizes = std::iter::once(most).chain((1..most.div_ceil(32)).rev().map(|warps| warps * 32));
    let mut best = (0, 0);
    for (threads, blocks) in sizes.map(|threads| (threads, fit(threads))) {
        if threads * blocks > best.0 * best.1 {
            best = (threads, blocks);
        }
    }
    put(block, best.0 as c_int)?;
    put(grid, (best.1 * ctx.sms) as c_int)
}

/// What is left for each of so many blocks on one SM.
pub fn available_shared(
    call: &Call,
    out: *mut usize,
    function: CUfunction,
    blocks: c_int,
    threads: c_int,
) -> R {
    given(out)?;
    let (ctx, function) = asked(call, function, 0)?;
    let blocks = u32::try_from(blocks).ok().filter(|blocks| *blocks > 0).ok_or(E::INVALID_VALUE)?;
    let threads =
        u32::try_from(threads).ok().filter(|threads| *threads > 0).ok_or(E::INVALID_VALUE)?;
    if blocks_per_sm(&ctx, &function, threads, 0) < blocks {
        return Err(E::INVALID_VALUE);
    }
    let sm = SmLimits::of(ctx.device.card.capability);
    let kept = sm.shared_bytes - sm.shared_bytes_opt_in;
    let each = (sm.shared_bytes / blocks).saturating_sub(kept).min(sm.shared_bytes_opt_in);
    put(out, each.saturating_sub(function.info.shared) as usize)
}

pub fn max_cluster(
    call: &Call,
    out: *mut c_int,
    function: CUfunction,
    config: *const CUlaunchConfig,
) -> R {
    given(out)?;
    take(config)?;
    let (ctx, function) = asked(call, function, 0)?;
    if !SmLimits::of(ctx.device.card.capability).clusters {
        return Err(E::NOT_SUPPORTED);
    }
    put(out, if function.settings().large_clusters { 16 } else { 8 })
}

/// Clusters of the launch that fit on the whole device.
pub fn active_clusters(
    call: &Call,
    out: *mut c_int,
    function: CUfunction,
    config: *const CUlaunchConfig,
) -> R {
    given(out)?;
    let c = take(config)?;
    let (ctx, function) = asked(call, function, 0)?;
    if !SmLimits::of(ctx.device.card.capability).clusters {
        return Err(E::NOT_SUPPORTED);
    }
    let threads = c.blockDimX.saturating_mul(c.blockDimY).saturating_mul(c.blockDimZ);
    let blocks = blocks_per_sm(&ctx, &function, threads, c.sharedMemBytes) * ctx.sms;
    let cluster: u32 = super::launch_calls::cluster_of(&c)?.iter().product();
    put(out, (blocks / cluster.max(1)) as c_int)
}
