//! User objects: things of the program that live as long as a graph needs them.

use std::collections::HashMap;
use std::ffi::{c_uint, c_void};
use std::sync::{Arc, Mutex};

use cudarc::driver::sys::{CUgraph, CUuserObject};

use super::{HostCall, named};
use crate::api::{Call, E, R, given, put};
use crate::handles::Table;
use crate::work::{host, locked};

pub struct UserObject {
    destroy: HostCall,
    references: Mutex<u64>,
}

/// References a graph holds, by handle.
pub type Held = HashMap<usize, u64>;

static OBJECTS: Table<UserObject> = Table::new(22);

const NO_DESTRUCTOR_SYNC: c_uint = 1;
const MOVE: c_uint = 1;

fn object(handle: CUuserObject) -> Result<Arc<UserObject>, E> {
    OBJECTS.get(handle as usize).ok_or(E::INVALID_VALUE)
}

fn counted(count: c_uint) -> Result<u64, E> {
    if count == 0 || count > i32::MAX as c_uint {
        Err(E::INVALID_VALUE)
    } else {
        Ok(u64::from(count))
    }
}

pub fn create_object(
    _: &Call,
    out: *mut CUuserObject,
    data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    references: c_uint,
    flags: c_uint,
) -> R {
    given(out)?;
    let destroy = HostCall::new(destroy, data)?;
    let references = counted(references)?;
    if flags != NO_DESTRUCTOR_SYNC {
        return Err(E::INVALID_VALUE);
    }
    let object = UserObject { destroy, references: Mutex::new(references) };
    put(out, OBJECTS.insert(Arc::new(object)) as CUuserObject)
}

pub fn retain_object(_: &Call, handle: CUuserObject, count: c_uint) -> R {
    let count = counted(count)?;
    *locked(&object(handle)?.references) += count;
    Ok(())
}

pub fn release_object(_: &Call, handle: CUuserObject, count: c_uint) -> R {
    object(handle)?;
    drop_references(handle as usize, counted(count)?)
}

pub fn graph_retain_object(
    _: &Call,
    graph: CUgraph,
    handle: CUuserObject,
    count: c_uint,
    flags: c_uint,
) -> R {
    let (graph, object, count) = (named(graph)?, object(handle)?, counted(count)?);
    if flags > MOVE {
        return Err(E::INVALID_VALUE);
    }
    if flags != MOVE {
        *locked(&object.references) += count;
    }
    *locked(&graph.objects).entry(handle as usize).or_default() += count;
    Ok(())
}

pub fn graph_release_object(_: &Call, graph: CUgraph, handle: CUuserObject, count: c_uint) -> R {
    let (graph, count) = (named(graph)?, counted(count)?);
    object(handle)?;
    let mut held = locked(&graph.objects);
    let left = held
        .get(&(handle as usize))
        .and_then(|have| have.checked_sub(count))
        .ok_or(E::INVALID_VALUE)?;
    match left {
        0 => held.remove(&(handle as usize)),
        _ => held.insert(handle as usize, left),
    };
    drop(held);
    drop_references(handle as usize, count)
}

fn drop_references(handle: usize, count: u64) -> R {
    let object = OBJECTS.get(handle).ok_or(E::INVALID_VALUE)?;
    let mut references = locked(&object.references);
    *references = references.checked_sub(count).ok_or(E::INVALID_VALUE)?;
    if *references == 0 && OBJECTS.remove(handle).is_some() {
        let destroy = object.destroy;
        host::run(Box::new(move || destroy.call()), Arc::default());
    }
    Ok(())
}

/// References kept as long as this value.
pub struct Kept(Held);

impl Kept {
    pub fn of(held: &Held) -> Kept {
        retain_all(held);
        Kept(held.clone())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        release_all(&self.0);
    }
}

pub(super) fn retain_all(held: &Held) {
    for (handle, count) in held {
        if let Some(object) = OBJECTS.get(*handle) {
            *locked(&object.references) += count;
        }
    }
}

pub(super) fn release_all(held: &Held) {
    for (handle, count) in held {
        // Held references keep the object alive, so there is one to release.
        let _ = drop_references(*handle, *count);
    }
}
