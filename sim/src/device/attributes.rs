//! The numbers of a device: every attribute the driver's generation knows.

use std::ffi::c_int;

use cudarc::driver::sys::{CUdevice, CUdevprop};

use super::{Device, PCI_ID, PCI_SUBSYSTEM, of, pci_bus};
use crate::api::{Call, E, R, given, put};
use crate::init::generation;
use crate::mps;

/// What an SM of a compute capability holds.
#[derive(Clone, Copy, Debug)]
pub struct SmLimits {
    pub threads: u32,
    pub blocks: u32,
    pub shared_bytes: u32,
    /// Per block, once the kernel has asked for it.
    pub shared_bytes_opt_in: u32,
    pub clusters: bool,
    pub l2_bytes: u32,
}

impl SmLimits {
    pub fn of(capability: (u32, u32)) -> SmLimits {
        let (threads, blocks, shared_kib, l2_mib) = match capability {
            (7, 5) => (1024, 16, 64, 4),
            (7, _) => (2048, 32, 96, 6),
            (8, 0) => (2048, 32, 164, 40),
            (8, 6) => (1536, 16, 100, 6),
            (8, 9) => (1536, 24, 100, 96),
            (12, _) => (1536, 24, 100, 128),
            (10, _) => (2048, 32, 228, 126),
            _ => (2048, 32, 228, 60),
        };
        // From capability 8 on the driver keeps 1 KiB of each block for itself.
        let kept = if capability.0 < 8 { 0 } else { RESERVED_SHARED };
        SmLimits {
            threads,
            blocks,
            shared_bytes: shared_kib << 10,
            shared_bytes_opt_in: (shared_kib << 10) - kept,
            clusters: capability.0 >= 9,
            l2_bytes: l2_mib << 20,
        }
    }

    /// The part of L2 that can be set aside.
    pub fn persisting_l2_bytes(&self) -> usize {
        self.l2_bytes as usize / 8 * 5
    }
}

pub const RESERVED_SHARED: u32 = 1024;
pub const SHARED_PER_BLOCK: c_int = 48 << 10;
pub const REGISTERS: c_int = 65536;
pub const MAX_PITCH: c_int = c_int::MAX;

/// Attributes beyond a generation's own last one are unknown to it.
fn first_unknown() -> c_int {
    match generation() {
        470 => 120,
        525 => 130,
        535 => 135,
        550 => 135,
        555 => 136,
        580 => 148,
        595 => 149,
        _ => 162,
    }
}

pub fn attribute(_: &Call, out: *mut c_int, attribute: c_int, device: CUdevice) -> R {
    given(out)?;
    let device = of(device)?;
    if attribute < 1 || attribute >= first_unknown() {
        return Err(E::INVALID_VALUE);
    }
    put(out, value(device, attribute))
}

