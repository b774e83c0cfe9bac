//! The entry points, one row each: exported names, parameters, and the function that answers.
//!
//! `[cuX cuX_ptsz] (a: T, b: U) => area::body;` makes `sim_cuX` and `sim_cuX_ptsz`, to which the exported
//! stubs jump (build.rs reads the names between the brackets). Bodies are `fn(&Call, T, U) -> R`.

macro_rules! entries {
    ($($(#[$note:meta])* [$($name:ident)+] $params:tt => $body:path;)*) => {
        $($($crate::entries::entry! { $name $params $body })+)*
    };
}

macro_rules! entry {
    ($name:ident ($($arg:ident: $ty:ty),* $(,)?) $body:path) => {
        const _: () = {
            #[allow(non_snake_case)]
            #[unsafe(export_name = concat!("sim_", stringify!($name)))]
            extern "C" fn $name($($arg: $ty),*) -> u32 {
                $crate::api::enter(stringify!($name), |call| $body(call, $($arg),*))
            }
        };
    };
}

/// As `entries`, for the management library.
macro_rules! nvml_entries {
    ($($(#[$note:meta])* [$($name:ident)+] $params:tt => $body:path;)*) => {
        $($($crate::entries::nvml_entry! { $name $params $body })+)*
    };
}

macro_rules! nvml_entry {
    ($name:ident ($($arg:ident: $ty:ty),* $(,)?) $body:path) => {
        const _: () = {
            #[allow(non_snake_case)]
            #[unsafe(export_name = concat!("sim_", stringify!($name)))]
            extern "C" fn $name($($arg: $ty),*) -> u32 {
                $crate::nvml::enter(stringify!($name), || $body($($arg),*))
            }
        };
    };
}

/// An entry of the management library that answers with a text.
macro_rules! nvml_text {
    ([$name:ident] ($arg:ident: $ty:ty) => $body:path) => {
        const _: () = {
            #[allow(non_snake_case)]
            #[unsafe(export_name = concat!("sim_", stringify!($name)))]
            extern "C" fn $name($arg: $ty) -> *const std::ffi::c_char {
                $body($arg)
            }
        };
    };
}

use {entry, nvml_entry};

mod array;
mod context;
mod copy;
mod core;
mod event;
mod graph;
mod launch;
mod memory;
mod module;
mod nvml;
mod pool;
mod stream;
mod vmm;
