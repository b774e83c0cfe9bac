//! Functions: a module's kernels in one context, with what a program sets on them.

use std::sync::{Arc, Mutex, Weak};

use super::image::Kernel;
use super::{Module, library, locked};
use crate::api::E;
use crate::context::Context;
use crate::device::SmLimits;
use crate::handles::Table;

pub struct Function {
    pub handle: usize,
    module: Weak<Module>,
    pub info: Arc<Kernel>,
    /// A library's kernel has one for all contexts of a device.
    pub settings: Arc<Mutex<Settings>>,
}

/// What a program sets on a function.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `None` while it is as far as the static shared memory leaves room in the usual limit.
    pub max_dynamic_shared: Option<u32>,
    pub carveout: i32,
    pub cluster_must_be_set: i32,
    pub cluster: [u32; 3],
    pub large_clusters: bool,
    pub cluster_policy: i32,
    /// For the launches of CUDA 3 and before.
    pub legacy: Legacy,
}

#[derive(Clone, Debug, Default)]
pub struct Legacy {
    pub block: [u32; 3],
    pub shared: u32,
    pub arguments: Vec<u8>,
    pub size: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            max_dynamic_shared: None,
            carveout: -1,
            cluster_must_be_set: 0,
            cluster: [0; 3],
            large_clusters: false,
            cluster_policy: 0,
            legacy: Legacy::default(),
        }
    }
}

impl Settings {
    pub fn max_dynamic_shared(&self, info: &Kernel) -> u32 {
        self.max_dynamic_shared.unwrap_or(SHARED_PER_BLOCK.saturating_sub(info.shared))
    }
}

impl Kernel {
    /// The largest block its registers and its own limit allow.
    pub fn max_threads(&self) -> u32 {
        let per_warp = (self.registers.max(1) * WARP).next_multiple_of(REGISTER_UNIT);
        let by_registers = REGISTERS_PER_SM / per_warp * WARP;
        let own = if self.limit == 0 { THREADS_PER_BLOCK } else { self.limit };
        by_registers.min(own).min(THREADS_PER_BLOCK)
    }
}

static FUNCTIONS: Table<Function> = Table::new(31);

/// Shared memory a block may have without asking.
const SHARED_PER_BLOCK: u32 = 48 << 10;
pub const THREADS_PER_BLOCK: u32 = 1024;
const REGISTERS_PER_SM: u32 = 65536;
/// Registers are given to warps in units of this many.
const REGISTER_UNIT: u32 = 256;
const WARP: u32 = 32;

impl Function {
    pub(super) fn new(
        module: &Arc<Module>,
        info: Arc<Kernel>,
        settings: Arc<Mutex<Settings>>,
    ) -> Arc<Function> {
        let handle = FUNCTIONS.reserve();
        let function = Function { handle, module: Arc::downgrade(module), info, settings };
        let function = Arc::new(function);
        FUNCTIONS.insert_at(handle, function.clone());
        function
    }

    /// Its module is unloaded.
    pub(super) fn forget(&self) {
        FUNCTIONS.remove(self.handle);
    }

    pub fn module(&self) -> Option<Arc<Module>> {
        self.module.upgrade()
    }

    pub fn ctx(&self) -> Option<Arc<Context>> {
        self.module.upgrade()?.ctx.upgrade()
    }

    pub fn ctx_id(&self) -> u64 {
        self.module.upgrade().map_or(0, |module| module.ctx_id)
    }

    pub fn name(&self) -> &str {
        self.info.name.to_str().unwrap_or_default()
    }

    pub fn settings(&self) -> Settings {
        locked(&self.settings).clone()
    }

    pub fn max_dynamic_shared(&self) -> u32 {
        locked(&self.settings).max_dynamic_shared(&self.info)
    }

    /// How many of its blocks fit on one SM; 0 if not even one.
    pub fn blocks_per_sm(
        &self,
        threads: u32,
        dynamic_shared: u32,
        sm: &SmLimits,
        reserved_shared: u32,
    ) -> u32 {
        if threads == 0 || threads > self.info.max_threads() {
            return 0;
        }
        let warps = threads.div_ceil(WARP);
        let per_warp = (self.info.registers.max(1) * WARP).next_multiple_of(REGISTER_UNIT);
        let by_threads = sm.threads / (warps * WARP);
        let by_registers = REGISTERS_PER_SM / per_warp / warps;
        let shared =
            self.info.shared.saturating_add(dynamic_shared).saturating_add(reserved_shared);
        let by_shared = sm.shared_bytes.checked_div(shared).unwrap_or(u32::MAX);
        by_threads.min(by_registers).min(by_shared).min(sm.blocks)
    }
}

/// The function a handle means in a context: its own function, or a kernel's there.
pub fn named(ctx: &Arc<Context>, handle: usize) -> Result<Arc<Function>, E> {
    if let Some(kernel) = library::kernel(handle) {
        return kernel.function(ctx);
    }
    let function = live(handle)?;
    let home = function.ctx().ok_or(E::INVALID_HANDLE)?;
    // A green context runs the code of its primary context.
    if Arc::ptr_eq(&home.modules, &ctx.modules) { Ok(function) } else { Err(E::INVALID_HANDLE) }
}

/// A function by its own handle, whatever context it is of.
pub fn live(handle: usize) -> Result<Arc<Function>, E> {
    FUNCTIONS.get(handle).ok_or(E::INVALID_HANDLE)
}
