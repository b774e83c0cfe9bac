//! Work that is neither launched, copied nor filled, and counted as nothing but work in flight: it may fault
//! like any other.
#![forbid(unsafe_code)]

use core::ffi::{c_uint, c_ulonglong};

use cudarc::driver::sys::*;

use super::real::Real;
use super::work::submitted;
use crate::client::Client;
use crate::driver::Status;

/// Bodies by the arguments before and behind the stream.
macro_rules! submits {
    ($($body:ident ($($before:ty),*; stream $(; $($behind:ty),*)?);)*) => {$(
        #[allow(clippy::too_many_arguments)]
        pub fn $body(
            client: &Client,
            real: &Real,
            $(_: $before,)*
            stream: CUstream,
            $($(_: $behind,)*)?
        ) -> Status {
            submitted(client, real, stream, |_| {})
        }
    )*};
}

submits! {
    // Values written and waited for in a stream's order.
    value_32(; stream; CUdeviceptr, cuuint32_t, c_uint);
    value_64(; stream; CUdeviceptr, cuuint64_t, c_uint);
    batch(; stream; c_uint, *mut CUstreamBatchMemOpParams, c_uint);
    prefetch_to(CUdeviceptr, usize, CUdevice; stream);
    prefetch(CUdeviceptr, usize, CUmemLocation, c_uint; stream);
    prefetch_batch(*mut CUdeviceptr, *mut usize, usize, *mut CUmemLocation, *mut usize, usize, c_ulonglong; stream);
    decompress(*mut CUmemDecompressParams, usize, c_uint, *mut usize; stream);
    signal(*const CUexternalSemaphore, *const CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS, c_uint; stream);
    wait(*const CUexternalSemaphore, *const CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS, c_uint; stream);
}
