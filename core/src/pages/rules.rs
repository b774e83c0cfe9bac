//! The steps that keep several threads' requests charged, each of which a test leaves out to see it go
//! wrong.
#![forbid(unsafe_code)]

/// Every constant is a step; `tests/threads.rs` has a variant without it.
pub trait Rules: Default {
    /// A page that goes empty stays charged for whom room was promised to.
    const STAYS: bool = true;
    /// No more pages are left to those than there are of them.
    const ONE_EACH: bool = true;
    /// One that was promised room and took another page waits until that is charged.
    const WAITS_FOR_PAGE: bool = true;
    /// Such a page, which nobody is charged for yet, is not given back when it is somebody else's.
    const OWES: bool = true;
    /// Those who wait may be put where they leave no piece long enough for the next.
    const COUNTS_PIECES: bool = true;
    /// A page that another owner has by now is no longer the first one's.
    const MOVES: bool = true;
    /// Where something that is leaving lies there is room once the driver has given it out again,
    const OVERTAKES: bool = true;
    /// and what was there before is not taken for what is there now.
    const TELLS_APART: bool = true;
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Exact;

impl Rules for Exact {}
