//! What the books say of requests and pages.
#![forbid(unsafe_code)]

use core::num::NonZero;

use super::Owner;
use super::page::Out;
use crate::grain::UNIT;

/// What came of a request the driver has placed, in one register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// It took a page nobody is charged for; not if that was reserved for it.
    pub new: bool,
    /// So many charged pages nobody needs any more.
    pub spare: u32,
    /// There are some that `take_moved` tells of.
    pub moved: bool,
}

/// What was taken out at an address, to be put back if the driver did not free it. Two registers' worth,
/// also where there may be none: it comes and goes with every small request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub owner: Owner,
    /// Units above, the tag below.
    what: NonZero<u64>,
}

/// The pages of an owner, taken out.
pub struct Gone {
    pub(super) pages: Vec<(u64, Out)>,
}

/// A page that is no longer its owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub owner: Owner,
    pub tag: u16,
    /// How many requests lay there, with how many bytes; those that were taken out are told of by who took
    /// them.
    pub requests: (u64, u64),
    /// Whether its charge is to be given back.
    pub charged: bool,
}

impl Left {
    pub(super) fn of(mut out: Out) -> Left {
        let page = out.page();
        let (count, units) = page.begun();
        let charged = !page.is_owed();
        Left { owner: page.owner(), tag: page.tag(), requests: (count, units * UNIT), charged }
    }
}

impl Gone {
    pub fn pages(self) -> impl Iterator<Item = Left> {
        self.pages.into_iter().map(|(_, out)| Left::of(out))
    }
}

impl Taken {
    pub(super) fn new(owner: Owner, tag: u16, units: usize) -> Option<Taken> {
        let what = NonZero::new((units as u64) << u16::BITS | u64::from(tag))?;
        Some(Taken { owner, what })
    }

    pub fn tag(&self) -> u16 {
        self.what.get() as u16
    }

    pub(super) fn units(&self) -> usize {
        (self.what.get() >> u16::BITS) as usize
    }

    pub fn bytes(&self) -> u64 {
        self.units() as u64 * UNIT
    }
}
