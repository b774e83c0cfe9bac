//! Small questions to the real NVML. It is opened for them where CUDA is in use; where it is not there
//! every answer is that it is not.

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::fmt::Write;
use core::sync::atomic::AtomicU64;

use super::query::{Function, Handle};
use super::{Status, dl};

questions! {
    nvmlInit_v2();
    nvmlDeviceGetCount_v2(count: &mut c_uint);
    nvmlDeviceGetHandleByIndex_v2(index: c_uint, device: &mut Handle);
    nvmlDeviceGetNumGpuCores(device: Handle, cores: &mut c_uint);
    nvmlDeviceGetCudaComputeCapability(device: Handle, major: &mut c_int, minor: &mut c_int);
    nvmlDeviceGetHandleByUUID(uuid: *const c_char, device: &mut Handle);
    nvmlDeviceGetUUID(device: Handle, uuid: *mut c_char, room: c_uint);
    nvmlDeviceGetComputeRunningProcesses_v3(
        device: Handle, count: &mut c_uint, infos: *mut c_void);
    nvmlDeviceGetMPSComputeRunningProcesses_v3(
        device: Handle, count: &mut c_uint, infos: *mut c_void);
}

/// A process as NVML lists it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Info {
    pid: u32,
    bytes: u64,
    gpu_instance: u32,
    compute_instance: u32,
}

/// Where NVML says nothing of a process's memory.
const UNKNOWN: u64 = u64::MAX;
/// More processes than have a context on one device.
const MOST: usize = 512;

/// The processes NVML lists on a device, under MPS or not: pids as NVML sees them, and bytes. Nothing
/// where it cannot tell.
pub fn processes(uuid: [u8; 16]) -> Option<Vec<(u32, u64)>> {
    let infos = listed(uuid)?.into_iter().filter(|info| info.bytes != UNKNOWN);
    Some(infos.map(|info| (info.pid, info.bytes)).collect())
}

/// Their pids, whatever is known of their memory.
pub fn pids(uuid: [u8; 16]) -> Option<Vec<u32>> {
    Some(listed(uuid)?.into_iter().map(|info| info.pid).collect())
}

fn listed(uuid: [u8; 16]) -> Option<Vec<Info>> {
    let device = device(uuid)?;
    let mut all = Vec::new();
    let asked =
        [nvmlDeviceGetComputeRunningProcesses_v3, nvmlDeviceGetMPSComputeRunningProcesses_v3];
    let mut any = false;
    for ask in asked {
        let mut infos = vec![Info::default(); MOST];
        let mut count = MOST as c_uint;
        if ask(device, &mut count, infos.as_mut_ptr().cast()).ok() {
            any = true;
            infos.truncate(count as usize);
            all.append(&mut infos);
        }
    }
    any.then_some(all)
}

/// How many SMs a device has, whatever MPS shows this process.
pub fn sms(uuid: [u8; 16]) -> Option<u32> {
    if !nvmlInit_v2().ok() {
        return None;
    }
    sms_of(device(uuid)?)
}

/// As many as every device has; nothing where they differ.
pub fn common_sms() -> Option<u32> {
    let mut count = 0;
    if !nvmlInit_v2().ok() || !nvmlDeviceGetCount_v2(&mut count).ok() {
        return None;
    }
    let device = |index| {
        let mut device = 0;
        nvmlDeviceGetHandleByIndex_v2(index, &mut device).ok().then_some(device)
    };
    let mut all = (0..count).map(|index| sms_of(device(index)?));
    let first = all.next()??;
    all.all(|other| other == Some(first)).then_some(first)
}

fn sms_of(device: Handle) -> Option<u32> {
    let (mut cores, mut major, mut minor) = (0, 0, 0);
    let said = nvmlDeviceGetNumGpuCores(device, &mut cores).ok()
        && nvmlDeviceGetCudaComputeCapability(device, &mut major, &mut minor).ok();
    let each = cuota_core::share::cores_per_sm(major, minor).filter(|_| said)?;
    (cores >= each).then_some(cores / each)
}

/// NVML's handle of a device, whether it is a card or a part of one.
fn device(uuid: [u8; 16]) -> Option<Handle> {
    let plain = cuota_core::config::Uuid(uuid).to_string();
    let rest = plain.strip_prefix("GPU-").unwrap_or(&plain);
    ["GPU-", "MIG-"].into_iter().find_map(|prefix| {
        let mut text = String::new();
        write!(text, "{prefix}{rest}\0").ok()?;
        let mut device = 0;
        nvmlDeviceGetHandleByUUID(text.as_ptr().cast(), &mut device).ok().then_some(device)
    })
}

/// The UUID of a device by NVML's handle.
pub fn uuid_of(device: Handle) -> Option<[u8; 16]> {
    let mut text = [0_u8; 96];
    if !nvmlDeviceGetUUID(device, text.as_mut_ptr().cast(), text.len() as c_uint).ok() {
        return None;
    }
    let text = CStr::from_bytes_until_nul(&text).ok()?.to_str().ok()?;
    text.parse::<cuota_core::config::Uuid>().ok().map(|uuid| uuid.0)
}
