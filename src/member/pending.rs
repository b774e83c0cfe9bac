//! Memory freed in a stream's order: it is held until the stream gets there.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};

use cuota_core::pages::Taken;
use cuota_core::shm::Brief;

use super::spot::{Here, Mark, Spot};
use super::{Entry, Kind, Member, Pool};

#[derive(Clone)]
struct Waiting {
    /// Never given twice.
    number: u64,
    spot: Spot,
    entry: Entry,
    /// As it was held by; 0 if that is not known.
    name: u64,
    /// A small request, which has no entry of its own.
    small: Option<Taken>,
}

#[derive(Default)]
struct List {
    waiting: Vec<Waiting>,
    next: u64,
}

/// Charges waiting for a stream.
pub struct Pending {
    list: Brief<List>,
    any: AtomicBool,
}

/// What was freed in a stream, or in all of a context's, before somebody began to wait for that.
pub struct Before {
    all_of: u64,
    spot: Option<Spot>,
    number: u64,
}

impl Pending {
    pub(super) fn new() -> Pending {
        Pending { list: Brief::default(), any: AtomicBool::new(false) }
    }

    /// Takes out what is wanted, if another thread has not.
    fn extract(&self, wanted: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        self.list.with(|list| {
            let gone = list.waiting.extract_if(.., |waiting| wanted(waiting)).collect();
            self.any.store(!list.waiting.is_empty(), Ordering::Release);
            gone
        })
    }
}

impl Member {
    /// The entry goes when everything before it in the stream has happened.
    pub fn let_go_in_order(&self, stream: u64, entry: Entry, name: u64) {
        self.wait(self.spot_in(stream), entry, name, None);
    }

    pub fn let_go_small_in_order(&self, stream: u64, address: u64, taken: Taken) {
        let entry = Entry { owner: taken.owner, ..Entry::default() };
        self.wait(self.spot_in(stream), entry, address, Some(taken));
    }

    /// A pool has taken too much, and gets it back in a stream's order.
    pub fn pool_undone_in_order(&self, stream: u64, pool: &Pool) {
        self.let_go_pool_at(Spot::for_all(stream), pool);
    }

    /// What a pool has too much of goes when a spot in a stream's order is passed.
    pub(super) fn let_go_pool_at(&self, spot: Spot, pool: &Pool) {
        let ordinal = pool.ordinal.unwrap_or_default() as u8;
        let entry = Entry { owner: pool.handle, ordinal, kind: Kind::Pool, bytes: 0 };
        self.wait(spot, entry, 0, None);
    }

    /// In a thread's own stream with a mark, but not one for each of many: every mark takes a place in the
    /// stream's queue, which has some thousand, and whoever finds it full waits.
    fn spot_in(&self, stream: u64) -> Spot {
        const MARKED: usize = 16;
        let spot = Spot::of(stream);
        if spot.own_of().is_none() {
            return spot;
        }
        let before = |list: &mut List| {
            list.waiting.iter().filter(|waiting| waiting.spot.is_in_order_of(&spot)).count()
        };
        let before = self.pending.list.with(before);
        if before < MARKED || before.is_multiple_of(MARKED) { Spot::for_all(stream) } else { spot }
    }

    fn wait(&self, spot: Spot, entry: Entry, name: u64, small: Option<Taken>) {
        self.pending.list.with(|list| {
            list.waiting.iter_mut().for_each(|before| before.spot.shares_mark_of(&spot));
            list.waiting.push(Waiting { number: list.next, spot, entry, name, small });
            list.next += 1;
            self.pending.any.store(true, Ordering::Release);
        });
        self.look_at_pending();
    }

    /// Gives back what streams have got to by now.
    #[inline(always)]
    pub fn look_at_pending(&self) {
        if self.pending.any.load(Ordering::Relaxed) && !self.is_capturing() {
            self.ask_streams();
        }
    }

    #[cold]
    fn ask_streams(&self) {
        let here = Here::now();
        // They stay in the list meanwhile: a context that goes takes its own along.
        let waiting = self.pending.list.with(|list| list.waiting.clone());
        let done = waiting.iter().filter(|waiting| waiting.spot.has_passed(here));
        let done: Vec<u64> = done.map(|waiting| waiting.number).collect();
        if !done.is_empty() {
            self.let_go_waiting(self.pending.extract(|waiting| done.contains(&waiting.number)));
        }
    }

    fn let_go_waiting(&self, gone: Vec<Waiting>) {
        for Waiting { entry, name, small, .. } in gone {
            match small {
                Some(taken) => self.let_go_small(name, taken),
                // That of a pool was noted when the program freed it.
                None if entry.kind == Kind::Pool => {}
                None => self.let_go(entry, name),
            }
            if entry.kind == Kind::Pool {
                self.pool_freed(entry.owner);
                self.make_room_if_over(entry.ordinal.into());
            }
        }
    }

    /// What waits in a context's streams, before all of them are waited for; nothing if nothing does.
    pub fn before_waiting(&self, context: Option<u64>) -> Option<Before> {
        let number = self.next_pending()?;
        let all_of = context.unwrap_or_else(|| Here::now().context);
        Some(Before { all_of, spot: None, number })
    }

    /// The same of one stream.
    pub fn before_waiting_for(&self, stream: u64) -> Option<Before> {
        let number = self.next_pending()?;
        Some(Before { all_of: 0, spot: Some(Spot::of(stream)), number })
    }

    fn next_pending(&self) -> Option<u64> {
        let any = self.pending.any.load(Ordering::Acquire);
        any.then(|| self.pending.list.with(|list| list.next))
    }

    pub fn after_waiting(&self, before: &Before) {
        self.let_go_waiting(self.pending.extract(|Waiting { spot, number, .. }| {
            let waited = before.spot.as_ref().is_some_and(|of| spot.is_in_order_of(of));
            *number < before.number && (waited || spot.is_of(before.all_of))
        }));
    }

    /// Whether a free of what an owner has is waiting for its stream.
    pub(super) fn waits_for(&self, owner: u64) -> bool {
        self.pending.list.with(|list| list.waiting.iter().any(|w| w.entry.owner == owner))
    }

    /// What waits for a stream of a context that is gone is not waited for, nor what is small: its page is
    /// gone. Other memory is there until the stream gets there, whichever context had it.
    pub(super) fn drop_pending(&self, context: u64) {
        let gone = self.pending.extract(|waiting| {
            waiting.spot.is_of(context) || waiting.small.is_some() && waiting.entry.owner == context
        });
        for spot in gone.iter().map(|waiting| &waiting.spot).filter(|spot| spot.is_of(context)) {
            spot.ends();
        }
        self.let_go_waiting(gone);
        self.pools.forget_streams_of(context);
        self.captures.end_with(context);
    }

    /// A stream is about to be destroyed: where its work ends, if anything waits for that.
    pub fn stream_goes(&self, stream: u64) -> Option<Mark> {
        self.look_at_pending();
        let waits = self.pending.any.load(Ordering::Acquire)
            && self.pending.list.with(|list| list.waiting.iter().any(|w| w.spot.is_in(stream)));
        let any = waits || self.pools.any_freed_in(stream);
        if any && !self.is_captured(stream) { Spot::of(stream).marked() } else { None }
    }

    /// It is destroyed, and its handle not to be asked again.
    pub fn stream_gone(&self, stream: u64, mark: Option<Mark>) {
        self.pending.list.with(|list| {
            for waiting in list.waiting.iter_mut().filter(|w| w.spot.is_in(stream)) {
                waiting.spot.is_left(mark.clone());
            }
        });
        self.pools.lose_stream(stream, mark);
    }
}
