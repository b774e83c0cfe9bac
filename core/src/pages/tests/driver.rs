//! A driver for one process, and what is asked of it.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use crate::grain::{PAGE, SMALL, UNIT, round};
use crate::pages::Owner;

pub const BASE: u64 = 0x7f00_0000_0000;

/// A driver that cuts first fit, and knows by intervals what the pages know by bits.
#[derive(Default)]
pub struct Driver {
    /// Address → bytes, per owner.
    live: BTreeMap<u64, (Owner, u64)>,
    pub pages: BTreeMap<u64, Owner>,
}

impl Driver {
    pub fn find(&self, owner: Owner, bytes: u64) -> Option<u64> {
        let own = self.pages.iter().filter(|(_, of)| **of == owner);
        own.map(|(page, _)| *page).find_map(|page| {
            let mut at = page;
            for (address, (_, len)) in self.live.range(page..page + PAGE) {
                if address - at >= bytes {
                    return Some(at);
                }
                at = address + len;
            }
            (page + PAGE - at >= bytes).then_some(at)
        })
    }

    pub fn alloc(&mut self, owner: Owner, bytes: u64) -> u64 {
        let bytes = round(bytes, UNIT);
        let at = self.find(owner, bytes).unwrap_or_else(|| {
            let free = (0..).map(|n| BASE + n * PAGE).find(|page| !self.pages.contains_key(page));
            let page = free.expect("there is always another");
            self.pages.insert(page, owner);
            page
        });
        self.live.insert(at, (owner, bytes));
        at
    }

    pub fn free(&mut self, address: u64) {
        self.live.remove(&address);
        let page = address / PAGE * PAGE;
        if self.live.range(page..page + PAGE).next().is_none() {
            self.pages.remove(&page);
        }
    }
}

pub const SIZES: [u64; 6] = [1, 512, 4096, 70_000, 700 << 10, SMALL];

pub fn chance(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut random = 0x1234_5678_9abc_def1_u64 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    }
}
