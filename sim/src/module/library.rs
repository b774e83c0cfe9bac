//! Libraries: code that belongs to no context, and is loaded into each that uses it.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_uint, c_void};
use std::sync::{Arc, Mutex, Weak};

use cudarc::driver::sys::{CUdevice, CUdeviceptr, CUkernel, CUlibrary, CUmodule};

use super::function::Settings;
use super::image::{self, Image};
use super::jit::Options;
use super::module_calls::{contents, name};
use super::{Function, MODULES, Module, locked};
use crate::api::{Call, E, R, given, put, put_opt, take_many, text};
use crate::context::Context;
use crate::device;
use crate::done::{Done, did};
use crate::handles::Table;

pub struct Library {
    pub handle: usize,
    image: Arc<Image>,
    kernels: Mutex<BTreeMap<Vec<u8>, Arc<Kernel>>>,
}

/// A kernel of a library, the same in every context.
pub struct Kernel {
    pub handle: usize,
    pub library: Weak<Library>,
    pub info: Arc<image::Kernel>,
    /// By device.
    settings: Mutex<BTreeMap<CUdevice, Arc<Mutex<Settings>>>>,
}

/// The modules that libraries have in one context, by the library's handle.
#[derive(Default)]
pub struct Loaded(Mutex<BTreeMap<usize, Arc<Module>>>);

impl Loaded {
    pub fn clear(&self) {
        locked(&self.0).clear();
    }
}

static LIBRARIES: Table<Library> = Table::new(32);
static KERNELS: Table<Kernel> = Table::new(33);

pub fn kernel(handle: usize) -> Option<Arc<Kernel>> {
    KERNELS.get(handle)
}

fn library(handle: CUlibrary) -> Result<Arc<Library>, E> {
    LIBRARIES.get(handle as usize).ok_or(E::INVALID_HANDLE)
}

impl Kernel {
    pub fn function(&self, ctx: &Arc<Context>) -> Result<Arc<Function>, E> {
        let module = self.library.upgrade().ok_or(E::INVALID_HANDLE)?.module(ctx)?;
        module.function_with(&self.info.name, self.settings(ctx.device.ordinal))
    }

    pub fn settings(&self, device: CUdevice) -> Arc<Mutex<Settings>> {
        locked(&self.settings).entry(device).or_default().clone()
    }
}

impl Library {
    /// Its module in a context, loaded at the first need.
    fn module(&self, ctx: &Arc<Context>) -> Result<Arc<Module>, E> {
        ctx.check()?;
        let mut loaded = locked(&ctx.modules.libraries.0);
        if let Some(module) = loaded.get(&self.handle) {
            return Ok(module.clone());
        }
        let module = Module::load(ctx, self.image.clone(), true)?;
        loaded.insert(self.handle, module.clone());
        Ok(module)
    }

    fn kernel(self: &Arc<Library>, info: Arc<image::Kernel>) -> Arc<Kernel> {
        let mut kernels = locked(&self.kernels);
        let make = || {
            let handle = KERNELS.reserve();
            let kernel = Arc::new(Kernel {
                handle,
                library: Arc::downgrade(self),
                info: info.clone(),
                settings: Mutex::default(),
            });
            KERNELS.insert_at(handle, kernel.clone());
            kernel
        };
        kernels.entry(info.name.to_bytes().to_vec()).or_insert_with(make).clone()
    }
}

/// Loading options: the first of them holds a table for host code, which is taken as it is.
const LAST_OPTION: c_uint = 1;

fn load(
    out: *mut CUlibrary,
    options: &[c_uint],
    jit: &Options,
    read: impl FnOnce(u32) -> Result<Image, E>,
) -> R {
    if options.iter().any(|option| *option > LAST_OPTION) {
        return Err(E::INVALID_VALUE);
    }
    let (major, minor) = device::of(0)?.card.capability;
    let image = read(major * 10 + minor);
    jit.report(image.as_ref().map(|_| ()).map_err(|why| *why));
    let handle = LIBRARIES.reserve();
    let library = Library { handle, image: Arc::new(image?), kernels: Mutex::default() };
    LIBRARIES.insert_at(handle, Arc::new(library));
    put(out, handle as CUlibrary)?;
    did(Done::ModulesLoaded);
    Ok(())
}

