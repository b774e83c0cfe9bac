//! Events in captures: how one spreads to other streams, and what it may not be tied to.

use std::sync::Arc;

use super::{Capture, Dependency, active, context_use, route};
use crate::api::{E, R};
use crate::context::Context;
use crate::work::event::{Event, Last};
use crate::work::graph::Kind;
use crate::work::locked;
use crate::work::stream::{self, Stream};

/// Records into a captured stream; false if it is not captured.
///
/// An external record becomes a node; any other only remembers where the stream was.
pub fn record(stream: &Arc<Stream>, event: &Arc<Event>, external: bool) -> Result<bool, E> {
    let Some(capture) = route(stream)? else {
        return if external { Err(E::INVALID_VALUE) } else { Ok(false) };
    };
    if external {
        capture.add(stream, Kind::Record(event.clone()))?;
    } else {
        let after = capture.after(stream);
        *locked(&event.last) = Last::Captured(capture, after);
    }
    Ok(true)
}

/// Makes a captured stream wait, or a stream join the event's capture; false if neither is concerned.
pub fn wait(stream: &Arc<Stream>, event: &Arc<Event>, external: bool) -> Result<bool, E> {
    let capture = route(stream)?;
    let last = locked(&event.last).clone();
    match (capture, last) {
        (None, _) if external => Err(E::INVALID_VALUE),
        (Some(capture), _) if external => {
            capture.add(stream, Kind::Wait(event.clone())).map(|_| true)
        }
        (None, Last::Captured(theirs, after)) => join(stream, &theirs, after).map(|()| true),
        (None, _) => Ok(false),
        (Some(mine), Last::Captured(theirs, after)) => {
            merge(stream, &mine, &theirs, after).map(|()| true)
        }
        (Some(mine), _) => mine.spoil(E::STREAM_CAPTURE_ISOLATION),
    }
}

fn join(stream: &Arc<Stream>, capture: &Arc<Capture>, after: Vec<Dependency>) -> R {
    if capture.ended() {
        return Err(E::CAPTURED_EVENT);
    }
    if !capture.valid() {
        return Err(E::STREAM_CAPTURE_INVALIDATED);
    }
    if stream.kind == stream::Kind::Legacy {
        return capture.spoil(E::STREAM_CAPTURE_UNSUPPORTED);
    }
    capture.set_after(stream, after);
    *locked(&stream.capture.0) = Some(capture.clone());
    Ok(())
}

fn merge(
    stream: &Arc<Stream>,
    mine: &Arc<Capture>,
    theirs: &Arc<Capture>,
    more: Vec<Dependency>,
) -> R {
    if mine.id != theirs.id {
        if theirs.ended() {
            return mine.spoil(E::STREAM_CAPTURE_ISOLATION);
        }
        theirs.invalidate();
        return mine.spoil(E::STREAM_CAPTURE_MERGE);
    }
    let mut after = mine.after(stream);
    for dependency in more {
        if !after.contains(&dependency) {
            after.push(dependency);
        }
    }
    mine.set_after(stream, after);
    Ok(())
}

/// For what makes a whole context wait for an event.
pub fn events_wait(ctx: &Context, event: &Event) -> R {
    context_use(ctx)?;
    match &*locked(&event.last) {
        Last::Captured(capture, _) if active().iter().any(|other| other.id == capture.id) => {
            capture.spoil(E::STREAM_CAPTURE_UNSUPPORTED)
        }
        _ => Ok(()),
    }
}
