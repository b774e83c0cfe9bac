//! Spots in the order of streams: where something was freed, and whether the stream got there.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use super::mark::Event;
use crate::driver::{Status, query};

/// The default streams; the second is another in every thread.
const LEGACY: u64 = 1;
const PER_THREAD: u64 = 2;
/// A stream that was destroyed: without a mark, what waits for it is told by its context alone.
const GONE: u64 = u64::MAX;
/// Several threads, none of which can ask for the others.
const SEVERAL: u64 = u64::MAX;

/// Who asks: a default stream is the current context's, or the thread's own there.
#[derive(Clone, Copy)]
pub(super) struct Here {
    pub context: u64,
    thread: u64,
}

impl Here {
    pub fn now() -> Here {
        static THREADS: AtomicU64 = AtomicU64::new(1);
        // Not an address: that of a thread that has ended is another's.
        thread_local!(static THREAD: u64 = THREADS.fetch_add(1, Ordering::Relaxed));
        let mut context = 0;
        let _ = query::cuCtxGetCurrent(&mut context);
        Here { context, thread: THREAD.with(|thread| *thread) }
    }
}

/// Shared by all that wait for one stream.
pub type Mark = Arc<Event>;

#[derive(Clone)]
pub(super) struct Spot {
    stream: u64,
    /// The stream's, whichever was current; 0 if the driver does not say.
    context: u64,
    /// 0 where that makes no difference.
    thread: u64,
    /// Where nobody else can ask the stream.
    mark: Option<Mark>,
}

impl Spot {
    /// In a stream, as the calling thread names it.
    pub fn of(stream: u64) -> Spot {
        let (mut context, mut thread) = (0, 0);
        if Spot::has_handle(stream) {
            let _ = query::cuStreamGetCtx(stream, &mut context);
        } else {
            let here = Here::now();
            context = here.context;
            thread = if stream == PER_THREAD { here.thread } else { 0 };
        }
        Spot { stream: stream.max(LEGACY), context, thread, mark: None }
    }

    /// The same with a mark in the stream, if it is one that no other thread can ask.
    pub fn for_all(stream: u64) -> Spot {
        let mut spot = Spot::of(stream);
        if stream == PER_THREAD {
            spot.mark = spot.marked();
        }
        spot
    }

    /// What comes later in the same stream has a mark: when that is passed, this is.
    pub fn shares_mark_of(&mut self, later: &Spot) {
        if later.mark.is_some() && self.mark.is_none() && self.is_in_order_of(later) {
            self.mark = later.mark.clone();
        }
    }

    pub fn marked(&self) -> Option<Mark> {
        Event::made(self.stream, self.context).map(Arc::new)
    }

    pub fn has_handle(stream: u64) -> bool {
        stream > PER_THREAD
    }

    /// In a stream that has a handle of its own.
    pub fn is_in(&self, stream: u64) -> bool {
        Spot::has_handle(stream) && self.stream == stream
    }

    /// The thread whose own stream this is in.
    pub fn own_of(&self) -> Option<u64> {
        Some(self.thread).filter(|_| self.stream == PER_THREAD)
    }

    pub fn is_of(&self, context: u64) -> bool {
        context != 0 && self.context == context
    }

    /// Of the same stream, which exists.
    pub fn is_in_order_of(&self, other: &Spot) -> bool {
        self.stream != GONE
            && (self.stream, self.context, self.thread)
                == (other.stream, other.context, other.thread)
    }

    /// Makes this one stand for the other, too, if it is of the same stream.
    pub fn takes_in(&mut self, other: &Spot) -> bool {
        let same = (self.stream, self.context) == (other.stream, other.context)
            && self.mark.is_none()
            && other.mark.is_none();
        if same && self.thread != other.thread {
            self.thread = SEVERAL;
        }
        same
    }

    /// The stream is destroyed, and its handle not to be asked again.
    pub fn is_left(&mut self, mark: Option<Mark>) {
        (self.stream, self.mark) = (GONE, mark);
    }

    pub fn has_passed_its_mark(&self) -> bool {
        self.mark.as_ref().is_some_and(|mark| has_happened(mark.query()))
    }

    pub fn has_the_mark_of(&self, other: &Spot) -> bool {
        self.mark.as_ref().zip(other.mark.as_ref()).is_some_and(|(one, two)| Arc::ptr_eq(one, two))
    }

    /// Its context is destroyed, and with it all its streams and events.
    pub fn ends(&self) {
        if let Some(mark) = &self.mark {
            mark.ends();
        }
    }

    /// Whether the stream got there, as far as this thread can tell.
    pub fn has_passed(&self, here: Here) -> bool {
        let elsewhere = match self.stream {
            LEGACY => self.context != here.context,
            PER_THREAD => (self.context, self.thread) != (here.context, here.thread),
            GONE => true,
            _ => false,
        };
        self.has_passed_its_mark()
            || self.mark.is_none() && !elsewhere && has_happened(query::cuStreamQuery(self.stream))
    }
}

/// What an answer about a stream means. One in an error has nothing left to do; that somebody captures says
/// nothing of what was submitted before.
fn has_happened(answer: Status) -> bool {
    ![Status::NOT_READY, Status::INVALID_CONTEXT].contains(&answer) && !answer.is_of_a_capture()
}
