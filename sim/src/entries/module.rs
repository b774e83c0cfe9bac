//! Entry points: modules, libraries, functions, kernels, the linker.

use std::ffi::{c_char, c_int, c_uint, c_void};

use cudarc::driver::sys::*;

use crate::module::{
    function_calls as functions, kernel_calls as kernel, library, link, module_calls as module,
};

entries! {
    [cuModuleLoad] (out: *mut CUmodule, path: *const c_char) => module::load_file;
    [cuModuleLoadData cuModuleLoadFatBinary] (out: *mut CUmodule, code: *const c_void) => module::load_data;
    [cuModuleLoadDataEx] (out: *mut CUmodule, code: *const c_void, count: c_uint, keys: *mut c_uint, values: *mut *mut c_void) => module::load_data_ex;
    [cuModuleUnload] (module: CUmodule) => module::unload;
    [cuModuleGetLoadingMode] (mode: *mut c_uint) => module::loading_mode;
    [cuModuleGetFunction] (out: *mut CUfunction, module: CUmodule, name: *const c_char) => module::function;
    [cuModuleGetFunctionCount] (count: *mut c_uint, module: CUmodule) => module::function_count;
    [cuModuleEnumerateFunctions] (out: *mut CUfunction, count: c_uint, module: CUmodule) => module::functions;
    [cuModuleGetGlobal_v2] (address: *mut CUdeviceptr, bytes: *mut usize, module: CUmodule, name: *const c_char) => module::global;
    [cuModuleGetTexRef cuModuleGetSurfRef] (out: *mut *mut c_void, module: CUmodule, name: *const c_char) => module::reference;

    [cuLibraryLoadData] (out: *mut CUlibrary, code: *const c_void, jit_keys: *mut c_uint, jit_values: *mut *mut c_void, jit_count: c_uint, keys: *mut c_uint, values: *mut *mut c_void, count: c_uint) => library::load_data;
    [cuLibraryLoadFromFile] (out: *mut CUlibrary, path: *const c_char, jit_keys: *mut c_uint, jit_values: *mut *mut c_void, jit_count: c_uint, keys: *mut c_uint, values: *mut *mut c_void, count: c_uint) => library::load_file;
    [cuLibraryUnload] (library: CUlibrary) => library::unload;
    [cuLibraryGetKernel] (out: *mut CUkernel, library: CUlibrary, name: *const c_char) => library::get_kernel;
    [cuLibraryGetKernelCount] (count: *mut c_uint, library: CUlibrary) => library::kernel_count;
    [cuLibraryEnumerateKernels] (out: *mut CUkernel, count: c_uint, library: CUlibrary) => library::kernels;
    [cuLibraryGetModule] (out: *mut CUmodule, library: CUlibrary) => library::get_module;
    [cuLibraryGetGlobal] (address: *mut CUdeviceptr, bytes: *mut usize, library: CUlibrary, name: *const c_char) => library::global;
    [cuLibraryGetManaged] (address: *mut CUdeviceptr, bytes: *mut usize, library: CUlibrary, name: *const c_char) => library::managed;
    [cuLibraryGetUnifiedFunction] (out: *mut *mut c_void, library: CUlibrary, name: *const c_char) => library::unified_function;

    [cuKernelGetFunction] (out: *mut CUfunction, kernel: CUkernel) => kernel::function;
    [cuKernelGetLibrary] (out: *mut CUlibrary, kernel: CUkernel) => kernel::library;
    [cuKernelGetAttribute] (value: *mut c_int, attribute: c_uint, kernel: CUkernel, device: CUdevice) => kernel::get_attribute;
    [cuKernelSetAttribute] (attribute: c_uint, value: c_int, kernel: CUkernel, device: CUdevice) => kernel::set_attribute;
    [cuKernelSetCacheConfig] (kernel: CUkernel, config: c_uint, device: CUdevice) => kernel::set_cache_config;
    [cuKernelGetName] (name: *mut *const c_char, kernel: CUkernel) => kernel::name;
    [cuKernelGetParamInfo] (kernel: CUkernel, index: usize, offset: *mut usize, size: *mut usize) => kernel::param_info;
    [cuKernelGetParamCount] (kernel: CUkernel, count: *mut usize) => kernel::param_count;

    [cuFuncGetAttribute] (value: *mut c_int, attribute: c_uint, function: CUfunction) => functions::get_attribute;
    [cuFuncSetAttribute] (function: CUfunction, attribute: c_uint, value: c_int) => functions::set_attribute;
    [cuFuncSetCacheConfig] (function: CUfunction, config: c_uint) => functions::set_cache_config;
    [cuFuncSetSharedMemConfig] (function: CUfunction, config: c_uint) => functions::set_shared_config;
    [cuFuncGetName] (name: *mut *const c_char, function: CUfunction) => functions::name;
    [cuFuncGetModule] (module: *mut CUmodule, function: CUfunction) => functions::module;
    [cuFuncGetParamInfo] (function: CUfunction, index: usize, offset: *mut usize, size: *mut usize) => functions::param_info;
    [cuFuncGetParamCount] (function: CUfunction, count: *mut usize) => functions::param_count;
    [cuFuncIsLoaded] (state: *mut c_uint, function: CUfunction) => functions::is_loaded;
    [cuFuncLoad] (function: CUfunction) => functions::load;

    [cuLinkCreate cuLinkCreate_v2] (count: c_uint, keys: *mut c_uint, values: *mut *mut c_void, out: *mut CUlinkState) => link::create;
    [cuLinkAddData cuLinkAddData_v2] (state: CUlinkState, kind: c_uint, data: *mut c_void, size: usize, name: *const c_char, count: c_uint, keys: *mut c_uint, values: *mut *mut c_void) => link::add_data;
    [cuLinkAddFile cuLinkAddFile_v2] (state: CUlinkState, kind: c_uint, path: *const c_char, count: c_uint, keys: *mut c_uint, values: *mut *mut c_void) => link::add_file;
    [cuLinkComplete] (state: CUlinkState, out: *mut *mut c_void, size: *mut usize) => link::complete;
    [cuLinkDestroy] (state: CUlinkState) => link::destroy;
}
