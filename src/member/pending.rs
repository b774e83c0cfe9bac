//! Memory freed in a stream's order: it is held until the stream gets there. And which captures are
//! on, during which streams are not asked and nothing is trimmed.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use cuota_core::pages::Taken;
use cuota_core::shm::Brief;

use super::{Entry, Kind, Member};
use crate::driver::{Status, query};

/// The default streams; the second is another in every thread.
const LEGACY: u64 = 1;
const PER_THREAD: u64 = 2;
/// A stream that was destroyed with work in it: what waits for it is told by its context alone.
const GONE: u64 = u64::MAX;

/// Who asks: a default stream is the current context's, or the thread's own there.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Here {
    context: u64,
    thread: usize,
}

#[derive(Clone, Copy)]
struct Waiting {
    /// Never given twice.
    number: u64,
    stream: u64,
    /// Who freed it.
    here: Here,
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

/// Charges waiting for a stream, and the streams that capture, with their contexts.
pub struct Pending {
    list: Brief<List>,
    any: AtomicBool,
    captures: Brief<Vec<(u64, u64)>>,
    captured: AtomicU32,
}

/// What was freed in a context's streams before somebody began to wait for all of them.
#[derive(Clone, Copy)]
pub struct Before {
    context: u64,
    number: u64,
}

impl Pending {
    pub(super) fn new() -> Pending {
        Pending {
            list: Brief::default(),
            any: AtomicBool::new(false),
            captures: Brief::default(),
            captured: AtomicU32::new(0),
        }
    }

    /// Takes out what is wanted, if another thread has not.
    fn extract(&self, wanted: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        self.list.with(|list| {
            let gone = list.waiting.extract_if(.., |waiting| wanted(waiting)).collect();
            self.any.store(!list.waiting.is_empty(), Ordering::Release);
            gone
        })
    }

    /// Changes which streams capture.
    fn captures(&self, act: impl FnOnce(&mut Vec<(u64, u64)>)) {
        self.captures.with(|captures| {
            act(captures);
            self.captured.store(captures.len() as u32, Ordering::Release);
        });
    }
}

impl Here {
    fn now() -> Here {
        thread_local!(static MARK: u8 = const { 0 });
        let mut context = 0;
        let _ = query::cuCtxGetCurrent(&mut context);
        Here { context, thread: MARK.with(|mark| core::ptr::from_ref(mark).addr()) }
    }
}

impl Waiting {
    /// Whether the stream got there, as far as this thread can tell. A stream in an error has nothing
    /// left to do.
    fn has_happened(&self, here: Here) -> bool {
        let elsewhere = match self.stream {
            0 | LEGACY => self.here.context != here.context,
            PER_THREAD => self.here != here,
            GONE => true,
            _ => false,
        };
        let unsaid = [Status::NOT_READY, Status::INVALID_CONTEXT];
        !elsewhere && !unsaid.contains(&query::cuStreamQuery(self.stream))
    }
}

impl Member {
    /// The entry goes when everything before it in the stream has happened.
    pub fn let_go_in_order(&self, stream: u64, entry: Entry, name: u64) {
        self.wait(stream, entry, name, None);
    }

    pub fn let_go_small_in_order(&self, stream: u64, address: u64, taken: Taken) {
        let entry = Entry { owner: taken.owner, ..Entry::default() };
        self.wait(stream, entry, address, Some(taken));
    }

    fn wait(&self, stream: u64, entry: Entry, name: u64, small: Option<Taken>) {
        let here = Here::now();
        self.pending.list.with(|list| {
            list.waiting.push(Waiting { number: list.next, stream, here, entry, name, small });
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
        let done = waiting.iter().filter(|waiting| waiting.has_happened(here));
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
            }
        }
    }

    /// What waits in a context's streams, before all of them are waited for; nothing if nothing does.
    pub fn before_waiting(&self, context: Option<u64>) -> Option<Before> {
        if !self.pending.any.load(Ordering::Acquire) {
            return None;
        }
        let context = context.unwrap_or_else(|| Here::now().context);
        Some(Before { context, number: self.pending.list.with(|list| list.next) })
    }

    pub fn after_waiting(&self, before: Before) {
        self.let_go_waiting(self.pending.extract(|waiting| {
            waiting.here.context == before.context && waiting.number < before.number
        }));
    }

    /// Whether a free of what an owner has is waiting for its stream.
    pub(super) fn waits_for(&self, owner: u64) -> bool {
        self.pending.list.with(|list| list.waiting.iter().any(|w| w.entry.owner == owner))
    }

    /// What belongs to a context that is gone, or waits for a stream of it, is not waited for.
    pub(super) fn drop_pending(&self, context: u64) {
        let of =
            |waiting: &Waiting| waiting.entry.owner == context || waiting.here.context == context;
        self.let_go_waiting(self.pending.extract(of));
        self.pending.captures(|captures| captures.retain(|(_, of)| *of != context));
    }

    /// A stream is destroyed, and its handle not to be asked again.
    pub fn stream_gone(&self, stream: u64) {
        if self.pending.any.load(Ordering::Acquire) {
            self.pending.list.with(|list| {
                for waiting in list.waiting.iter_mut().filter(|w| w.stream == stream) {
                    waiting.stream = GONE;
                }
            });
        }
    }

    /// Counted before it begins: whoever sees none may ask streams.
    pub fn capture_begins(&self, stream: u64) {
        let mut context = 0;
        if stream <= PER_THREAD || !query::cuStreamGetCtx(stream, &mut context).ok() {
            context = Here::now().context;
        }
        self.pending.captures(|captures| captures.push((stream, context)));
    }

    /// One of the stream's, of which there are two while a second is refused.
    pub fn capture_ends(&self, stream: u64) {
        self.pending.captures(|captures| {
            if let Some(at) = captures.iter().position(|(of, _)| *of == stream) {
                captures.swap_remove(at);
            }
        });
    }

    /// Whether a capture is on anywhere in this process.
    #[inline(always)]
    pub fn is_capturing(&self) -> bool {
        self.pending.captured.load(Ordering::Acquire) > 0
    }
}
