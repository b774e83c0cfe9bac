//! Every address the driver knows: what it belongs to, and where its bytes are.

use super::block::Block;
use super::graph_mem::Held;
use super::host::Pages;
use super::managed::Managed;
use super::piece::Piece;
use super::pool::Pool;
use super::vmm::Access;
use super::window::Va;
use crate::api::E;
use crate::context::Context;
use cudarc::driver::sys::CUdevice;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// One allocation, mapping or registration.
pub struct Range {
    pub base: usize,
    pub len: usize,
    pub kind: Kind,
    pub owner: Owner,
    /// Differs for every range of the process.
    pub id: u64,
    /// Whether synchronous copies must wait for the device even where they need not.
    pub sync_memops: AtomicBool,
    pub backing: Backing,
}

pub enum Kind {
    Plain,
    /// A variable of a module.
    Global,
    /// Stream-ordered; the pool lives at least as long.
    Pool(Arc<Pool>),
    Graph,
    Mapping(Access),
    /// Host memory the driver allocated, with its flags.
    Pinned(u32),
    /// Host memory the program registered.
    Registered,
    Managed(Managed),
    /// Another process's allocation, opened here.
    Ipc,
    External,
}

/// Where the bytes are.
pub enum Backing {
    Piece(Piece),
    Block {
        block: Arc<Block>,
        offset: usize,
        _va: Option<Arc<Va>>,
    },
    /// Physical memory that comes and goes under a fixed address.
    Changing {
        held: RwLock<Option<Held>>,
        _va: Va,
    },
    /// At the address itself: the host can follow it too.
    Host {
        _pages: Option<Pages>,
    },
}

/// Whose a range is. The default is nobody's: no context takes it along.
#[derive(Debug, Clone, Copy, Default)]
pub struct Owner {
    /// Handle of the context it was made in; 0 where that does not matter.
    pub context: usize,
    pub space: u64,
    pub device: CUdevice,
}

impl Owner {
    pub fn of(context: &Context) -> Owner {
        Owner { context: context.handle, space: context.memory.id, device: context.device.ordinal }
    }

    /// Of a device, not of one of its contexts.
    pub fn device(device: CUdevice) -> Owner {
        Owner { device, ..Owner::default() }
    }
}

type Ranges = BTreeMap<usize, Arc<Range>>;
static RANGES: RwLock<Ranges> = RwLock::new(BTreeMap::new());
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

fn read() -> RwLockReadGuard<'static, Ranges> {
    RANGES.read().unwrap_or_else(PoisonError::into_inner)
}

fn write() -> RwLockWriteGuard<'static, Ranges> {
    RANGES.write().unwrap_or_else(PoisonError::into_inner)
}

impl Range {
    pub fn new(base: usize, len: usize, kind: Kind, owner: Owner, backing: Backing) -> Range {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Range { base, len, kind, owner, id, sync_memops: AtomicBool::new(false), backing }
    }

    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.base) < self.len
    }

    pub fn end(&self) -> usize {
        self.base + self.len
    }

    /// Whether the host can follow its addresses.
    pub fn on_host(&self) -> bool {
        matches!(self.backing, Backing::Host { .. })
    }
}

/// Makes a range known.
pub fn insert(range: Range) -> Arc<Range> {
    let range = Arc::new(range);
    write().insert(range.base, range.clone());
    range
}

/// As [`insert`], unless it would overlap a known one.
pub fn insert_apart(range: Range) -> Result<Arc<Range>, E> {
    let mut ranges = write();
    if overlaps(&ranges, range.base, range.len) {
        return Err(E::HOST_MEMORY_ALREADY_REGISTERED);
    }
    let range = Arc::new(range);
    ranges.insert(range.base, range.clone());
    Ok(range)
}

fn overlaps(ranges: &Ranges, base: usize, len: usize) -> bool {
    let end = base.saturating_add(len);
    ranges.range(..end).next_back().is_some_and(|(_, last)| last.end() > base)
}

/// The range an address lies in.
pub fn find(address: usize) -> Option<Arc<Range>> {
    let ranges = read();
    let (_, range) = ranges.range(..=address).next_back()?;
    range.contains(address).then(|| range.clone())
}

/// Takes out the range that begins at an address, if it is one of those meant.
pub fn remove(base: usize, meant: impl Fn(&Range) -> bool) -> Option<Arc<Range>> {
    let mut ranges = write();
    ranges.get(&base).filter(|range| meant(range))?;
    ranges.remove(&base)
}

/// All ranges that begin in `[from, to)`.
pub fn between(from: usize, to: usize) -> Vec<Arc<Range>> {
    read().range(from..to.max(from)).map(|(_, range)| range.clone()).collect()
}

pub fn all(meant: impl Fn(&Range) -> bool) -> Vec<Arc<Range>> {
    read().values().filter(|range| meant(range)).cloned().collect()
}

/// Takes out every range meant; what they held is given back once nobody uses it.
pub fn remove_where(meant: impl Fn(&Range) -> bool) {
    let gone = {
        let mut ranges = write();
        let bases: Vec<usize> = all_of(&ranges, &meant);
        bases.iter().filter_map(|base| ranges.remove(base)).collect::<Vec<_>>()
    };
    drop(gone);
}

fn all_of(ranges: &Ranges, meant: &impl Fn(&Range) -> bool) -> Vec<usize> {
    ranges.values().filter(|range| meant(range)).map(|range| range.base).collect()
}
