//! Entry points: launching kernels, and what of them fits.

use std::ffi::{c_int, c_uint, c_void};

use cudarc::driver::sys::*;

use crate::module::launch_calls::{self as launch, DeviceLaunch};
use crate::module::{legacy, occupancy};

entries! {
    [cuLaunchKernel cuLaunchKernel_ptsz] (function: CUfunction, grid_x: c_uint, grid_y: c_uint, grid_z: c_uint, block_x: c_uint, block_y: c_uint, block_z: c_uint, shared: c_uint, stream: CUstream, params: *mut *mut c_void, extra: *mut *mut c_void) => launch::kernel;
    [cuLaunchKernelEx cuLaunchKernelEx_ptsz] (config: *const CUlaunchConfig, function: CUfunction, params: *mut *mut c_void, extra: *mut *mut c_void) => launch::kernel_ex;
    [cuLaunchCooperativeKernel cuLaunchCooperativeKernel_ptsz] (function: CUfunction, grid_x: c_uint, grid_y: c_uint, grid_z: c_uint, block_x: c_uint, block_y: c_uint, block_z: c_uint, shared: c_uint, stream: CUstream, params: *mut *mut c_void) => launch::cooperative;
    [cuLaunchCooperativeKernelMultiDevice] (list: *mut DeviceLaunch, count: c_uint, flags: c_uint) => launch::multi_device;

    [cuFuncSetBlockShape] (function: CUfunction, x: c_int, y: c_int, z: c_int) => legacy::block_shape;
    [cuFuncSetSharedSize] (function: CUfunction, bytes: c_uint) => legacy::shared_size;
    [cuParamSetSize] (function: CUfunction, bytes: c_uint) => legacy::param_size;
    [cuParamSeti] (function: CUfunction, offset: c_int, value: c_uint) => legacy::param_int;
    [cuParamSetf] (function: CUfunction, offset: c_int, value: f32) => legacy::param_float;
    [cuParamSetv] (function: CUfunction, offset: c_int, from: *mut c_void, count: c_uint) => legacy::param_bytes;
    [cuLaunch] (function: CUfunction) => legacy::launch;
    [cuLaunchGrid] (function: CUfunction, width: c_int, height: c_int) => legacy::launch_grid;
    [cuLaunchGridAsync] (function: CUfunction, width: c_int, height: c_int, stream: CUstream) => legacy::launch_grid_async;

    [cuOccupancyMaxActiveBlocksPerMultiprocessor] (blocks: *mut c_int, function: CUfunction, threads: c_int, shared: usize) => occupancy::max_blocks;
    [cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags] (blocks: *mut c_int, function: CUfunction, threads: c_int, shared: usize, flags: c_uint) => occupancy::max_blocks_with_flags;
    [cuOccupancyMaxPotentialBlockSize] (grid: *mut c_int, block: *mut c_int, function: CUfunction, shared_of: Option<unsafe extern "C" fn(c_int) -> usize>, shared: usize, limit: c_int) => occupancy::best_block;
    [cuOccupancyMaxPotentialBlockSizeWithFlags] (grid: *mut c_int, block: *mut c_int, function: CUfunction, shared_of: Option<unsafe extern "C" fn(c_int) -> usize>, shared: usize, limit: c_int, flags: c_uint) => occupancy::best_block_with_flags;
    [cuOccupancyAvailableDynamicSMemPerBlock] (bytes: *mut usize, function: CUfunction, blocks: c_int, threads: c_int) => occupancy::available_shared;
    [cuOccupancyMaxPotentialClusterSize] (size: *mut c_int, function: CUfunction, config: *const CUlaunchConfig) => occupancy::max_cluster;
    [cuOccupancyMaxActiveClusters] (clusters: *mut c_int, function: CUfunction, config: *const CUlaunchConfig) => occupancy::active_clusters;
}
