//! The entry token: a thread holds at most one, and only its holder runs a body.
//!
//! A body that ends up in a hook (through the driver, a tool, malloc) therefore passes straight
//! through instead of counting its own work or deadlocking on itself.
#![forbid(unsafe_code)]

use core::cell::Cell;
use core::marker::PhantomData;

thread_local! {
    static HELD: Cell<bool> = const { Cell::new(false) };
}

pub struct Token {
    /// A token belongs to its thread.
    _here: PhantomData<*const ()>,
}

impl Token {
    /// The token, unless this thread holds it already (or is past its thread-locals).
    #[inline(always)]
    pub fn take() -> Option<Token> {
        match HELD.try_with(|held| held.replace(true)) {
            Ok(false) => Some(Token { _here: PhantomData }),
            _ => None,
        }
    }

    /// Gives the token back while `call` runs. Not if `call` unwinds: it is foreign code and cannot.
    #[inline(always)]
    pub fn lent<R>(&self, call: impl FnOnce() -> R) -> R {
        set(false);
        let answer = call();
        set(true);
        answer
    }
}

impl Drop for Token {
    #[inline(always)]
    fn drop(&mut self) {
        set(false);
    }
}

#[inline(always)]
fn set(held: bool) {
    let _ = HELD.try_with(|cell| cell.set(held));
}
