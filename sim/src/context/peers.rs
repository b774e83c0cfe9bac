//! Which contexts may reach each other's memory.

use std::collections::BTreeSet;
use std::ffi::c_uint;
use std::sync::{Arc, MutexGuard, PoisonError};

use cudarc::driver::sys::CUcontext;

use super::{Context, named};
use crate::api::{Call, E, R};

impl Context {
    fn peers(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pair(call: &Call, peer: CUcontext) -> Result<(Arc<Context>, Arc<Context>), E> {
    let context = call.ctx()?;
    let peer = named(peer)?;
    if Arc::ptr_eq(&context, &peer) { Err(E::INVALID_CONTEXT) } else { Ok((context, peer)) }
}

pub fn enable_peer(call: &Call, peer: CUcontext, flags: c_uint) -> R {
    let (context, peer) = pair(call, peer)?;
    if flags != 0 {
        return Err(E::INVALID_VALUE);
    }
    if context.device.ordinal == peer.device.ordinal {
        return Err(E::PEER_ACCESS_UNSUPPORTED);
    }
    if context.peers().insert(peer.handle) { Ok(()) } else { Err(E::PEER_ACCESS_ALREADY_ENABLED) }
}

pub fn disable_peer(call: &Call, peer: CUcontext) -> R {
    let (context, peer) = pair(call, peer)?;
    if context.peers().remove(&peer.handle) { Ok(()) } else { Err(E::PEER_ACCESS_NOT_ENABLED) }
}
