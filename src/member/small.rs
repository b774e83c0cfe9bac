//! Small linear memory: charged by the page it lies in.
#![forbid(unsafe_code)]

use cuota_core::book::Memory;
use cuota_core::grain::{PAGE, UNIT, round};
use cuota_core::pages::{Gone, Pages, Placed, Taken};

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
        self.pages.lock().promise(context.handle, bytes)
    }

    /// What was promised has come to its end; pages left for it and not needed go back.
    #[cold]
    pub fn kept(&self, context: Context, kind: Kind, bytes: u64) {
        let spare = self.pages.with(|pages| pages.kept(context.handle, bytes));
        if spare > 0 {
            self.give_back(context.device, kind, spare as u64 * PAGE);
        }
    }

    /// The driver has put a promised request there; whether that took a page nobody has charged, which
    /// `page_more` makes good.
    #[inline(always)]
    pub fn place_promised(
        &self,
        context: Context,
        kind: Kind,
        address: u64,
        bytes: (u64, u64),
    ) -> bool {
        let (owner, tag) = (context.handle, tag(context.device, kind));
        let placed = self.pages.lock().place_promised(owner, tag, address, bytes);
        self.has_placed(context, kind, placed, bytes.0);
        placed.new
    }

    /// The driver has put a request there for which a page was reserved.
    #[inline(always)]
    pub fn place_reserved(&self, context: Context, kind: Kind, address: u64, bytes: u64) {
        let (owner, tag) = (context.handle, tag(context.device, kind));
        let placed = self.pages.lock().place_reserved(owner, tag, address, bytes);
        self.has_placed(context, kind, placed, bytes);
    }

    #[inline(always)]
    fn has_placed(&self, context: Context, kind: Kind, placed: Placed, bytes: u64) {
        self.count_memory(context.device, kind, Memory::Taken, (1, whole(bytes)));
        if placed.spare > 0 || placed.moved {
            self.not_needed(context, kind, placed);
        }
    }

    #[cold]
    fn not_needed(&self, context: Context, kind: Kind, placed: Placed) {
        self.give_back(context.device, kind, u64::from(placed.spare) * PAGE);
        for (owner, tag) in self.pages.with(Pages::take_moved) {
            self.uncharge(page(tag, owner));
        }
    }

    /// Charges the page a promised request took: one that was left for it, or another.
    #[cold]
    pub fn page_more(&self, context: Context, kind: Kind, name: &str) -> Result<(), Status> {
        let attempt = || {
            let left = self.pages.with(|pages| pages.take_spare(context.handle));
            if left { Ok(()) } else { self.try_add(context.device, kind, PAGE) }
        };
        let last = attempt().or_else(|_| self.at_last(context.device, attempt));
        last.map_err(|full| self.refuse(context.device, kind, PAGE, name, full))
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

    #[inline(always)]
    pub fn take_small(&self, address: u64) -> Option<Taken> {
        self.pages.lock().take(address)
    }

    /// The driver has freed it.
    #[inline(always)]
    pub fn let_go_small(&self, address: u64, taken: Taken) {
        let page = page(taken.tag(), taken.owner);
        if let Some(device) = self.device(page.ordinal.into()) {
            self.count_memory(device, page.kind, Memory::Freed, (1, taken.bytes()));
        }
        let emptied = self.pages.lock().freed(address, taken);
        if emptied {
            self.uncharge(page);
        }
    }

    /// The same for one in a page that nobody has charged. If another came to lie there meanwhile, and
    /// took it for charged, it is held, and counts.
    #[cold]
    pub fn let_go_uncharged(&self, device: &OnDevice, kind: Kind, address: u64, taken: Taken) {
        self.count_memory(device, kind, Memory::Freed, (1, taken.bytes()));
        if self.pages.with(|pages| pages.freed_uncharged(address, taken)) {
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
