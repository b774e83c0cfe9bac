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

/// Handles of graphs.
#[derive(Clone, Copy)]
struct Owner {
    allocates: usize,
    frees: Option<usize>,
}

static OWNERS: LazyLock<Mutex<HashMap<u64, Owner>>> = LazyLock::new(Mutex::default);

pub fn adopt(graph: &Arc<Graph>, allocation: &Allocation) -> R {
    locked(&OWNERS).insert(allocation.ptr, Owner { allocates: graph.handle, frees: None });
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

pub fn unplan_free(ptr: u64) {
    if let Some(owner) = locked(&OWNERS).get_mut(&ptr) {
        owner.frees = None;
    }
}

/// A free node was reached.
pub fn freed(ptr: u64) {
    graph_mem::idle(ptr);
}

pub fn forget(ptr: u64) {
    if locked(&OWNERS).remove(&ptr).is_some() {
        graph_mem::forget(ptr);
    }
}

/// Whether the graph that makes the allocation leaves it to others to free.
pub fn outlives_graph(ptr: u64) -> bool {
    locked(&OWNERS).get(&ptr).is_some_and(|owner| owner.frees != Some(owner.allocates))
}
