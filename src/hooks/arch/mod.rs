//! The few instructions each exported symbol is made of. None of them knows a signature: they leave
//! every argument where it is.

#[cfg(target_arch = "x86_64")]
#[macro_use]
mod x86_64;
#[cfg(target_arch = "aarch64")]
#[macro_use]
mod aarch64;
