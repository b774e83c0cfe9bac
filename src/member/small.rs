//! Small linear memory: charged by the page it lies in.
#![forbid(unsafe_code)]

use cuota_core::book::Memory;
use cuota_core::grain::{PAGE, UNIT, round};
use cuota_core::pages::{Gone, Taken};

use super::{Context, Entry, Full, Kind, Member, OnDevice, Room};
use crate::driver::Status;

fn tag(device: &OnDevice, kind: Kind) -> u16 {
    device.ordinal as u16 & 0xff | (kind as u16) << 8
}

fn page(tag: u16, owner: u64) -> Entry {
    let [ordinal, kind] = tag.to_le_bytes();
    Entry { bytes: PAGE, owner, ordinal, kind: Kind::from_code(kind) }
}

/// What the driver cuts out of a page for so many bytes.
fn whole(bytes: u64) -> u64 {
    round(bytes.max(1), UNIT)
}

/// Linear memory, taken out of the books before the driver frees it.
pub enum Linear {
    Alone(Entry),
    Small(Taken),
}

impl Member {
    /// What begins at an address. Memory of its own begins with a page; few small requests do.
    #[inline(always)]
    pub fn take_linear(&self, address: u64) -> Option<Linear> {
        let alone = || self.take(Room::Address, address).map(Linear::Alone);
        let small = || self.take_small(address).map(Linear::Small);
        if address.is_multiple_of(PAGE) { alone().or_else(small) } else { small().or_else(alone) }
    }

    /// Promises room in the pages there are, if there surely is some.
    #[inline(always)]
    pub fn promise(&self, context: Context, bytes: u64) -> bool {
        self.pages.with(|pages| pages.promise(context.handle, bytes))
    }

    /// What was promised has come to its end; pages left for it and not needed go back.
    #[inline(always)]
    pub fn kept(&self, context: Context, kind: Kind, bytes: u64) {
        let spare = self.pages.with(|pages| pages.kept(context.handle, bytes));
        if spare > 0 {
            self.give_back(context.device, kind, spare as u64 * PAGE);
        }
    }

    /// Leaves a charged page to those who were promised the room that the driver found; false if there
    /// is nobody.
    pub fn leave_page(&self, context: Context) -> bool {
        self.pages.with(|pages| pages.leave_page(context.handle))
    }

    /// The driver has put a promised request there; whether that took a page nobody had charged.
    #[inline(always)]
    pub fn place_promised(
        &self,
        context: Context,
        kind: Kind,
        address: u64,
        bytes: (u64, u64),
    ) -> bool {
        let (owner, tag) = (context.handle, tag(context.device, kind));
        let (new, spare) =
            self.pages.with(|pages| pages.place_promised(owner, tag, address, bytes));
        self.count_memory(context.device, kind, Memory::Taken, (1, whole(bytes.0)));
        if spare > 0 {
            self.give_back(context.device, kind, spare as u64 * PAGE);
        }
        new
    }

    /// Reserves a page to be ready for; false if near the limit a look at all pages found room, which is
    /// promised.
    pub fn page_for(
        &self,
        context: Context,
        kind: Kind,
        bytes: u64,
        name: &str,
    ) -> Result<bool, Status> {
        if self.try_add(context.device, kind, PAGE).is_ok() {
            return Ok(true);
        }
        if self.pages.with(|pages| pages.promise_anywhere(context.handle, bytes)) {
            return Ok(false);
        }
        self.add_again(context.device, kind, PAGE, name).map(|()| true)
    }

    /// The driver has put a small request there; whether that took another page.
    #[inline(always)]
    pub fn place(&self, context: Context, kind: Kind, address: u64, bytes: u64) -> bool {
        let tag = tag(context.device, kind);
        self.count_memory(context.device, kind, Memory::Taken, (1, whole(bytes)));
        self.pages.with(|pages| pages.place(context.handle, tag, address, bytes))
    }

    #[inline(always)]
    pub fn take_small(&self, address: u64) -> Option<Taken> {
        self.pages.with(|pages| pages.take(address))
    }

    /// The driver has freed it.
    #[inline(always)]
    pub fn let_go_small(&self, address: u64, taken: Taken) {
        let page = page(taken.tag(), taken.owner);
        if let Some(device) = self.device(page.ordinal.into()) {
            self.count_memory(device, page.kind, Memory::Freed, (1, taken.bytes()));
        }
        if self.pages.with(|pages| pages.freed(address, taken)) {
            self.uncharge(page);
        }
    }

    /// The same for one in a page that nobody has charged. If another came to lie there meanwhile, and
    /// took it for charged, it is held, and counts.
    pub fn let_go_uncharged(&self, device: &OnDevice, kind: Kind, address: u64, taken: Taken) {
        self.count_memory(device, kind, Memory::Freed, (1, taken.bytes()));
        if !self.pages.with(|pages| pages.freed(address, taken)) {
            self.force(device, kind, PAGE);
        }
    }

    /// The driver did not free it.
    pub fn put_back_small(&self, address: u64, taken: Taken) {
        self.pages.with(|pages| pages.put_back(address, taken));
    }

    pub(super) fn take_pages(&self, owner: u64) -> Gone {
        self.pages.with(|pages| pages.forget(owner))
    }

    /// Those that somebody else's request has come to know, and charged, meanwhile are given back once.
    pub(super) fn put_pages_back(&self, owner: u64, gone: Gone) {
        for tag in self.pages.with(|pages| pages.remember_all(gone)) {
            self.uncharge(page(tag, owner));
        }
    }

    /// Every page of a context that is gone.
    pub(super) fn let_go_pages(&self, owner: u64, gone: Gone) {
        for (tag, all) in gone.pages() {
            let page = page(tag, owner);
            if let Some(device) = self.device(page.ordinal.into()) {
                self.count_memory(device, page.kind, Memory::Freed, all);
            }
            self.uncharge(page);
        }
    }

    /// What is held and what may be, just now.
    pub fn standing(&self, device: &OnDevice) -> Full {
        let slice = self.slice(device);
        slice.map_or(Full { used: device.charged(), limit: device.bytes }, |slice| Full {
            used: slice.used,
            limit: slice.total,
        })
    }
}
