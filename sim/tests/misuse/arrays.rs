use crate::driver::*;
use crate::rows;

const FLOAT: u64 = 0x20;

/// `CUDA_ARRAY_DESCRIPTOR`
fn create(width: u64, height: u64, format: u64, channels: u64) -> u32 {
    cu!(cuArrayCreate_v2, &mut 0_usize, &mut [width, height, channels << 32 | format])
}

fn array() -> usize {
    get!(usize, cuArrayCreate_v2, &mut [64, 64, 1 << 32 | FLOAT])
}

fn destroyed() -> usize {
    let gone = array();
    ok!(cuArrayDestroy, gone);
    gone
}

fn describe(array: usize) -> u32 {
    cu!(cuArrayGetDescriptor_v2, &mut [0_u64; 3], array)
}

/// 64 by 64, in so many levels.
fn mipmapped(levels: u32) -> Result<usize, u32> {
    let mut array = 0_usize;
    match cu!(cuMipmappedArrayCreate, &mut array, &mut [64, 64, 0, 1 << 32 | FLOAT, 0], levels) {
        0 => Ok(array),
        code => Err(code),
    }
}

fn level(level: u32) -> u32 {
    cu!(cuMipmappedArrayGetLevel, &mut 0_usize, mipmapped(3).unwrap(), level)
}

/// `CUDA_MEMCPY2D` from host memory into an array, so many bytes wide.
fn copy(width: usize) -> u32 {
    let host = vec![0_u8; width * 64];
    let (of_host, of_array) = (1, 3);
    let from = [0, 0, of_host, host.as_ptr() as usize, 0, 0, width];
    let to = [0, 0, of_array, 0, 0, array(), 0];
    let mut shape: Vec<usize> = from.into_iter().chain(to).chain([width, 64]).collect();
    cu!(cuMemcpy2D_v2, shape.as_mut_ptr())
}

rows! { "arrays":
    cuArrayCreate_v2, "no width" => 1, |_| create(64, 64, FLOAT, 1), |_| create(0, 64, FLOAT, 1);
    cuArrayCreate_v2, "three channels" => 1, |_| create(64, 64, FLOAT, 4), |_| create(64, 64, FLOAT, 3);
    cuArrayCreate_v2, "a format that does not exist" => 1, |_| create(64, 64, FLOAT, 1), |_| create(64, 64, 0x7777, 1);
    cuArrayDestroy, "twice" => 400, |_| cu!(cuArrayDestroy, array()), |_| cu!(cuArrayDestroy, destroyed());
    cuArrayGetDescriptor_v2, "a destroyed array" => 400, |_| describe(array()), |_| describe(destroyed());
    cuMipmappedArrayGetLevel, "a level it does not have" => 1, |_| level(2), |_| level(3);
    cuMemcpy2D_v2, "rows longer than the array's" => 1, |_| copy(256), |_| copy(260);
}
