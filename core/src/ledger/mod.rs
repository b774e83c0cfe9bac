//! The ledger's algorithm: charges that never exceed a limit, are never falsely refused, and are
//! exact whoever is killed between any two instructions. Nothing here waits for another process.
#![forbid(unsafe_code)]

mod account;
mod change;
mod contend;
mod operate;
mod reap;
mod rules;
mod word;

#[cfg(test)]
mod tests;

pub use account::{Account, HEAD, Idle, LANE, Lane, NOTE, SLOT, Slot, head};
pub use change::{Answer, Change};
pub use operate::{Owned, announce};
pub use reap::{Living, is_closed, join, leave, reap};
pub use rules::{Exact, Rules};
pub use word::{MOST_BYTES, MOST_SEQ, Total, TotalWord, UNLIMITED, Word};
