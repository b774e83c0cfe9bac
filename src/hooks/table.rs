//! What a row expands to: the exported jump, the entry it jumps through, the check of its signature
//! against cudarc's, and, where there is a body, the typed function that enters it.

/// One entry point. Its three pieces of code and its `ENTRY` live in a module of its own name.
macro_rules! entry {
    ($name:ident, $library:expr, $kind:expr) => {
        pub static ENTRY: $crate::driver::Entry = {
            const NAME: &core::ffi::CStr =
                $crate::hooks::table::c_str(concat!(stringify!($name), "\0"));
            $crate::driver::Entry::new(
                NAME,
                $library,
                $kind,
                $name as *const (),
                first as *const (),
                counted as *const (),
            )
        };

        /// The symbol programs and libraries are linked to, and the address we hand out.
        // SAFETY: no other symbol of this name is in the library; it is meant to stand before the
        // driver's. It has the signature of whatever its slot leads to.
        #[cfg_attr(not(test), unsafe(no_mangle))]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            exported_jump!(ENTRY)
        }

        #[unsafe(naked)]
        unsafe extern "C" fn first() {
            first_call!(ENTRY, $crate::hooks::forward::open_and_retry)
        }

        #[unsafe(naked)]
        unsafe extern "C" fn counted() {
            counted_jump!(ENTRY)
        }
    };
}

/// The table. A row is one entry point with its stream flavours:
///
/// - `[names] (arguments);` hooked, no body yet: a bare jump to the driver;
/// - `[names] (arguments) => body;` enters `body(client, real, arguments…)`;
/// - `=> takes body` likewise, and a body that fails before it asked the driver refuses with
///   OUT_OF_MEMORY instead of letting an uncounted allocation through;
/// - `=> always body` likewise, also while this thread is in a body already;
/// - `kind: CUlimit as c_uint` an enum taken as a number: a newer caller's value may not be in it;
/// - `unbound [names] …` cudarc does not bind the name: `tests/signatures.rs` checks it instead.
macro_rules! hooks {
    ($library:expr; $($rows:tt)*) => {
        hooks!(@row $library; []; $($rows)*);
    };
    (@row $library:expr; [$($done:ident)*];) => {
        /// The entry points of these rows, in order.
        pub const ENTRIES: &[&$crate::driver::Entry] = &[$(&$done::ENTRY),*];
        pub const NAMES: &[&str] = &[$(stringify!($done)),*];
    };
    (@row $library:expr; $done:tt; unbound $names:tt $args:tt $($rest:tt)*) => {
        hooks!(@body $library; $done; $names $args $($rest)*);
    };
    (@row $library:expr; $done:tt; [$($name:ident)+] $args:tt $($rest:tt)*) => {
        signature!($($name)+; $args);
        hooks!(@body $library; $done; [$($name)+] $args $($rest)*);
    };
    (@body $library:expr; [$($done:ident)*]; [$($name:ident)+] $args:tt; $($rest:tt)*) => {
        $(row!($library; $name $args);)+
        hooks!(@row $library; [$($done)* $($name)+]; $($rest)*);
    };
    (@body $library:expr; [$($done:ident)*];
     [$($name:ident)+] $args:tt => takes $room:ident :: $body:ident; $($rest:tt)*) => {
        $(row!($library; $name $args; enter Refuse; $room $body);)+
        hooks!(@row $library; [$($done)* $($name)+]; $($rest)*);
    };
    (@body $library:expr; [$($done:ident)*];
     [$($name:ident)+] $args:tt => always $room:ident :: $body:ident; $($rest:tt)*) => {
        $(row!($library; $name $args; enter_always CallThrough; $room $body);)+
        hooks!(@row $library; [$($done)* $($name)+]; $($rest)*);
    };
    (@body $library:expr; [$($done:ident)*];
     [$($name:ident)+] $args:tt => $room:ident :: $body:ident; $($rest:tt)*) => {
        $(row!($library; $name $args; enter CallThrough; $room $body);)+
        hooks!(@row $library; [$($done)* $($name)+]; $($rest)*);
    };
}

/// A row whose argument types are not exactly cudarc's does not compile. The first name of a row is
/// the one cudarc binds; its stream flavours have the same signature.
macro_rules! signature {
    ($name:ident $($flavour:ident)*; ($($arg:ident: $ty:ty $(as $raw:ty)?),*)) => {
        const _: unsafe fn($($ty),*) -> cudarc::driver::sys::CUresult = cudarc::driver::sys::$name;
    };
}

macro_rules! row {
    ($library:expr; $name:ident ($($arg:ident: $ty:ty $(as $raw:ty)?),*)) => {
        #[allow(non_snake_case)]
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            // The types exist, though nothing here passes them yet.
            const _: Option<unsafe extern "C" fn($($ty),*) -> $crate::driver::Status> = None;

            entry!($name, $library, $crate::driver::Kind::Hooked { thunk: None });
        }
    };
    ($library:expr; $name:ident ($($arg:ident: $ty:ty $(as $raw:ty)?),*); $enter:ident $on_panic:ident; $room:ident $body:ident) => {
        #[allow(non_snake_case)]
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            entry!(
                $name,
                $library,
                $crate::driver::Kind::Hooked { thunk: Some(THUNK as *const ()) }
            );

            /// How the driver is called, and how we are: one type, so neither can lose `extern "C"`.
            type Function = unsafe extern "C" fn($(abi!($ty $(as $raw)?)),*) -> $crate::driver::Status;
            const THUNK: Function = thunk;

            /// What the slot leads to: the body, typed.
            unsafe extern "C" fn thunk($($arg: abi!($ty $(as $raw)?)),*) -> $crate::driver::Status {
                let call = || {
                    // SAFETY: `real` is this very name in the real driver, whose signature is the
                    // row's (checked against cudarc at compile time); a slot leads here only after
                    // `real` was found, and the arguments are the program's own.
                    unsafe {
                        core::mem::transmute::<*mut (), Function>(ENTRY.real())($($arg),*)
                    }
                };
                $crate::hooks::real::$enter(const { &$crate::hooks::real::Name::of(stringify!($name)) }, &call, $crate::hooks::real::OnPanic::$on_panic, |client, real| {
                    $crate::hooks::$room::$body(client, real, $($arg),*)
                })
            }
        }
    };
}

/// How an argument crosses the ABI: as it is declared, or, for an enum that may hold a value we do not
/// know, as the number it is.
macro_rules! abi {
    ($ty:ty) => {
        $ty
    };
    ($ty:ty as $raw:ty) => {
        $raw
    };
}

/// A string that ends in NUL, as the loader wants names.
pub const fn c_str(text: &'static str) -> &'static core::ffi::CStr {
    match core::ffi::CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    }
}
