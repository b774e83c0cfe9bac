//! Small questions to the real driver, past our own hooks.

use core::ffi::{CStr, c_int, c_uint, c_void};
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::{Status, dl};

/// One of the driver's functions, as we ask it.
pub struct Function {
    address: AtomicPtr<c_void>,
    /// Null unless somebody counts calls.
    calls: AtomicPtr<AtomicU64>,
}

impl Function {
    pub const fn new() -> Function {
        let (address, calls) = (core::ptr::null_mut(), core::ptr::null_mut());
        Function { address: AtomicPtr::new(address), calls: AtomicPtr::new(calls) }
    }

    pub fn set(&self, address: *mut c_void, calls: Option<&'static AtomicU64>) {
        if let Some(calls) = calls {
            self.calls.store(core::ptr::from_ref(calls).cast_mut(), Ordering::Relaxed);
        }
        self.address.store(address, Ordering::Relaxed);
    }

    /// To be called now: it is counted.
    #[inline(always)]
    pub fn address(&self) -> *mut c_void {
        let address = self.address.load(Ordering::Relaxed);
        // SAFETY: null, or a word of the tally, whose mapping is never undone.
        let calls = unsafe { self.calls.load(Ordering::Relaxed).as_ref() };
        if let Some(calls) = calls.filter(|_| !address.is_null()) {
            calls.fetch_add(1, Ordering::Relaxed);
        }
        address
    }
}

/// What a driver function is when we ask it: a status, and answers through pointers.
macro_rules! questions {
    ($($name:ident ($($arg:ident: $ty:ty),*);)*) => {
        #[allow(non_snake_case)]
        struct Functions { $($name: Function,)* }

        static FUNCTIONS: Functions =
            Functions { $($name: Function::new(),)* };

        /// Finds every function in the real library, and the word to count its calls in if there is
        /// one. Before any slot leads to a body.
        pub fn resolve(handle: *mut c_void, counted: &dyn Fn(&CStr) -> Option<&'static AtomicU64>) {
            $(
                let name = const { $crate::driver::query::c_name(concat!(stringify!($name), "\0")) };
                // SAFETY: the handle is open and stays so; the name ends in NUL.
                let found = unsafe { dl::sym(handle, name.as_ptr()) };
                FUNCTIONS.$name.set(found, counted(name));
            )*
        }

        $(
            /// The driver's answer; 801 if it has no such function.
            #[inline(always)]
            #[allow(non_snake_case)]
            pub fn $name($($arg: $ty),*) -> Status {
                type Typed = unsafe extern "C" fn($($ty),*) -> Status;
                let function = FUNCTIONS.$name.address();
                if function.is_null() {
                    return Status::NOT_SUPPORTED;
                }
                // SAFETY: the driver's function of that name, with the signature the API documents;
                // the arguments are handles of the program's, pointers to our own memory, or the program's
                // own for that very purpose.
                unsafe { core::mem::transmute::<*mut c_void, Typed>(function)($($arg),*) }
            }
        )*
    };
}

pub const fn c_name(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    }
}

/// Handles as plain words: what they point to is the driver's.
pub type Handle = u64;

questions! {
    cuInit(flags: c_uint);
    cuCtxGetCurrent(context: &mut Handle);
    cuCtxGetDevice(device: &mut c_int);
    cuCtxPushCurrent_v2(context: Handle);
    cuCtxPopCurrent_v2(context: &mut Handle);
    cuCtxCreate_v3(context: *mut c_void, affinity: &[c_uint; 2], count: c_int, flags: c_uint, device: c_int);
    cuCtxCreate_v4(context: *mut c_void, parameters: *const c_void, flags: c_uint, device: c_int);
    cuCtxGetExecAffinity(affinity: &mut [c_uint; 2], kind: c_uint);
    cuCtxGetLimit(value: &mut usize, limit: c_uint);
    cuDevicePrimaryCtxRetain(context: &mut Handle, device: c_int);
    cuDevicePrimaryCtxRelease_v2(device: c_int);
    cuDevicePrimaryCtxGetState(device: c_int, flags: &mut c_uint, active: &mut c_int);
    cuDeviceGet(device: &mut c_int, ordinal: c_int);
    cuDeviceGetCount(count: &mut c_int);
    cuDeviceGetUuid(uuid: &mut [u8; 16], device: c_int);
    cuDeviceGetUuid_v2(uuid: &mut [u8; 16], device: c_int);
    cuDeviceTotalMem_v2(bytes: &mut usize, device: c_int);
    cuDeviceGetAttribute(value: &mut c_int, attribute: c_uint, device: c_int);
    cuStreamGetCtx(stream: Handle, context: &mut Handle);
    cuStreamIsCapturing(stream: Handle, status: &mut c_uint);
    cuDeviceGetMemPool(pool: &mut Handle, device: c_int);
    cuMemPoolGetAttribute(pool: Handle, attribute: c_uint, value: &mut u64);
    cuMemPoolTrimTo(pool: Handle, keep: usize);
    cuDeviceGetGraphMemAttribute(device: c_int, attribute: c_uint, value: &mut u64);
    cuDeviceGraphMemTrim(device: c_int);
    cuGraphGetNodes(graph: Handle, nodes: *mut Handle, count: &mut usize);
    cuGraphNodeGetType(node: Handle, kind: &mut c_uint);
    cuGraphMemAllocNodeGetParams(node: Handle, parameters: *mut c_void);
    cuGraphChildGraphNodeGetGraph(node: Handle, graph: &mut Handle);
    cuMemFree_v2(address: u64);
    cuMemGetAddressRange_v2(base: &mut u64, bytes: &mut usize, address: u64);
    cuMemGetAllocationPropertiesFromHandle(properties: &mut [u64; 8], handle: Handle);
    cuMemGetAllocationGranularity(bytes: &mut usize, properties: *const c_void, option: c_uint);
    cuMemRetainAllocationHandle(handle: &mut Handle, address: u64);
    cuMemRelease(handle: Handle);
    cuArrayGetDescriptor_v2(descriptor: &mut [u64; 8], array: Handle);
    cuMipmappedArrayGetLevel(array: &mut Handle, mipmap: Handle, level: c_uint);
    cuMemFreeAsync(address: u64, stream: Handle);
    cuKernelGetLibrary(library: &mut Handle, kernel: Handle);
    cuStreamQuery(stream: Handle);
    cuEventCreate(event: &mut Handle, flags: c_uint);
    cuEventRecord(event: Handle, stream: Handle);
    cuEventQuery(event: Handle);
    cuEventDestroy_v2(event: Handle);
    cuCtxSynchronize();
    cuThreadExchangeStreamCaptureMode(mode: &mut c_uint);
}
