//! Contexts: what one is, and its life from creation to destruction.

mod create;
mod green;
mod peers;
mod primary;
mod resource;
mod settings;
mod stack;

pub use create::*;
pub use green::*;
pub use peers::*;
pub use primary::*;
pub use resource::*;
pub use settings::*;
pub use stack::*;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use cudarc::driver::sys::CUcontext;

use crate::api::{E, R};
use crate::device::Device;
use crate::handles::Table;
use crate::machine;
use crate::{memory, module, mps, work};

pub struct Context {
    /// The value programs hold.
    pub handle: usize,
    /// Differs even between two lives of a primary context.
    pub id: u64,
    pub device: &'static Device,
    /// SMs its kernels may use.
    pub sms: u32,
    kind: Kind,
    api_version: u32,
    flags: AtomicU32,
    settings: Mutex<settings::Settings>,
    /// Handles of the contexts whose memory this one may reach.
    peers: Mutex<BTreeSet<usize>>,
    /// Uses counted by the attach and detach of CUDA 2.
    uses: AtomicU32,
    /// The first fault, returned by every later call; 0 while there is none.
    error: AtomicU32,
    /// Shared faults of the card when this context was made; one more is this context's too.
    faults_before: u64,
    live: AtomicBool,
    pub streams: work::Streams,
    pub memory: Arc<memory::Space>,
    pub modules: Arc<module::Modules>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Own,
    Primary,
    /// A part of the SMs; memory and code are the primary context's.
    Green,
}

static CONTEXTS: Table<Context> = Table::new(1);
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Context {
    /// A context with memory of its own, for which the driver takes its share of the card.
    fn make(
        device: &'static Device,
        kind: Kind,
        handle: usize,
        sms: u32,
        flags: u32,
    ) -> Result<Arc<Context>, E> {
        let machine = machine::current();
        mps::admit(device)?;
        machine.reserve(device.number, device.card.context_bytes).or(Err(E::OUT_OF_MEMORY))?;
        machine.context_opened(device.number);
        Ok(Context::bare(device, kind, handle, sms, flags, Arc::default(), Arc::default()))
    }

    fn bare(
        device: &'static Device,
        kind: Kind,
        handle: usize,
        sms: u32,
        flags: u32,
        memory: Arc<memory::Space>,
        modules: Arc<module::Modules>,
    ) -> Arc<Context> {
        let context = Arc::new(Context {
            handle,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            device,
            sms,
            kind,
            api_version: 3020,
            flags: AtomicU32::new(flags),
            settings: Mutex::default(),
            peers: Mutex::default(),
            uses: AtomicU32::new(1),
            error: AtomicU32::new(0),
            faults_before: machine::current().faults(device.number),
            live: AtomicBool::new(true),
            streams: work::Streams::default(),
            memory,
            modules,
        });
        CONTEXTS.insert_at(handle, context.clone());
        context
    }

    pub fn raw(&self) -> CUcontext {
        self.handle as CUcontext
    }

    /// The sticky error, or that the context is gone.
    pub fn check(&self) -> R {
        if !self.live.load(Ordering::Acquire) {
            return Err(E::CONTEXT_IS_DESTROYED);
        }
        if mps::enabled() {
            let faults = machine::current().faults(self.device.number);
            if faults != self.faults_before {
                self.stick(E(faults as u32));
            }
        }
        match self.error.load(Ordering::Acquire) {
            0 => Ok(()),
            code => Err(E(code)),
        }
    }

    /// Work of this context faulted: every later call of it answers so. Under MPS the fault
    /// reaches everyone on the card; none of the others is told which it was.
    pub fn fault(&self, error: E) {
        self.stick(error);
        if mps::enabled() {
            machine::current().fault(self.device.number, E::ILLEGAL_ADDRESS.0, true);
        }
    }

    /// The MPS server died: none of its clients reaches the card any more.
    pub fn server_died(&self) {
        if mps::enabled() {
            machine::current().fault(self.device.number, E::MPS_RPC_FAILURE.0, false);
        }
    }

    /// The first error stays.
    fn stick(&self, error: E) {
        let _ = self.error.compare_exchange(0, error.0, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Takes the context out of use. Whoever removed it from the table calls this, once.
    fn end(&self) {
        self.live.store(false, Ordering::Release);
        self.streams.destroy(self);
        if self.kind == Kind::Green {
            return;
        }
        self.modules.destroy(self);
        self.memory.destroy(self);
        let machine = machine::current();
        machine.release(self.device.number, self.device.card.context_bytes);
        machine.context_closed(self.device.number);
    }
}

/// The live context a program means by this handle.
pub fn named(handle: CUcontext) -> Result<Arc<Context>, E> {
    let handle = handle as usize;
    CONTEXTS.get(handle).ok_or_else(|| {
        if primary::is_primary(handle) { E::CONTEXT_IS_DESTROYED } else { E::INVALID_CONTEXT }
    })
}

/// The context of this handle, or the current one for null.
pub fn named_or_current(handle: CUcontext) -> Result<Arc<Context>, E> {
    if handle.is_null() { current() } else { named(handle) }
}
