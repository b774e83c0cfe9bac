//! A simulated CUDA driver: what a program sees of `libcuda.so.1` and `libnvidia-ml.so.1`, without a GPU.
//!
//! What is simulated is set by the environment, read by `cuInit` and `nvmlInit`:
//! - `CUOTA_SIM`: the folder of a machine shared by all processes that name it; without it each
//!   process, and each of the two libraries, has a machine of its own;
//! - `CUOTA_SIM_CARDS`, `_BYTES`, `_ARCH`, `_CONTEXT_BYTES`: what a new machine is made of (`machine`);
//! - `CUOTA_SIM_MPS=1`: be an MPS client (`mps`);
//! - `CUOTA_SIM_FAULT`: trouble on request (`faults`).
//!
//! Which driver generation a library plays is decided when it is linked (`link.sh`).

#![allow(clippy::too_many_arguments)]

mod api;
mod calls;
mod clock;
mod context;
mod device;
mod done;
mod entries;
mod errors;
mod faults;
mod handles;
mod init;
mod lookup;
pub mod machine;
mod memory;
mod module;
mod mps;
mod nvml;
mod profiler;
mod work;
