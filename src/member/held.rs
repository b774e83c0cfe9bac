//! What this process holds, by address or handle.
//!
//! What begins with a page of device memory has a place of its own. The rest is sharded, so that
//! threads seldom meet and a table that grows does so in small steps.
#![forbid(unsafe_code)]

use cuota_core::ledger::MOST_BYTES;
use cuota_core::pages::Gone;
use cuota_core::places::{Place, Places};
use cuota_core::shm::Brief;
use cuota_core::table::{Table, mix};

use super::arrays::is_share;
use super::limits::Limit;
use super::vmm::Dropped;
use super::{Kind, Member, OnDevice};

const SHARDS: usize = 64;

/// Which numbers a name is from: handles of different sorts may be equal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Room {
    /// Device addresses.
    Address,
    Array,
    Mipmap,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Entry {
    /// Charged for it; for memory of a pool, what was asked for.
    pub bytes: u64,
    /// The context it ends with; 0 if it does not. For memory of a pool, the pool.
    pub owner: u64,
    pub ordinal: u8,
    pub kind: Kind,
}

/// What a context has, taken out of the books.
pub struct OfContext {
    context: u64,
    entries: Vec<(u64, Entry)>,
    pages: Gone,
    limits: Vec<Limit>,
    /// Memory mapped to its arrays.
    mapped: Dropped,
}

impl Entry {
    /// As a place keeps it: no more bytes were ever reserved than a total counts.
    #[inline(always)]
    fn words(&self) -> [u64; 2] {
        let which = u64::from(self.ordinal) | (self.kind as u64 + 1) << 8;
        [self.owner, self.bytes.min(MOST_BYTES) | which << 48]
    }

    #[inline(always)]
    fn from_words([owner, rest]: [u64; 2]) -> Entry {
        let [.., ordinal, kind] = rest.to_le_bytes();
        let kind = Kind::from_code(kind.wrapping_sub(1));
        Entry { bytes: rest & MOST_BYTES, owner, ordinal, kind }
    }
}

type Shard = Table<Entry>;

pub struct Held {
    places: Places,
    shards: [Brief<Shard>; SHARDS],
}

/// What is a name in a key.
const NAME: u64 = (1 << 56) - 1;

/// Addresses and handles have their sixteen upper bits to spare.
fn key(room: Room, name: u64) -> u64 {
    name ^ (room as u64) << 56
}

impl Held {
    pub fn new() -> Held {
        Held { places: Places::default(), shards: [const { Brief::new(Table::new()) }; SHARDS] }
    }

    #[inline(always)]
    fn place(&self, room: Room, name: u64) -> Option<Place<'_>> {
        if room == Room::Address { self.places.at(name) } else { None }
    }

    #[inline(always)]
    fn shard(&self, hash: u64) -> &Brief<Shard> {
        // Other bits than those by which a shard finds it.
        #[expect(clippy::indexing_slicing, reason = "less than SHARDS")]
        &self.shards[(hash >> 40) as usize % SHARDS]
    }

    /// Remembers an entry; what was known under that name before, which the driver has then freed
    /// without our seeing it, is given out.
    #[inline(always)]
    fn put(&self, room: Room, name: u64, entry: Entry) -> Option<Entry> {
        if let Some(place) = self.place(room, name) {
            let stale = place.take().map(Entry::from_words);
            place.put(entry.words());
            return stale;
        }
        self.put_aside(key(room, name), entry)
    }

    fn put_aside(&self, key: u64, entry: Entry) -> Option<Entry> {
        let hash = mix(key);
        self.shard(hash).with(|shard| shard.insert(hash, key, entry))
    }

    #[inline(always)]
    fn take(&self, room: Room, name: u64) -> Option<Entry> {
        match self.place(room, name) {
            Some(place) => place.take().map(Entry::from_words),
            None => {
                let key = key(room, name);
                let hash = mix(key);
                self.shard(hash).with(|shard| shard.remove(hash, key))
            }
        }
    }

    /// Takes out everything of an owner.
    fn take_all(&self, owner: u64) -> Vec<(u64, Entry)> {
        let of = |shard: &mut Shard| shard.take_all(|entry| entry.owner == owner);
        let aside = self.shards.iter().flat_map(|shard| shard.with(of));
        let own = self.places.iter().filter(|(_, place)| is_of(place, owner));
        let placed = own.filter_map(|(address, place)| {
            Some((key(Room::Address, address), Entry::from_words(place.take()?)))
        });
        aside.chain(placed).collect()
    }

    fn put_all(&self, entries: &[(u64, Entry)]) {
        for (key, entry) in entries {
            match self.places.at(*key) {
                Some(place) => place.put(entry.words()),
                None => drop(self.put_aside(*key, *entry)),
            }
        }
    }

    /// The bytes of those that are wanted.
    pub(super) fn sum(&self, wanted: impl Fn(&Entry) -> bool) -> u64 {
        let bytes = |entry: Entry| if wanted(&entry) { entry.bytes } else { 0 };
        let of = |shard: &mut Shard| shard.iter().map(|(_, entry)| bytes(entry)).sum::<u64>();
        let aside: u64 = self.shards.iter().map(|shard| shard.with(of)).sum();
        let placed = self.places.iter().filter_map(|(_, place)| place.get());
        aside + placed.map(|words| bytes(Entry::from_words(words))).sum::<u64>()
    }

    fn count(&self, owner: u64) -> usize {
        let of = |shard: &mut Shard| shard.iter().filter(|(_, e)| e.owner == owner).count();
        let aside: usize = self.shards.iter().map(|shard| shard.with(of)).sum();
        aside + self.places.iter().filter(|(_, place)| is_of(place, owner)).count()
    }
}

