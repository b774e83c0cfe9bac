//! A simulated CUDA driver: what a program sees of `libcuda.so.1` and `libnvidia-ml.so.1`, without a GPU.

#![allow(clippy::too_many_arguments)]

mod api;
mod calls;
mod clock;
mod context;
mod device;
mod entries;
mod errors;
mod faults;
mod handles;
mod init;
mod lookup;
mod machine;
mod memory;
mod module;
mod mps;
mod nvml;
mod profiler;
mod work;
