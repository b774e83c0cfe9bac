//! From addresses to bytes: what a copy or a fill may touch, and where that is in this process.

use super::block::Block;
use super::range::{self, Backing, Kind, Range};
use super::window;
use crate::api::{E, R};
use cudarc::driver::sys::CUdevice;
use std::sync::{Arc, PoisonError};

/// Checked addresses. Their ranges stay alive with it, freed or not.
#[derive(Clone)]
pub struct Reach {
    pub address: usize,
    /// In order and without gaps; none for host memory the driver does not know.
    parts: Vec<Arc<Range>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Read,
    Write,
}

impl Reach {
    /// The bytes at an address, host or device: unified addressing tells which.
    pub fn of(address: usize, len: usize, use_: Use) -> Result<Reach, E> {
        let end = address.checked_add(len).ok_or(E::INVALID_VALUE)?;
        let mut parts = Vec::new();
        let mut at = address;
        while let Some(range) = range::find(at).filter(|_| at < end) {
            if !range.allows(use_) {
                return Err(E::INVALID_VALUE);
            }
            at = range.end();
            let seamless = matches!(range.kind, Kind::Mapping(_));
            parts.push(range);
            if !seamless {
                break;
            }
        }
        let covered = at >= end;
        let unknown = parts.is_empty() && !window::contains(address) && address != 0;
        if len > 0 && !covered && !unknown {
            return Err(E::INVALID_VALUE);
        }
        Ok(Reach { address, parts })
    }

    /// As [`Reach::of`], for addresses that must be known to the driver.
    pub fn of_device(address: usize, len: usize, use_: Use) -> Result<Reach, E> {
        let reach = Reach::of(address, len, use_)?;
        if reach.is_pageable() && len > 0 { Err(E::INVALID_VALUE) } else { Ok(reach) }
    }

    /// Host memory the driver has no hold on.
    pub fn is_pageable(&self) -> bool {
        self.parts.is_empty()
    }

    /// The device whose memory it is; `None` for the host's.
    pub fn device(&self) -> Option<CUdevice> {
        let first = self.parts.first().filter(|range| !range.on_host());
        first.map(|range| range.owner.device)
    }

    /// Calls with each stretch of bytes, in order: offset from the start of the reach, where the
    /// bytes are in this process, and how many.
    pub fn each(&self, offset: usize, len: usize, mut f: impl FnMut(usize, usize, usize)) -> R {
        if self.parts.is_empty() {
            f(0, self.address + offset, len);
            return Ok(());
        }
        let (start, end) = (self.address + offset, self.address + offset + len);
        for range in &self.parts {
            let (from, to) = (start.max(range.base), end.min(range.end()));
            if from < to {
                let (at, _held) = range.seen(from - range.base)?;
                f(from - start, at, to - from);
            }
        }
        Ok(())
    }
}

impl Range {
    fn allows(&self, use_: Use) -> bool {
        match &self.kind {
            Kind::Mapping(access) => access.allows(use_),
            _ => true,
        }
    }

    /// Where this process sees the range's byte at an offset, and what must live meanwhile.
    /// Graph memory outside the graph's run has no bytes: touching it is a fault.
    fn seen(&self, within: usize) -> Result<(usize, Option<Arc<Block>>), E> {
        match &self.backing {
            Backing::Piece(piece) => {
                let (block, offset) = piece.block();
                Ok((block.at(offset + within), None))
            }
            Backing::Block { block, offset, .. } => Ok((block.at(offset + within), None)),
            Backing::Changing { held, .. } => {
                let held = held.read().unwrap_or_else(PoisonError::into_inner);
                let block = held.as_ref().ok_or(E::ILLEGAL_ADDRESS)?.block.clone();
                Ok((block.at(within), Some(block)))
            }
            Backing::Host { .. } => Ok((self.base + within, None)),
        }
    }
}
