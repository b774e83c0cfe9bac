//! Many copies in one call. They may run in any order; here they run one after the other.

use super::Job;
use crate::api::{Call, E, R, put, take, take_many};
use crate::memory::abi::{BatchOp, CopyAttributes, Memcpy3D, OF_UNIFIED, Operand, Side3D};
use crate::memory::order;
use cudarc::driver::sys::{CUDA_MEMCPY3D_BATCH_OP, CUdeviceptr, CUmemcpyAttributes, CUstream};

/// Source access orders, 1 to 3: by stream, during the call, any.
fn check_order(order: u32) -> R {
    if (1..=3).contains(&order) { Ok(()) } else { Err(E::INVALID_VALUE) }
}

/// The default streams cannot run batches.
fn check_stream(stream: CUstream) -> R {
    if (stream as usize) <= 2 { Err(E::INVALID_VALUE) } else { Ok(()) }
}

fn submit(call: &Call, jobs: Vec<Job>, stream: CUstream) -> R {
    let ctx = call.ctx()?;
    jobs.into_iter().try_for_each(|job| order::copy(call, &ctx, stream, job))
}

/// Makes every job before the first is submitted, so a bad one changes nothing.
fn jobs<T>(
    items: Vec<T>,
    fail: *mut usize,
    make: impl Fn(T) -> Result<Job, E>,
) -> Result<Vec<Job>, E> {
    let mut made = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        match make(item) {
            Ok(job) => made.push(job),
            Err(error) => {
                let _ = put(fail, index);
                return Err(error);
            }
        }
    }
    Ok(made)
}

pub fn batch(
    call: &Call,
    dsts: *mut CUdeviceptr,
    srcs: *mut CUdeviceptr,
    sizes: *mut usize,
    count: usize,
    attributes: *mut CUmemcpyAttributes,
    firsts: *mut usize,
    kinds: usize,
    fail: *mut usize,
    stream: CUstream,
) -> R {
    call.ctx()?;
    check_stream(stream)?;
    crate::api::put_opt(fail, usize::MAX);
    let (dsts, srcs) = (take_many(dsts, count)?, take_many(srcs, count)?);
    let sizes = take_many(sizes, count)?;
    let firsts = take_many(firsts, kinds)?;
    let attributes = take_many(attributes.cast::<CopyAttributes>(), kinds)?;
    let ascending = firsts.windows(2).all(|pair| pair[0] < pair[1]);
    if count == 0 || kinds == 0 || kinds > count || firsts.first() != Some(&0) || !ascending {
        return Err(E::INVALID_VALUE);
    }
    attributes.iter().try_for_each(|attribute| check_order(attribute.order))?;
    let copies: Vec<_> = dsts.into_iter().zip(srcs).zip(sizes).collect();
    let jobs = jobs(copies, fail, |((dst, src), bytes)| match bytes {
        0 => Err(E::INVALID_VALUE),
        _ => Job::flat(Side3D::unified(dst), Side3D::unified(src), bytes),
    })?;
    submit(call, jobs, stream)
}

pub fn batch_v2(
    call: &Call,
    dsts: *mut CUdeviceptr,
    srcs: *mut CUdeviceptr,
    sizes: *mut usize,
    count: usize,
    attributes: *mut CUmemcpyAttributes,
    firsts: *mut usize,
    kinds: usize,
    stream: CUstream,
) -> R {
    let fail = std::ptr::null_mut();
    batch(call, dsts, srcs, sizes, count, attributes, firsts, kinds, fail, stream)
}

pub fn batch_3d(
    call: &Call,
    count: usize,
    ops: *mut CUDA_MEMCPY3D_BATCH_OP,
    fail: *mut usize,
    flags: u64,
    stream: CUstream,
) -> R {
    call.ctx()?;
    check_stream(stream)?;
    if flags != 0 || count == 0 {
        return Err(E::INVALID_VALUE);
    }
    crate::api::put_opt(fail, usize::MAX);
    let jobs = jobs(take_many(ops.cast::<BatchOp>(), count)?, fail, volume)?;
    submit(call, jobs, stream)
}

pub fn batch_3d_v2(
    call: &Call,
    count: usize,
    ops: *mut CUDA_MEMCPY3D_BATCH_OP,
    flags: u64,
    stream: CUstream,
) -> R {
    batch_3d(call, count, ops, std::ptr::null_mut(), flags, stream)
}

pub fn with_attributes(
    call: &Call,
    dst: CUdeviceptr,
    src: CUdeviceptr,
    bytes: usize,
    attributes: *mut CUmemcpyAttributes,
    stream: CUstream,
) -> R {
    check_order(take(attributes.cast::<CopyAttributes>())?.order)?;
    let job = Job::flat(Side3D::unified(dst), Side3D::unified(src), bytes)?;
    submit(call, vec![job], stream)
}

pub fn with_attributes_3d(
    call: &Call,
    op: *mut CUDA_MEMCPY3D_BATCH_OP,
    flags: u64,
    stream: CUstream,
) -> R {
    if flags != 0 {
        return Err(E::INVALID_VALUE);
    }
    let job = volume(take(op.cast::<BatchOp>())?)?;
    submit(call, vec![job], stream)
}

fn volume(op: BatchOp) -> Result<Job, E> {
    check_order(op.order)?;
    let [width, height, depth] = op.extent;
    // Extents count elements where an array takes part, else bytes.
    let element = [op.src, op.dst].iter().find_map(Operand::element).unwrap_or(Ok(1))?;
    let width = width.checked_mul(element).ok_or(E::INVALID_VALUE)?;
    let side = |operand: Operand| operand.side(width, height, element);
    let (src, dst) = (side(op.src)?, side(op.dst)?);
    Job::new(Memcpy3D { src, dst, width, height, depth })
}

const POINTER: u32 = 1;
const ARRAY: u32 = 2;

impl Operand {
    /// Bytes of an element, if it is an array.
    fn element(&self) -> Option<Result<usize, E>> {
        let array = (self.kind == ARRAY).then(|| crate::memory::array::of_handle(self.words[0]));
        array.map(|array| Ok(array?.element_bytes()))
    }

    /// A row length or layer height of 0 means tightly packed.
    fn side(&self, width: usize, height: usize, element: usize) -> Result<Side3D, E> {
        let [a, b, c, d] = self.words;
        match self.kind {
            POINTER => Ok(Side3D {
                kind: OF_UNIFIED,
                device: a as u64,
                pitch: if b == 0 {
                    width
                } else {
                    b.checked_mul(element).ok_or(E::INVALID_VALUE)?
                },
                height: if c == 0 { height } else { c },
                ..Side3D::default()
            }),
            ARRAY => {
                let x = b.checked_mul(element).ok_or(E::INVALID_VALUE)?;
                Ok(Side3D { y: c, z: d, ..Side3D::array(a, x) })
            }
            _ => Err(E::INVALID_VALUE),
        }
    }
}
