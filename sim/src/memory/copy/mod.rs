//! Copies: from any memory to any other, in one, two or three dimensions.

mod batch;
mod flat;
mod job;
mod shaped;

pub use batch::{batch, batch_3d, batch_3d_v2, batch_v2, with_attributes, with_attributes_3d};
pub use flat::*;
pub use job::Job;
pub use shaped::*;
