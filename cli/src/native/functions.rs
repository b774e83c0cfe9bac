//! The few driver functions this command calls, as CUDA 11.0 declares them. What they make is an
//! opaque value that only the function which ends it can consume.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::{null, null_mut};

use super::driver::{Driver, Refused};

type Made<T> = Result<T, Refused>;

pub struct Device(c_int);
pub struct Context(*mut c_void);
pub struct Module(*mut c_void);
pub struct Memory {
    address: u64,
    bytes: usize,
}

// Each SAFETY below leaves out what they share: the type in the closure is the function's C
// declaration, and pointers it gets are to local places or to arguments that outlive the call.
impl Driver {
    pub fn init(&self) -> Made<()> {
        // SAFETY: takes no pointer.
        unsafe { self.call("cuInit", |f: extern "C" fn(c_uint) -> u32| f(0)) }
    }

    pub fn version(&self) -> Made<i32> {
        let mut version = 0;
        type F = unsafe extern "C" fn(*mut c_int) -> u32;
        // SAFETY: writes an int.
        unsafe { self.call("cuDriverGetVersion", |f: F| f(&raw mut version)) }?;
        Ok(version)
    }

    /// The name of a status, as the driver knows it.
    pub fn name_of(&self, status: u32) -> Made<String> {
        let mut name: *const c_char = null();
        type F = unsafe extern "C" fn(c_uint, *mut *const c_char) -> u32;
        // SAFETY: writes a pointer to a constant of the driver's, or null.
        unsafe { self.call("cuGetErrorName", |f: F| f(status, &raw mut name)) }?;
        if name.is_null() {
            return Ok(String::new());
        }
        // SAFETY: not null, hence the driver's string.
        Ok(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
    }

    pub fn device(&self, ordinal: i32) -> Made<Device> {
        let mut device = 0;
        type F = unsafe extern "C" fn(*mut c_int, c_int) -> u32;
        // SAFETY: writes an int.
        unsafe { self.call("cuDeviceGet", |f: F| f(&raw mut device, ordinal)) }?;
        Ok(Device(device))
    }

    pub fn count(&self) -> Made<i32> {
        let mut count = 0;
        type F = unsafe extern "C" fn(*mut c_int) -> u32;
        // SAFETY: writes an int.
        unsafe { self.call("cuDeviceGetCount", |f: F| f(&raw mut count)) }?;
        Ok(count)
    }

    /// An attribute, by the driver's number for it.
    pub fn attribute(&self, device: &Device, number: c_uint) -> Made<i32> {
        let mut value = 0;
        type F = unsafe extern "C" fn(*mut c_int, c_uint, c_int) -> u32;
        // SAFETY: writes an int.
        unsafe { self.call("cuDeviceGetAttribute", |f: F| f(&raw mut value, number, device.0)) }?;
        Ok(value)
    }

    /// Of a MIG instance, where the driver can tell it from its card.
    pub fn uuid(&self, device: &Device) -> Made<[u8; 16]> {
        let mut uuid = [0; 16];
        type F = unsafe extern "C" fn(*mut [u8; 16], c_int) -> u32;
        // SAFETY: each writes sixteen bytes.
        unsafe {
            self.call("cuDeviceGetUuid_v2", |f: F| f(&raw mut uuid, device.0))
                .or_else(|_| self.call("cuDeviceGetUuid", |f: F| f(&raw mut uuid, device.0)))
        }?;
        Ok(uuid)
    }

    /// Makes a context, and makes it current.
    pub fn create_context(&self, device: &Device) -> Made<Context> {
        let mut context = null_mut();
        type F = unsafe extern "C" fn(*mut *mut c_void, c_uint, c_int) -> u32;
        // SAFETY: writes a handle.
        unsafe { self.call("cuCtxCreate_v2", |f: F| f(&raw mut context, 0, device.0)) }?;
        Ok(Context(context))
    }

    pub fn destroy_context(&self, context: Context) -> Made<()> {
        type F = unsafe extern "C" fn(*mut c_void) -> u32;
        // SAFETY: the context is alive: only this consumes it.
        unsafe { self.call("cuCtxDestroy_v2", |f: F| f(context.0)) }
    }

    /// Free and total bytes of the current context's device.
    pub fn memory(&self) -> Made<(usize, usize)> {
        let (mut free, mut total) = (0, 0);
        type F = unsafe extern "C" fn(*mut usize, *mut usize) -> u32;
        // SAFETY: writes two sizes.
        unsafe { self.call("cuMemGetInfo_v2", |f: F| f(&raw mut free, &raw mut total)) }?;
        Ok((free, total))
    }

    pub fn alloc(&self, bytes: usize) -> Made<Memory> {
        let mut address = 0;
        type F = unsafe extern "C" fn(*mut u64, usize) -> u32;
        // SAFETY: writes an address.
        unsafe { self.call("cuMemAlloc_v2", |f: F| f(&raw mut address, bytes)) }?;
        Ok(Memory { address, bytes })
    }

    pub fn free(&self, memory: Memory) -> Made<()> {
        type F = unsafe extern "C" fn(u64) -> u32;
        // SAFETY: the memory is allocated: only this consumes it.
        unsafe { self.call("cuMemFree_v2", |f: F| f(memory.address)) }
    }

    /// Copies to the start of `memory` as much as there is room for.
    pub fn copy_in(&self, memory: &Memory, from: &[u8]) -> Made<()> {
        type F = unsafe extern "C" fn(u64, *const c_void, usize) -> u32;
        let bytes = from.len().min(memory.bytes);
        // SAFETY: both sides hold `bytes`.
        unsafe {
            self.call("cuMemcpyHtoD_v2", |f: F| f(memory.address, from.as_ptr().cast(), bytes))
        }
    }

    pub fn copy_out(&self, to: &mut [u8], memory: &Memory) -> Made<()> {
        type F = unsafe extern "C" fn(*mut c_void, u64, usize) -> u32;
        let bytes = to.len().min(memory.bytes);
        // SAFETY: both sides hold `bytes`.
        unsafe {
            self.call("cuMemcpyDtoH_v2", |f: F| f(to.as_mut_ptr().cast(), memory.address, bytes))
        }
    }

    /// Loads PTX text into the current context.
    pub fn load(&self, ptx: &CStr) -> Made<Module> {
        let mut module = null_mut();
        type F = unsafe extern "C" fn(*mut *mut c_void, *const c_void) -> u32;
        // SAFETY: reads the text up to its end and writes a handle.
        unsafe { self.call("cuModuleLoadData", |f: F| f(&raw mut module, ptx.as_ptr().cast())) }?;
        Ok(Module(module))
    }

    pub fn unload(&self, module: Module) -> Made<()> {
        type F = unsafe extern "C" fn(*mut c_void) -> u32;
        // SAFETY: the module is loaded: only this consumes it.
        unsafe { self.call("cuModuleUnload", |f: F| f(module.0)) }
    }

    /// Launches `times` times a kernel of the module's that takes no arguments, and waits for it.
    pub fn launch(&self, module: &Module, kernel: &CStr, times: u32) -> Made<()> {
        let mut function = null_mut();
        type Get = unsafe extern "C" fn(*mut *mut c_void, *mut c_void, *const c_char) -> u32;
        // SAFETY: reads the name and writes a handle; the module is loaded.
        unsafe {
            self.call("cuModuleGetFunction", |f: Get| {
                f(&raw mut function, module.0, kernel.as_ptr())
            })
        }?;
        type Size = c_uint;
        type Launch = unsafe extern "C" fn(
            *mut c_void,
            Size,
            Size,
            Size,
            Size,
            Size,
            Size,
            Size,
            *mut c_void,
            *mut *mut c_void,
            *mut *mut c_void,
        ) -> u32;
        for _ in 0..times {
            // SAFETY: the function is the module's, and takes no arguments.
            unsafe {
                self.call("cuLaunchKernel", |f: Launch| {
                    f(function, 1, 1, 1, 32, 1, 1, 0, null_mut(), null_mut(), null_mut())
                })
            }?;
        }
        // SAFETY: takes nothing.
        unsafe { self.call("cuCtxSynchronize", |f: extern "C" fn() -> u32| f()) }
    }
}
