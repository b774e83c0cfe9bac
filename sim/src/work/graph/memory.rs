//! Memory nodes: which graph owns an allocation, and who may free it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use super::{Graph, Kind};
use crate::api::{E, R};
use crate::device::Device;
use crate::memory::graph_mem;
use crate::work::locked;

/// An allocation node's memory: its address is fixed when the node is made.
#[derive(Clone)]
pub struct Allocation {
    pub ptr: u64,
    pub bytes: usize,
    pub device: i32,
}

impl Kind {
    pub fn alloc(device: &Device, ptr: u64, bytes: usize) -> Kind {
        Kind::Alloc(Allocation { ptr, bytes, device: device.ordinal })
    }
}

#[derive(Clone, Copy)]
struct Owner {
    /// The graph that allocates, and the one that frees, by their handles.
    allocates: usize,
    frees: Option<usize>,
    /// The graph with the node and the executable graphs made of it: the address stays as long as one is left.
    holders: u32,
}

static OWNERS: LazyLock<Mutex<HashMap<u64, Owner>>> = LazyLock::new(Mutex::default);

pub fn adopt(graph: &Arc<Graph>, allocation: &Allocation) -> R {
    let owner = Owner { allocates: graph.handle, frees: None, holders: 1 };
    locked(&OWNERS).insert(allocation.ptr, owner);
    Ok(())
}

/// An allocation is freed by its own graph, once, or by others; never by both.
pub fn plan_free(graph: &Arc<Graph>, ptr: u64) -> R {
    let mut owners = locked(&OWNERS);
    let owner = owners.get_mut(&ptr).ok_or(E::INVALID_VALUE)?;
    let free = match owner.frees {
        None => true,
        Some(other) => {
            other != owner.allocates && graph.handle != owner.allocates && other != graph.handle
        }
    };
    if !free {
        return Err(E::INVALID_VALUE);
    }
    owner.frees = Some(graph.handle);
    Ok(())
}

/// A free node is gone. That of the allocating graph goes with the graph, and executable graphs
/// made of it still free what they allocate.
pub fn unplan_free(ptr: u64) {
    if let Some(owner) = locked(&OWNERS).get_mut(&ptr)
        && owner.frees != Some(owner.allocates)
    {
        owner.frees = None;
    }
}

/// A free node was reached.
pub fn freed(ptr: u64) {
    graph_mem::idle(ptr);
}

/// One more executable graph makes this allocation.
pub fn hold(ptr: u64) {
    if let Some(owner) = locked(&OWNERS).get_mut(&ptr) {
        owner.holders += 1;
    }
}

/// The graph or an executable graph is gone; with the last of them the address.
pub fn let_go(ptr: u64) {
    let mut owners = locked(&OWNERS);
    let Some(owner) = owners.get_mut(&ptr) else { return };
    owner.holders = owner.holders.saturating_sub(1);
    if owner.holders == 0 {
        owners.remove(&ptr);
        drop(owners);
        graph_mem::forget(ptr);
    }
}

/// Whether the graph that makes the allocation leaves it to others to free.
pub fn outlives_graph(ptr: u64) -> bool {
    locked(&OWNERS).get(&ptr).is_some_and(|owner| owner.frees != Some(owner.allocates))
}
