//! Conditional nodes: body graphs that run if a value says so.
//!
//! Kernels do not compute here, so a value stays what the handle's default makes it.

use std::ffi::c_uint;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock, Mutex};

use cudarc::driver::sys::{CUcontext, CUgraph};

use super::{Graph, Holder, NEXT_CONDITION, named};
use crate::api::{Call, E, R, given, put};
use crate::context;
use crate::work::locked;

#[derive(Clone)]
pub struct Conditional {
    pub handle: u64,
    pub kind: c_uint,
    pub bodies: Vec<Arc<Graph>>,
    /// The bodies' handles, in an array the program may look at as long as the node lives.
    shown: Arc<[usize]>,
}

const IF: c_uint = 0;
const WHILE: c_uint = 1;
const SWITCH: c_uint = 2;
const ASSIGN_DEFAULT: c_uint = 1;

struct Handle {
    number: u64,
    graph: usize,
    value: c_uint,
    used: bool,
}

static HANDLES: LazyLock<Mutex<Vec<Handle>>> = LazyLock::new(Mutex::default);

pub fn create_condition(
    _: &Call,
    out: *mut u64,
    graph: CUgraph,
    ctx: CUcontext,
    value: c_uint,
    flags: c_uint,
) -> R {
    given(out)?;
    let graph = named(graph)?;
    context::named_or_current(ctx)?;
    if flags & !ASSIGN_DEFAULT != 0 {
        return Err(E::INVALID_VALUE);
    }
    let number = NEXT_CONDITION.fetch_add(1, Ordering::Relaxed);
    let value = if flags & ASSIGN_DEFAULT != 0 { value } else { 0 };
    locked(&HANDLES).push(Handle { number, graph: graph.handle, value, used: false });
    put(out, number)
}

impl Conditional {
    /// A node for an unused handle, with empty bodies.
    pub fn new(number: u64, kind: c_uint, size: c_uint) -> Result<Conditional, E> {
        let fits = match kind {
            IF => (1..=2).contains(&size),
            WHILE => size == 1,
            SWITCH => size >= 1,
            _ => false,
        };
        let mut handles = locked(&HANDLES);
        let handle = handles.iter_mut().find(|handle| handle.number == number && !handle.used);
        let handle = handle.filter(|_| fits).ok_or(E::INVALID_VALUE)?;
        named(handle.graph as CUgraph)?;
        handle.used = true;
        let bodies: Vec<Arc<Graph>> = (0..size).map(|_| Graph::new(Holder::Parent)).collect();
        let shown = bodies.iter().map(|body| body.handle).collect();
        Ok(Conditional { handle: number, kind, bodies, shown })
    }

    pub fn handles(&self) -> *const CUgraph {
        self.shown.as_ptr().cast()
    }

    pub(super) fn retire(&self) {
        locked(&HANDLES).retain(|handle| handle.number != self.handle);
        self.bodies.iter().for_each(|body| body.dissolve());
    }

    /// The body that runs, if one does. A loop ends after one turn: nothing here could end it later.
    pub fn chosen(&self) -> Option<usize> {
        let value =
            locked(&HANDLES).iter().find(|handle| handle.number == self.handle)?.value as usize;
        let body = match self.kind {
            SWITCH => value,
            IF if value == 0 => 1,
            WHILE if value == 0 => return None,
            _ => 0,
        };
        Some(body).filter(|body| *body < self.bodies.len())
    }
}
