//! The steps that make the algorithm right, each of which a test leaves out to see it go wrong.
#![forbid(unsafe_code)]

/// The algorithm as it is meant. Every constant is a step; `broken.rs` or `lost.rs` has
/// a variant without it.
pub trait Rules {
    /// A commit first keeps the number of the commit it overwrites.
    const HELPS: bool = true;
    /// The charge and its commit are one step.
    const WHOLE: bool = true;
    /// An owner does not write in a lane that is somebody else's by now,
    const LOOKS_AT_OWNER: bool = true;
    /// and does not commit over its own charge's having been taken off.
    const NOTICES_REAPS: bool = true;
    /// A note that no commit has published is written anew for the next one.
    const WRITES_NOTES_ANEW: bool = true;
    /// A refusal holds only if nobody was reaped since the total was read.
    const COUNTS_REAPS: bool = true;
    /// A reap looks at the owner again after it has read the lane's number.
    const RECHECKS_OWNER: bool = true;
    /// A reap commits only over the number it read the charge at.
    const RECHECKS_NUMBER: bool = true;
    /// A changed limit is announced by a commit.
    const ANNOUNCES_LIMIT: bool = true;
    /// The limit is read after the total.
    const LIMIT_AFTER_TOTAL: bool = true;
    /// A refusal holds only if the limit was the same before and after the total was read.
    const RECHECKS_LIMIT: bool = true;
}

#[derive(Clone, Copy, Debug)]
pub struct Exact;

impl Rules for Exact {}
