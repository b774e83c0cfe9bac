//! Device memory of a context.

use crate::context::Context;

/// What one context owns of memory: allocations, arrays, pools' mappings.
#[derive(Default)]
pub struct Space {}

impl Space {
    /// Everything goes back to the card: the context is destroyed or reset.
    pub fn destroy(&self, _: &Context) {}
}