/// Numbers as in `CUdevice_attribute`; what is not listed is a feature this card lacks.
fn value(device: &Device, attribute: c_int) -> c_int {
    let card = &device.card;
    let sm = SmLimits::of(card.capability);
    let count = match attribute {
        // Blocks and grids.
        1..=3 => 1024,
        4 => 64,
        5 => return c_int::MAX,
        6 | 7 => 65535,
        // Per block: shared and constant memory, warp, pitch, registers.
        8 => return SHARED_PER_BLOCK,
        9 => 65536,
        10 => 32,
        11 => return MAX_PITCH,
        12 => return REGISTERS,
        // Clock in kHz, texture alignment, copy overlap, SMs.
        13 => 1_980_000,
        14 => 512,
        15 => 1,
        16 => mps::granted(card),
        // Mapped host memory; the timeout and integration of 17 and 18 are 0.
        19 => 1,
        20 => compute_mode(),
        // Textures.
        21 | 22 => 131_072,
        23 => 65_536,
        24..=26 => 16_384,
        27 | 28 => 32_768,
        29 => 2048,
        30 => 512,
        // Concurrent kernels, ECC, PCI bus.
        31 | 32 => 1,
        33 => pci_bus(device.number),
        // Memory clock in kHz, bus width, L2.
        36 => 3_201_000,
        37 => 6144,
        38 => sm.l2_bytes,
        39 => sm.threads,
        40 => 3,
        41 => 1,
        42 => 32_768,
        43 => 2048,
        44 => 1,
        45 | 46 => 32_768,
        47 | 48 => 8192,
        49 => 32_768,
        51 => 32,
        52 | 53 => 32_768,
        54 => 2046,
        // Surfaces.
        55 => 32_768,
        56 => 131_072,
        57 => 65_536,
        58..=60 => 16_384,
        61 => 32_768,
        62 => 2048,
        63 | 64 => 32_768,
        65 => 2048,
        66 | 67 => 32_768,
        68 => 2046,
        // Linear and mipmapped textures.
        69 => 268_435_456,
        70 => 131_072,
        71 => 65_000,
        72 => 2_097_120,
        73 | 74 => 32_768,
        75 => card.capability.0,
        76 => card.capability.1,
        77 => 32_768,
        // Stream priorities, L1 caches.
        78..=80 => 1,
        81 => sm.shared_bytes,
        82 => return REGISTERS,
        // Managed memory; single to double precision ratio; concurrent managed access, preemption,
        // host pointers of registered memory.
        83 => 1,
        87 => 2,
        89..=91 => 1,
        // Stream memory operations, cooperative launch.
        92..=95 => 1,
        97 => sm.shared_bytes_opt_in,
        99 => 1,
        // Virtual memory management; handles as file descriptors.
        102 | 103 => 1,
        106 => sm.blocks,
        // Access policy windows and the part of L2 they may keep.
        108 => sm.persisting_l2_bytes() as u32,
        109 => 134_213_632,
        111 if card.capability.0 >= 8 => RESERVED_SHARED,
        // Sparse arrays, read-only registration, timeline semaphores, pools.
        112..=115 => 1,
        119 => POSIX_FILE_DESCRIPTOR,
        120 => sm.clusters.into(),
        // Deferred mapping, the newer stream memory operations, IPC events.
        121..=123 | 125 => 1,
        126 => {
            if card.capability.0 >= 9 {
                4
            } else {
                1
            }
        }
        127 => sm.clusters.into(),
        129 => 1,
        // Neither this card's memory nor its processors are a NUMA node of their own.
        131 => return -1,
        133 => mps::enabled().into(),
        139 => PCI_ID,
        140 => PCI_SUBSYSTEM,
        // Physical memory and pools on host locations.
        141 | 142 | 144 | 145 => 1,
        _ => 0,
    };
    count as c_int
}

const POSIX_FILE_DESCRIPTOR: u32 = 1;

/// What is said of it; nobody is kept out.
fn compute_mode() -> u32 {
    match std::env::var("CUOTA_SIM_COMPUTE_MODE").as_deref() {
        Ok("prohibited") => 2,
        Ok("exclusive_process") => 3,
        _ => 0,
    }
}

pub fn compute_capability(_: &Call, major: *mut c_int, minor: *mut c_int, device: CUdevice) -> R {
    given(major)?;
    given(minor)?;
    let (high, low) = of(device)?.card.capability;
    put(major, high as c_int)?;
    put(minor, low as c_int)
}

pub fn properties(_: &Call, out: *mut CUdevprop, device: CUdevice) -> R {
    given(out)?;
    let device = of(device)?;
    let v = |attribute| value(device, attribute);
    put(
        out,
        CUdevprop {
            maxThreadsPerBlock: v(1),
            maxThreadsDim: [v(2), v(3), v(4)],
            maxGridSize: [v(5), v(6), v(7)],
            sharedMemPerBlock: v(8),
            totalConstantMemory: v(9),
            SIMDWidth: v(10),
            memPitch: v(11),
            regsPerBlock: v(12),
            clockRate: v(13),
            textureAlign: v(14),
        },
    )
}
