//! The memory a context's code takes on its device.

use std::sync::Mutex;

use super::locked;
use crate::api::{E, R};
use crate::context::Context;
use crate::machine;

/// The driver takes memory for code in blocks of this many bytes.
const BLOCK: u64 = 2 << 20;

#[derive(Default)]
pub struct Code {
    bytes: Mutex<u64>,
}

impl Code {
    pub fn add(&self, ctx: &Context, bytes: usize) -> R {
        let mut held = locked(&self.bytes);
        let more = held.saturating_add(bytes as u64);
        let blocks = more.next_multiple_of(BLOCK) - held.next_multiple_of(BLOCK);
        if blocks > 0 {
            machine::current().reserve(ctx.device.number, blocks).or(Err(E::OUT_OF_MEMORY))?;
        }
        *held = more;
        Ok(())
    }

    pub fn remove(&self, ctx: &Context, bytes: usize) {
        let mut held = locked(&self.bytes);
        let less = held.saturating_sub(bytes as u64);
        let blocks = held.next_multiple_of(BLOCK) - less.next_multiple_of(BLOCK);
        if blocks > 0 {
            machine::current().release(ctx.device.number, blocks);
        }
        *held = less;
    }
}
