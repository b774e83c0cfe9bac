//! The management library's answers: one table for constants and texts.

use std::ffi::{CStr, c_char, c_uint};

/// A refusal, as the code the caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct N(pub u32);

macro_rules! codes {
    ($($code:literal $name:ident $text:literal;)*) => {
        // The table is the API's, and whole; not every answer is given here.
        #[allow(dead_code)]
        impl N {
            $(pub const $name: N = N($code);)*
        }

        static TABLE: &[(u32, &CStr)] = &[$(($code, $text),)*];
    };
}

codes! {
    0 SUCCESS c"Success";
    1 UNINITIALIZED c"Uninitialized";
    2 INVALID_ARGUMENT c"Invalid Argument";
    3 NOT_SUPPORTED c"Not Supported";
    4 NO_PERMISSION c"Insufficient Permissions";
    5 ALREADY_INITIALIZED c"Already Initialized";
    6 NOT_FOUND c"Not Found";
    7 INSUFFICIENT_SIZE c"Insufficient Size";
    8 INSUFFICIENT_POWER c"Insufficient External Power";
    9 DRIVER_NOT_LOADED c"Driver Not Loaded";
    10 TIMEOUT c"Timeout";
    11 IRQ_ISSUE c"Interrupt Request Issue";
    12 LIBRARY_NOT_FOUND c"NVML Shared Library Not Found";
    13 FUNCTION_NOT_FOUND c"Function Not Found";
    14 CORRUPTED_INFOROM c"Corrupted infoROM";
    15 GPU_IS_LOST c"GPU is lost";
    16 RESET_REQUIRED c"GPU requires reset";
    17 OPERATING_SYSTEM c"GPU access blocked by the operating system";
    18 LIB_RM_VERSION_MISMATCH c"Driver/library version mismatch";
    19 IN_USE c"In use by another client";
    20 MEMORY c"Insufficient Memory";
    21 NO_DATA c"No data";
    22 VGPU_ECC_NOT_SUPPORTED c"vGPU with ECC not supported";
    23 INSUFFICIENT_RESOURCES c"Insufficient Resources";
    24 FREQ_NOT_SUPPORTED c"Frequency not supported";
    25 ARGUMENT_VERSION_MISMATCH c"Argument version mismatch";
    26 DEPRECATED c"Deprecated";
    27 NOT_READY c"Not ready";
    28 GPU_NOT_FOUND c"GPU not found";
    29 INVALID_STATE c"Invalid state";
    999 UNKNOWN c"Unknown Error";
}

/// Never null, and asked for before `nvmlInit` too.
pub fn error_string(code: c_uint) -> *const c_char {
    let known = TABLE.iter().find(|row| row.0 == code);
    known.map_or(c"Unknown Error", |row| row.1).as_ptr()
}
