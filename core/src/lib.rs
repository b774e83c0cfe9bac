//! What cuota decides and the memory it shares: no CUDA, no preload, no process state. Time,
//! environment and backing memory come in as parameters.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod array;
pub mod book;
pub mod config;
pub mod grain;
pub mod identity;
pub mod kind;
pub mod ledger;
pub mod mps;
pub mod names;
#[cfg(all(test, loom))]
mod orders;
pub mod pages;
pub mod places;
pub mod share;
pub mod shm;
pub mod table;
pub mod tally;
