//! A mark in a stream that cannot be asked later: an event of ours.
#![forbid(unsafe_code)]

use core::ffi::c_uint;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::driver::{Status, query};

/// Its handle; 0 once its context is destroyed.
pub struct Event(AtomicU64);

impl Event {
    /// After what a stream of this context has been given so far; nothing if that is not known, for the event
    /// ends with it, or the driver makes none. Not while the stream captures: it would be part of the graph.
    pub(super) fn made(stream: u64, context: u64) -> Option<Event> {
        const NO_TIMING: c_uint = 2;
        let (mut here, mut event) = (0, 0);
        let _ = query::cuCtxGetCurrent(&mut here);
        // An event is the current context's.
        let elsewhere = context != here;
        if context == 0 || elsewhere && !query::cuCtxPushCurrent_v2(context).ok() {
            return None;
        }
        let made = query::cuEventCreate(&mut event, NO_TIMING).ok();
        if elsewhere {
            let _ = query::cuCtxPopCurrent_v2(&mut here);
        }
        let mark = made.then(|| Event(AtomicU64::new(event)))?;
        query::cuEventRecord(event, stream).ok().then_some(mark)
    }

    /// Whether the stream got there, by a driver's answer as to a stream.
    pub(super) fn query(&self) -> Status {
        const RELAXED: c_uint = 2;
        // A capture that has begun meanwhile would be broken by the question otherwise.
        let mut mode = RELAXED;
        let changed = query::cuThreadExchangeStreamCaptureMode(&mut mode).ok();
        let status = match self.0.load(Ordering::Acquire) {
            0 => Status::SUCCESS,
            event => query::cuEventQuery(event),
        };
        if changed {
            let _ = query::cuThreadExchangeStreamCaptureMode(&mut mode);
        }
        status
    }

    /// Its context is destroyed, and the event with it.
    pub(super) fn ends(&self) {
        self.0.store(0, Ordering::Release);
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        let event = *self.0.get_mut();
        if event != 0 {
            let _ = query::cuEventDestroy_v2(event);
        }
    }
}
