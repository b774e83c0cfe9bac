//! Small linear memory: charged by the page it lies in.
#![forbid(unsafe_code)]

use cuota_core::book::Memory;
use cuota_core::grain::{PAGE, UNIT, round};
use cuota_core::pages::{Gone, Left, Pages, Placed, Taken};

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

    /// Promises room in the pages there are, if there surely is some: not where arrays may have taken it.
    #[inline(always)]
    pub fn promise(&self, context: Context, bytes: u64) -> bool {
        !context.device.has_small_arrays() && self.pages.lock().promise(context.handle, bytes)
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
        let moved = self.pages.with(Pages::take_moved);
        self.have_left(moved.into_iter());
    }

    /// Charges the page a promised request took: one that was left for it, or another. Who has taken its
    /// room had a page reserved, or frees one, and is about to say so: refused is only who has waited for that.
    #[cold]
    pub fn page_more(
        &self,
        context: Context,
        kind: Kind,
        name: &str,
        address: u64,
    ) -> Result<(), Status> {
        let attempt = || {
            let left = self.pages.with(|pages| pages.take_spare(context.handle));
            if left { Ok(()) } else { self.try_add(context.device, kind, PAGE) }
        };
        attempt()
            .or_else(|_| self.until_still(context.device, || (true, 0), attempt))
            .map_err(|full| self.refuse(context.device, kind, PAGE, name, full))?;
        self.pay(context, kind, address);
        Ok(())
    }

    /// A page is charged for what lies there, unless nobody is there any more.
    fn pay(&self, context: Context, kind: Kind, address: u64) {
        if !self.pages.with(|pages| pages.pay(context.handle, address)) {
            self.give_back(context.device, kind, PAGE);
        }
    }

    /// Reserves a page to be ready for; false if near the limit a look at all pages found room, which is
    /// promised. `answered` as in `reserve_unless`.
    #[inline(always)]
    pub fn page_for(
        &self,
        context: Context,
        kind: Kind,
        bytes: u64,
        name: &str,
        answered: impl FnOnce() -> Option<Status>,
    ) -> Result<bool, Status> {
        if self.try_add(context.device, kind, PAGE).is_ok() {
            return Ok(true);
        }
        match answered() {
            Some(answer) => self.has_answered(context.device, kind, PAGE, answer).map(|()| true),
            None => self.page_or_room(context, kind, bytes, name),
        }
    }

    #[cold]
    fn page_or_room(
        &self,
        Context { device, handle: owner }: Context,
        kind: Kind,
        bytes: u64,
        name: &str,
    ) -> Result<bool, Status> {
        let attempt = || match self.try_add(device, kind, PAGE) {
            Err(_) if self.promise_anywhere(device, owner, bytes) => Ok(false),
            answer => answer.map(|()| true),
        };
        // Where those who wait are put decides what room there is.
        let moves = || {
            let (moves, version) = self.moves(device);
            (moves || self.pages.with(|pages| pages.may_have_room(owner, bytes)), version)
        };
        attempt()
            .or_else(|_| self.until_still(device, moves, attempt))
            .map_err(|full| self.refuse(device, kind, PAGE, name, full))
    }

    /// Bytes of the pages of some kinds of memory that are held for certain.
    pub(super) fn pages_held(&self, device: &OnDevice, kinds: &[Kind]) -> u64 {
        let wanted = |of: u16| kinds.iter().any(|kind| tag(device, *kind) == of);
        self.pages.with(|pages| pages.surely_held(wanted)) as u64 * PAGE
    }

    fn promise_anywhere(&self, device: &OnDevice, owner: u64, bytes: u64) -> bool {
        !device.has_small_arrays() && self.pages.with(|pages| pages.promise_anywhere(owner, bytes))
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
        if emptied && !self.is_left_to_arrays(&page) {
            self.uncharge(page);
        }
    }

    /// The same for one in a page that nobody has charged. If others have come to lie there, and take it
    /// for charged, it is held, and counts.
    #[cold]
    pub fn let_go_uncharged(&self, context: Context, kind: Kind, address: u64, taken: Taken) {
        self.count_memory(context.device, kind, Memory::Freed, (1, taken.bytes()));
        let (held, left) = self.pages.with(|pages| {
            let held = pages.freed_uncharged(address, taken);
            (held, held && pages.take_spare(context.handle))
        });
        if held && !left {
            self.force(context.device, kind, PAGE);
        }
        if held {
            self.pay(context, kind, address);
        }
    }

    /// The driver did not free it; false if it has given its place to another, and so did.
    pub fn put_back_small(&self, address: u64, taken: Taken) -> bool {
        self.pages.with(|pages| pages.put_back(address, taken))
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

    /// Pages that their contexts have no longer.
    pub(super) fn have_left(&self, pages: impl Iterator<Item = Left>) {
        for Left { owner, tag, requests, charged } in pages {
            let page = page(tag, owner);
            if let Some(device) = self.device(page.ordinal.into()) {
                self.count_memory(device, page.kind, Memory::Freed, requests);
            }
            if charged {
                self.uncharge(page);
            }
        }
    }

    /// More is held than may be.
    pub fn is_over(&self, device: &OnDevice) -> Option<Full> {
        Some(self.standing(device)).filter(|standing| standing.used > standing.limit)
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
