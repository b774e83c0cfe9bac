//! One launch of a kernel: what is allowed, and how long it takes.

use std::env;
use std::ffi::{c_uint, c_void};
use std::ptr;
use std::sync::{Arc, LazyLock};

use super::arguments::{Arguments, Given};
use super::function::{self, Function, THREADS_PER_BLOCK};
use crate::api::{E, R};
use crate::context::Context;
use crate::device::SmLimits;
use crate::work::queue::Step;

#[derive(Clone)]
pub struct Launch {
    pub function: Arc<Function>,
    pub grid: [u32; 3],
    pub block: [u32; 3],
    pub shared: u32,
    pub cooperative: bool,
    /// SMs it keeps busy.
    sms: u32,
    arguments: Option<Arc<Arguments>>,
}

const MAX_GRID: [u32; 3] = [i32::MAX as u32, 65535, 65535];
const MAX_BLOCK: [u32; 3] = [1024, 1024, 64];
/// Blocks in a cluster, everywhere and where the program allows more.
const PORTABLE_CLUSTER: u64 = 8;
const LARGE_CLUSTER: u64 = 16;

/// How long every kernel takes: `CUOTA_SIM_KERNEL_US`, in microseconds, nothing if unset.
static KERNEL_NS: LazyLock<u64> = LazyLock::new(|| {
    let text = env::var("CUOTA_SIM_KERNEL_US").unwrap_or_default();
    text.parse::<f64>().map_or(0, |microseconds| (microseconds * 1000.0) as u64)
});

impl Launch {
    /// A launch within the limits of the function and of the context's device.
    pub fn checked(
        ctx: &Arc<Context>,
        handle: usize,
        grid: [u32; 3],
        block: [u32; 3],
        shared: u32,
    ) -> Result<Launch, E> {
        ctx.check()?;
        let function = function::named(ctx, handle)?;
        let within = |sizes: [u32; 3], most: [u32; 3]| {
            sizes.iter().zip(most).all(|(size, most)| (1..=most).contains(size))
        };
        let threads = block.iter().map(|size| u64::from(*size)).product::<u64>();
        if !within(grid, MAX_GRID)
            || !within(block, MAX_BLOCK)
            || threads > u64::from(THREADS_PER_BLOCK)
        {
            return Err(E::INVALID_VALUE);
        }
        if threads > u64::from(function.info.max_threads()) {
            return Err(E::LAUNCH_OUT_OF_RESOURCES);
        }
        if shared > function.max_dynamic_shared() {
            return Err(E::INVALID_VALUE);
        }
        let fitting = blocks_per_sm(ctx, &function, threads as u32, shared);
        let blocks = grid.iter().map(|size| u64::from(*size)).product::<u64>();
        let sms = blocks.div_ceil(u64::from(fitting.max(1))).min(u64::from(ctx.sms)) as u32;
        let launch =
            Launch { function, grid, block, shared, cooperative: false, sms, arguments: None };
        launch.check_cluster(launch.function.info.cluster, ctx)?;
        Ok(launch)
    }

    /// All blocks of a cooperative launch must be on the device at once.
    pub fn cooperative(mut self, ctx: &Context) -> Result<Launch, E> {
        let threads = self.block.iter().product();
        let fitting = u64::from(blocks_per_sm(ctx, &self.function, threads, self.shared))
            * u64::from(ctx.sms);
        let blocks = self.grid.iter().map(|size| u64::from(*size)).product::<u64>();
        if blocks > fitting {
            return Err(E::COOPERATIVE_LAUNCH_TOO_LARGE);
        }
        self.cooperative = true;
        Ok(self)
    }

    /// Clusters must divide the grid, be of a size the device can hold, and be what the code was made for.
    pub fn check_cluster(&self, cluster: Option<[u32; 3]>, ctx: &Context) -> R {
        let Some(cluster) = cluster.filter(|cluster| *cluster != [0; 3]) else { return Ok(()) };
        let limits = SmLimits::of(ctx.device.card.capability);
        let size = cluster.iter().map(|size| u64::from(*size)).product::<u64>();
        let most =
            if self.function.settings().large_clusters { LARGE_CLUSTER } else { PORTABLE_CLUSTER };
        let divides = self
            .grid
            .iter()
            .zip(cluster)
            .all(|(grid, cluster)| cluster > 0 && grid.is_multiple_of(cluster));
        let made_for = self.function.info.cluster.is_none_or(|fixed| fixed == cluster);
        if limits.clusters && divides && size <= most && made_for {
            Ok(())
        } else {
            Err(E::INVALID_CLUSTER_SIZE)
        }
    }

    /// Whether what the caller passed would do.
    pub fn check_arguments(&self, params: *mut *mut c_void, extra: *mut *mut c_void) -> R {
        Given::checked(&self.function.info, params, extra).map(|_| ())
    }

    /// With a copy of the arguments, for a launch that is kept.
    pub fn with_arguments(
        mut self,
        params: *mut *mut c_void,
        extra: *mut *mut c_void,
    ) -> Result<Launch, E> {
        let given = Given::checked(&self.function.info, params, extra)?;
        self.arguments = Some(Arguments::copied(&self.function.info, given)?);
        Ok(self)
    }

    pub fn params(&self) -> *mut *mut c_void {
        self.arguments.as_ref().map_or(ptr::null_mut(), |arguments| arguments.params())
    }

    pub fn extra(&self) -> *mut *mut c_void {
        self.arguments.as_ref().map_or(ptr::null_mut(), |arguments| arguments.extra())
    }

    pub fn step(&self) -> Step {
        Step::Busy { ns: *KERNEL_NS, sms: self.sms }
    }

    /// `CUlaunchAttributeID`
    pub fn known_attribute(attribute: c_uint) -> R {
        const LAST: c_uint = 17;
        if (1..=LAST).contains(&attribute) { Ok(()) } else { Err(E::INVALID_VALUE) }
    }
}

/// Blocks of such a launch that fit on one SM of the context's device.
pub fn blocks_per_sm(ctx: &Context, function: &Function, threads: u32, shared: u32) -> u32 {
    let capability = ctx.device.card.capability;
    // From capability 8 on the driver keeps some of each block's shared memory.
    let reserved = if capability.0 < 8 { 0 } else { 1024 };
    function.blocks_per_sm(threads, shared, &SmLimits::of(capability), reserved)
}
