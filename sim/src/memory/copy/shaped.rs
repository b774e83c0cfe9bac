//! Two- and three-dimensional copies.

use super::Job;
use crate::api::{Call, E, R, take};
use crate::context;
use crate::done::{Done, did_bytes};
use crate::memory::abi::{Memcpy2D, Memcpy3D, Side2D, Side3D};
use crate::memory::order;
use cudarc::driver::sys::{CUDA_MEMCPY2D, CUDA_MEMCPY3D, CUDA_MEMCPY3D_PEER, CUcontext, CUstream};

fn job_2d(shape: *const CUDA_MEMCPY2D) -> Result<Job, E> {
    let shape = take(shape.cast::<Memcpy2D>())?;
    Job::new(Memcpy3D {
        src: solid(shape.src),
        dst: solid(shape.dst),
        width: shape.width,
        height: shape.height,
        depth: 1,
    })
}

fn solid(side: Side2D) -> Side3D {
    Side3D {
        x: side.x,
        y: side.y,
        kind: side.kind,
        host: side.host,
        device: side.device,
        array: side.array,
        pitch: side.pitch,
        ..Side3D::default()
    }
}

fn job_peer(shape: *const CUDA_MEMCPY3D_PEER) -> Result<Job, E> {
    let mut shape = take(shape.cast::<Memcpy3D>())?;
    for side in [&mut shape.src, &mut shape.dst] {
        context::named(side.context as CUcontext)?;
        side.context = 0;
    }
    Job::new(shape)
}

pub fn plane(call: &Call, shape: *const CUDA_MEMCPY2D) -> R {
    let ctx = call.ctx()?;
    order::copy_now(call, &ctx, job_2d(shape)?)
}

pub fn plane_async(call: &Call, shape: *const CUDA_MEMCPY2D, stream: CUstream) -> R {
    let ctx = call.ctx()?;
    order::copy(call, &ctx, stream, job_2d(shape)?)
}

pub fn volume(call: &Call, shape: *const CUDA_MEMCPY3D) -> R {
    let ctx = call.ctx()?;
    order::copy_now(call, &ctx, Job::of_3d(shape)?)
}

pub fn volume_async(call: &Call, shape: *const CUDA_MEMCPY3D, stream: CUstream) -> R {
    let ctx = call.ctx()?;
    order::copy(call, &ctx, stream, Job::of_3d(shape)?)
}

pub fn volume_peer(call: &Call, shape: *const CUDA_MEMCPY3D_PEER) -> R {
    let ctx = call.ctx()?;
    let job = job_peer(shape)?;
    let bytes = job.bytes();
    order::copy_now(call, &ctx, job)?;
    did_bytes(Done::Peer, bytes);
    Ok(())
}

pub fn volume_peer_async(call: &Call, shape: *const CUDA_MEMCPY3D_PEER, stream: CUstream) -> R {
    let ctx = call.ctx()?;
    let job = job_peer(shape)?;
    let bytes = job.bytes();
    order::copy(call, &ctx, stream, job)?;
    did_bytes(Done::Peer, bytes);
    Ok(())
}
