//! The calls that launch kernels.

use std::ffi::{c_uint, c_void};
use std::sync::Arc;

use cudarc::driver::sys::{CUevent, CUfunction, CUlaunchConfig, CUstream};

use super::Launch;
use crate::api::{Call, E, R, take, take_many};
use crate::done::{Done, did};
use crate::work::graph::Kind;
use crate::work::{self, Stream, capture, event};

fn start(
    stream: &Arc<Stream>,
    launch: Launch,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> R {
    launch.check_arguments(params, extra)?;
    match capture::route(stream)? {
        Some(capture) => {
            capture.add(stream, Kind::Kernel(launch.with_arguments(params, extra)?)).map(|_| ())
        }
        None => {
            did(if launch.cooperative { Done::Cooperative } else { Done::Kernels });
            stream.submit([launch.step()]);
            Ok(())
        }
    }
}

/// The stream to launch in, whose context then says what fits: it may be a part of the current one.
fn stream_of(call: &Call, handle: CUstream) -> Result<Arc<Stream>, E> {
    let ctx = call.ctx()?;
    let stream = work::stream(call, &ctx, handle)?;
    // A stream of a green context runs the code of its primary context, and the other way round.
    if Arc::ptr_eq(&stream.ctx.modules, &ctx.modules) { Ok(stream) } else { Err(E::INVALID_HANDLE) }
}

pub fn kernel(
    call: &Call,
    function: CUfunction,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    shared: c_uint,
    stream: CUstream,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> R {
    let stream = stream_of(call, stream)?;
    let launch = Launch::checked(
        &stream.ctx,
        function as usize,
        [grid_x, grid_y, grid_z],
        [block_x, block_y, block_z],
        shared,
    )?;
    start(&stream, launch, params, extra)
}

pub fn cooperative(
    call: &Call,
    function: CUfunction,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    shared: c_uint,
    stream: CUstream,
    params: *mut *mut c_void,
) -> R {
    let stream = stream_of(call, stream)?;
    let launch = Launch::checked(
        &stream.ctx,
        function as usize,
        [grid_x, grid_y, grid_z],
        [block_x, block_y, block_z],
        shared,
    )?;
    let launch = launch.cooperative(&stream.ctx)?;
    start(&stream, launch, params, std::ptr::null_mut())
}

/// `CUlaunchAttribute`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Attribute {
    id: c_uint,
    pad: c_uint,
    value: [u32; 16],
}

const COOPERATIVE: c_uint = 2;
const CLUSTER: c_uint = 4;
const PROGRAMMATIC_EVENT: c_uint = 7;
const COMPLETION_EVENT: c_uint = 12;

/// An event the launch itself records.
fn event_of(attribute: &Attribute) -> CUevent {
    (u64::from(attribute.value[1]) << 32 | u64::from(attribute.value[0])) as CUevent
}

fn attributes(config: &CUlaunchConfig) -> Result<Vec<Attribute>, E> {
    take_many(config.attrs.cast::<Attribute>(), config.numAttrs as usize)
}

/// The cluster a launch asks for; one block if it does not.
pub fn cluster_of(config: &CUlaunchConfig) -> Result<[u32; 3], E> {
    let attributes = attributes(config)?;
    let cluster = attributes.iter().find(|attribute| attribute.id == CLUSTER);
    Ok(cluster.map_or([1; 3], |cluster| [cluster.value[0], cluster.value[1], cluster.value[2]]))
}

pub fn kernel_ex(
    call: &Call,
    config: *const CUlaunchConfig,
    function: CUfunction,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> R {
    let c = take(config)?;
    let stream = stream_of(call, c.hStream)?;
    let ctx = &stream.ctx;
    let attributes = attributes(&c)?;
    let (grid, block) =
        ([c.gridDimX, c.gridDimY, c.gridDimZ], [c.blockDimX, c.blockDimY, c.blockDimZ]);
    let mut launch = Launch::checked(ctx, function as usize, grid, block, c.sharedMemBytes)?;
    let mut events = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.id != 0) {
        Launch::known_attribute(attribute.id)?;
        match attribute.id {
            COOPERATIVE if attribute.value[0] != 0 => launch = launch.cooperative(ctx)?,
            CLUSTER => launch.check_cluster(
                Some([attribute.value[0], attribute.value[1], attribute.value[2]]),
                ctx,
            )?,
            PROGRAMMATIC_EVENT | COMPLETION_EVENT => events.push(event_of(attribute)),
            _ => {}
        }
    }
    events.iter().try_for_each(|event| event::named(*event).map(|_| ()))?;
    start(&stream, launch, params, extra)?;
    events.into_iter().try_for_each(|event| event::record(call, event, c.hStream))
}

/// `CUDA_LAUNCH_PARAMS`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DeviceLaunch {
    function: CUfunction,
    grid: [c_uint; 3],
    block: [c_uint; 3],
    shared: c_uint,
    stream: CUstream,
    params: *mut *mut c_void,
}

/// One launch on each of several devices, alike but for function, stream and arguments.
pub fn multi_device(call: &Call, list: *mut DeviceLaunch, count: c_uint, flags: c_uint) -> R {
    const ALL_FLAGS: c_uint = 3;
    let list = take_many(list, count as usize)?;
    let first = list.first().ok_or(E::INVALID_VALUE)?;
    let alike = |one: &DeviceLaunch| {
        (one.grid, one.block, one.shared) == (first.grid, first.block, first.shared)
    };
    if flags > ALL_FLAGS || !list.iter().all(alike) {
        return Err(E::INVALID_VALUE);
    }
    let mut ready: Vec<(Arc<Stream>, Launch, *mut *mut c_void)> = Vec::with_capacity(list.len());
    for one in &list {
        // Default streams are refused: they do not say which device is meant.
        let stream = if one.stream as usize > 2 {
            work::stream::named(call, one.stream)?
        } else {
            return Err(E::INVALID_VALUE);
        };
        let launch =
            Launch::checked(&stream.ctx, one.function as usize, one.grid, one.block, one.shared)?;
        if ready.iter().any(|(other, ..)| other.ctx.device.ordinal == stream.ctx.device.ordinal) {
            return Err(E::INVALID_DEVICE);
        }
        ready.push((stream.clone(), launch.cooperative(&stream.ctx)?, one.params));
    }
    ready.into_iter().try_for_each(|(stream, launch, params)| {
        start(&stream, launch, params, std::ptr::null_mut())
    })
}
