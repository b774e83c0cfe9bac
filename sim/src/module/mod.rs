//! Loaded code: modules, libraries, functions, globals.

use crate::context::Context;

#[derive(Default)]
pub struct Modules {}

impl Modules {
    /// Unloads all modules: the context is destroyed or reset.
    pub fn destroy(&self, _: &Context) {}
}
