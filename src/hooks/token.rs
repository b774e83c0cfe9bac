//! The entry token: a thread holds at most one, and only its holder runs a body.
//!
//! A body that ends up in a hook (through the driver, a tool, malloc) therefore passes straight
//! through instead of counting its own work or deadlocking on itself.
#![forbid(unsafe_code)]

use core::cell::Cell;
use core::marker::PhantomData;

use crate::driver::process;

thread_local! {
    /// Where on its stack the holder stands; 0 if nobody holds the token.
    static HOLDER: Cell<usize> = const { Cell::new(0) };
}

pub struct Token {
    /// A token belongs to its thread.
    _here: PhantomData<*const ()>,
}

impl Token {
    /// The token, unless this thread holds it already (or is past its thread-locals).
    #[inline(always)]
    pub fn take() -> Option<Token> {
        let here = here();
        match HOLDER.try_with(|holder| holder.replace(here)) {
            Ok(0) => Some(Token { _here: PhantomData }),
            Ok(holder) => Token::take_over(holder, here),
            Err(_) => None,
        }
    }

    /// A holder that stands deeper in the stack than we do is gone: somebody jumped out of it
    /// (`siglongjmp` from a signal handler). On a signal stack depths say nothing.
    #[cold]
    fn take_over(holder: usize, here: usize) -> Option<Token> {
        if holder < here && !process::is_on_signal_stack() {
            return Some(Token { _here: PhantomData });
        }
        set(holder);
        None
    }

    /// Gives the token back while `call` runs. Not if `call` unwinds: it is foreign code.
    #[inline(always)]
    pub fn lent<R>(&self, call: impl FnOnce() -> R) -> R {
        set(0);
        let answer = call();
        set(here());
        answer
    }
}

impl Drop for Token {
    #[inline(always)]
    fn drop(&mut self) {
        set(0);
    }
}

#[inline(always)]
fn set(holder: usize) {
    let _ = HOLDER.try_with(|cell| cell.set(holder));
}

/// About where this thread's stack is now.
#[inline(always)]
fn here() -> usize {
    let mark = 0_u8;
    core::ptr::addr_of!(mark).addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let token = Token::take().expect("nobody holds it");
        assert!(deeper(|| Token::take().is_none()));
        assert!(token.lent(|| deeper(|| Token::take().is_some())));
        assert!(deeper(|| Token::take().is_none()));
        drop(token);
        assert!(Token::take().is_some());
    }

    #[test]
    fn what_was_jumped_out_of_holds_nothing() {
        deeper(|| std::mem::forget(Token::take()));
        assert!(Token::take().is_some(), "its holder's frame is gone");
    }

    /// Runs `what` well below this frame.
    #[inline(never)]
    fn deeper<R>(what: impl FnOnce() -> R) -> R {
        let room = std::hint::black_box([0_u8; 4096]);
        let answer = what();
        std::hint::black_box(room);
        answer
    }
}