fn is_of(place: &Place, owner: u64) -> bool {
    place.get().is_some_and(|words| Entry::from_words(words).owner == owner)
}

impl Member {
    /// What `name` stands for is held, and charged for.
    #[inline(always)]
    pub fn hold(&self, device: &OnDevice, room: Room, name: u64, entry: Entry) {
        if let Some(stale) = self.held.put(room, name, entry) {
            self.let_go(stale, name);
        }
        self.note_taken(device, entry.kind, entry.bytes, name);
    }

    /// Takes an entry out before the driver frees what it stands for: its name may be used again.
    #[inline(always)]
    pub fn take(&self, room: Room, name: u64) -> Option<Entry> {
        self.held.take(room, name)
    }

    /// The driver has not freed it after all. If something else has its name by now it has.
    pub fn put_back(&self, room: Room, name: u64, entry: Entry) {
        if let Some(newer) = self.held.put(room, name, entry) {
            let _ = self.held.put(room, name, newer);
            self.let_go(entry, name);
        }
    }

    /// The driver has freed it; `name` as it was held by, 0 if that is not known any more.
    #[inline(always)]
    pub fn let_go(&self, entry: Entry, name: u64) {
        if let Some(device) = self.device(entry.ordinal.into()) {
            self.uncharge_on(device, entry);
            self.note_freed(device, entry.kind, entry.bytes, name);
        }
    }

    /// Its bytes go back; those of a pool's memory go back to the pool.
    #[inline(always)]
    pub fn uncharge(&self, entry: Entry) {
        if let Some(device) = self.device(entry.ordinal.into()) {
            self.uncharge_on(device, entry);
        }
    }

    #[inline(always)]
    fn uncharge_on(&self, device: &OnDevice, entry: Entry) {
        match entry.kind {
            Kind::Pool => self.returned(device, entry.bytes),
            _ if is_share(&entry) => self.give_share_back(device, entry),
            _ => self.give_back(device, entry.kind, entry.bytes),
        }
    }

    /// How many entries an owner has.
    pub fn count_of(&self, owner: u64) -> usize {
        self.held.count(owner)
    }

    /// Takes out everything that ends with a context, before the driver destroys it: another may have
    /// its handle the moment it is gone.
    pub fn take_context(&self, context: u64) -> OfContext {
        self.forget_context(context);
        let entries = self.held.take_all(context);
        entries.iter().for_each(|(_, entry)| self.array_moves(entry));
        OfContext {
            context,
            entries,
            pages: self.take_pages(context),
            limits: self.take_limits(context),
            mapped: self.physicals.take_arrays_of(context),
        }
    }

    /// The driver has not destroyed it.
    pub fn put_context_back(&self, of: OfContext) {
        of.entries.iter().for_each(|(_, entry)| self.array_rests(entry));
        self.held.put_all(&of.entries);
        self.put_pages_back(of.context, of.pages);
        self.put_limits_back(of.limits);
        self.put_back_references(of.mapped);
    }

    /// A context is gone, and with it what is only known by it.
    pub fn let_go_context(&self, of: OfContext) {
        of.entries.iter().for_each(|(_, entry)| self.array_rests(entry));
        for (key, entry) in of.entries {
            self.let_go(entry, key & NAME);
        }
        self.have_left(of.pages.pages());
        self.let_go_limits(of.limits);
        self.let_go_of(of.mapped);
        self.drop_pending(of.context);
    }
}