pub fn load_data(
    _: &Call,
    out: *mut CUlibrary,
    code: *const c_void,
    jit_keys: *mut c_uint,
    jit_values: *mut *mut c_void,
    jit_count: c_uint,
    keys: *mut c_uint,
    values: *mut *mut c_void,
    count: c_uint,
) -> R {
    given(out)?;
    given(code)?;
    take_many(values, count as usize)?;
    let jit = Options::read(jit_count, jit_keys, jit_values)?;
    // SAFETY: the API makes the caller pass a whole image.
    load(out, &take_many(keys, count as usize)?, &jit, |capability| unsafe {
        image::read(code, capability)
    })
}

pub fn load_file(
    _: &Call,
    out: *mut CUlibrary,
    path: *const c_char,
    jit_keys: *mut c_uint,
    jit_values: *mut *mut c_void,
    jit_count: c_uint,
    keys: *mut c_uint,
    values: *mut *mut c_void,
    count: c_uint,
) -> R {
    given(out)?;
    given(path)?;
    take_many(values, count as usize)?;
    let jit = Options::read(jit_count, jit_keys, jit_values)?;
    let options = take_many(keys, count as usize)?;
    load(out, &options, &jit, |capability| image::read_bytes(&contents(path)?, capability))
}

/// It goes from every context.
pub fn unload(_: &Call, handle: CUlibrary) -> R {
    let library = LIBRARIES.remove(handle as usize).ok_or(E::INVALID_HANDLE)?;
    locked(&library.kernels).values().for_each(|kernel| {
        KERNELS.remove(kernel.handle);
    });
    for module in MODULES.remove_where(|module| Arc::ptr_eq(&module.image, &library.image)) {
        if let Some(ctx) = module.ctx.upgrade() {
            locked(&ctx.modules.libraries.0).remove(&library.handle);
            module.unload(&ctx);
        }
    }
    did(Done::ModulesUnloaded);
    Ok(())
}

pub fn get_kernel(_: &Call, out: *mut CUkernel, handle: CUlibrary, wanted: *const c_char) -> R {
    given(out)?;
    let wanted = name(wanted)?;
    let library = library(handle)?;
    let info = library.image.kernel(wanted).ok_or(E::NOT_FOUND)?;
    put(out, library.kernel(info).handle as CUkernel)
}

pub fn kernel_count(_: &Call, count: *mut c_uint, handle: CUlibrary) -> R {
    given(count)?;
    put(count, library(handle)?.image.kernels.len() as c_uint)
}

pub fn kernels(_: &Call, out: *mut CUkernel, count: c_uint, handle: CUlibrary) -> R {
    given(out)?;
    let library = library(handle)?;
    for (at, info) in library.image.kernels.iter().take(count as usize).enumerate() {
        put(out.wrapping_add(at), library.kernel(info.clone()).handle as CUkernel)?;
    }
    Ok(())
}

pub fn get_module(call: &Call, out: *mut CUmodule, handle: CUlibrary) -> R {
    given(out)?;
    put(out, library(handle)?.module(&call.ctx()?)?.handle as CUmodule)
}

fn find(
    call: &Call,
    address: *mut CUdeviceptr,
    bytes: *mut usize,
    handle: CUlibrary,
    wanted: *const c_char,
    managed: bool,
) -> R {
    let wanted = text(wanted)?;
    if address.is_null() && bytes.is_null() {
        return Err(E::INVALID_VALUE);
    }
    let found = library(handle)?.module(&call.ctx()?)?.global(wanted);
    let (at, size, _) =
        found.filter(|(_, _, is_managed)| *is_managed || !managed).ok_or(E::NOT_FOUND)?;
    put_opt(address, at);
    put_opt(bytes, size);
    Ok(())
}

pub fn global(
    call: &Call,
    address: *mut CUdeviceptr,
    bytes: *mut usize,
    handle: CUlibrary,
    wanted: *const c_char,
) -> R {
    find(call, address, bytes, handle, wanted, false)
}

pub fn managed(
    call: &Call,
    address: *mut CUdeviceptr,
    bytes: *mut usize,
    handle: CUlibrary,
    wanted: *const c_char,
) -> R {
    find(call, address, bytes, handle, wanted, true)
}

/// Functions both host and device can call: no code here has them.
pub fn unified_function(
    _: &Call,
    out: *mut *mut c_void,
    handle: CUlibrary,
    wanted: *const c_char,
) -> R {
    given(out)?;
    given(wanted)?;
    library(handle)?;
    Err(E::NOT_FOUND)
}
