//! Fills.
#![forbid(unsafe_code)]

use core::ffi::{c_uchar, c_uint, c_ushort};

use cudarc::driver::sys::{CUdeviceptr, CUstream};
use cuota_core::book::Count;

use super::real::Real;
use super::work::{done, submitted};
use crate::client::Client;
use crate::driver::Status;
use crate::member::Work;

/// Bodies of fills with elements of one size; of one row, or of several.
macro_rules! fills {
    ($($element:ty: $row:ident $row_async:ident $rows:ident $rows_async:ident;)*) => {$(
        pub fn $row(client: &Client, real: &Real, _: CUdeviceptr, _: $element, count: usize) -> Status {
            done(client, real, filled::<$element>(count, 1))
        }

        pub fn $row_async(
            client: &Client, real: &Real, _: CUdeviceptr, _: $element, count: usize, stream: CUstream,
        ) -> Status {
            submitted(client, real, stream, filled::<$element>(count, 1))
        }

        pub fn $rows(
            client: &Client, real: &Real, _: CUdeviceptr, _: usize, _: $element, width: usize, height: usize,
        ) -> Status {
            done(client, real, filled::<$element>(width, height))
        }

        #[allow(clippy::too_many_arguments)]
        pub fn $rows_async(
            client: &Client, real: &Real, _: CUdeviceptr, _: usize, _: $element, width: usize, height: usize,
            stream: CUstream,
        ) -> Status {
            submitted(client, real, stream, filled::<$element>(width, height))
        }
    )*};
}

fn filled<T>(width: usize, height: usize) -> impl FnOnce(&Work) {
    let bytes = width.saturating_mul(height).saturating_mul(size_of::<T>()) as u64;
    move |work| {
        work.count(Count::Fills, 1);
        work.count(Count::FillBytes, bytes);
    }
}

fills! {
    c_uchar: row_8 row_8_async rows_8 rows_8_async;
    c_ushort: row_16 row_16_async rows_16 rows_16_async;
    c_uint: row_32 row_32_async rows_32 rows_32_async;
}
