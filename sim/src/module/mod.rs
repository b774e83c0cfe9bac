//! Loaded code: modules, libraries, functions, globals, and launching them.

mod arguments;
mod code;
mod function;
pub mod function_calls;
mod image;
mod jit;
pub mod kernel_calls;
mod launch;
pub mod launch_calls;
pub mod legacy;
pub mod library;
pub mod link;
pub mod module_calls;
pub mod occupancy;

pub use function::Function;
pub use launch::Launch;

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::api::E;
use crate::context::Context;
use crate::handles::Table;
use crate::memory;
use code::Code;
use function::Settings;
use image::Image;

/// What is loaded in a context.
#[derive(Default)]
pub struct Modules {
    code: Code,
    libraries: library::Loaded,
}

pub struct Module {
    pub handle: usize,
    ctx: Weak<Context>,
    ctx_id: u64,
    pub image: Arc<Image>,
    functions: Mutex<BTreeMap<Vec<u8>, Arc<Function>>>,
    /// Address and size of each global of the image, in its order.
    globals: Vec<(u64, usize)>,
    /// Set if it belongs to a library, which alone can unload it.
    of_library: bool,
}

static MODULES: Table<Module> = Table::new(30);

impl Modules {
    /// Unloads all modules: the context is destroyed or reset.
    pub fn destroy(&self, ctx: &Context) {
        for module in MODULES.remove_where(|module| module.ctx_id == ctx.id) {
            module.unload(ctx);
        }
        self.libraries.clear();
    }
}

impl Module {
    /// Loads an image into a context: code and globals take memory of its device.
    fn load(ctx: &Arc<Context>, image: Arc<Image>, of_library: bool) -> Result<Arc<Module>, E> {
        ctx.modules.code.add(ctx, image.bytes)?;
        let mut globals = Vec::with_capacity(image.globals.len());
        for global in &image.globals {
            match place(ctx, global) {
                Ok(address) => globals.push((address, global.size)),
                Err(why) => {
                    globals.iter().for_each(|(address, _)| memory::module_global_free(*address));
                    ctx.modules.code.remove(ctx, image.bytes);
                    return Err(why);
                }
            }
        }
        let module = Arc::new(Module {
            handle: MODULES.reserve(),
            ctx: Arc::downgrade(ctx),
            ctx_id: ctx.id,
            image,
            functions: Mutex::default(),
            globals,
            of_library,
        });
        MODULES.insert_at(module.handle, module.clone());
        Ok(module)
    }

    fn unload(&self, ctx: &Context) {
        locked(&self.functions).values().for_each(|function| function.forget());
        self.globals.iter().for_each(|(address, _)| memory::module_global_free(*address));
        ctx.modules.code.remove(ctx, self.image.bytes);
    }

    /// The function of this name; the same each time.
    fn function(self: &Arc<Module>, name: &CStr) -> Result<Arc<Function>, E> {
        self.function_with(name, Arc::default())
    }

    fn function_with(
        self: &Arc<Module>,
        name: &CStr,
        settings: Arc<Mutex<Settings>>,
    ) -> Result<Arc<Function>, E> {
        let mut functions = locked(&self.functions);
        if let Some(known) = functions.get(name.to_bytes()) {
            return Ok(known.clone());
        }
        let kernel = self.image.kernel(name).ok_or(E::NOT_FOUND)?;
        let function = Function::new(self, kernel, settings);
        functions.insert(name.to_bytes().to_vec(), function.clone());
        Ok(function)
    }

    fn global(&self, name: &str) -> Option<(u64, usize, bool)> {
        let index = self.image.globals.iter().position(|global| global.name == name)?;
        let (address, size) = *self.globals.get(index)?;
        Some((address, size, self.image.globals[index].managed))
    }
}

/// Memory for a global, with its first value.
fn place(ctx: &Context, global: &image::Global) -> Result<u64, E> {
    let address = memory::module_global(ctx, global.size)?;
    if !global.initial.is_empty() {
        memory::write(address, &global.initial)?;
    }
    Ok(address)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
