//! Work submitted to a context: streams, events, captures, graphs.

use crate::context::Context;

#[derive(Default)]
pub struct Streams {}

impl Streams {
    /// Stops the work and drops all streams and events: the context is destroyed or reset.
    pub fn destroy(&self, _: &Context) {}
}
