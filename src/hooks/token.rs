//! The entry token: a thread holds at most one, and only its holder runs a body.
//!
//! A body that ends up in a hook (through the driver, a tool, malloc) therefore passes straight
//! through instead of counting its own work or deadlocking on itself.
#![forbid(unsafe_code)]

use core::cell::Cell;

use crate::driver::{process, term};

thread_local! {
    /// Where on its stack the holder stands; 0 if nobody holds the token. Without a destructor, so it
    /// is there for as long as the thread.
    static HOLDER: Cell<usize> = const { Cell::new(0) };
}

/// Found once: looking for a thread's own is a call of the loader's.
pub struct Token<'a> {
    holder: &'a Cell<usize>,
    /// What it was before: nobody's, or lent out further up the stack.
    below: usize,
}

/// Nobody holds it, for the thread is in the driver.
const LENT: usize = 1;

impl Token<'_> {
    /// Runs `act` with the token, or without it if this thread holds it already.
    #[inline(always)]
    pub fn with<R>(act: impl FnOnce(Option<Token>) -> R) -> R {
        HOLDER.with(|holder| {
            let here = here();
            let before = holder.replace(here);
            let ours = before <= LENT || take_over(holder, before, here);
            let below = if before == LENT { LENT } else { 0 };
            act(ours.then_some(Token { holder, below }))
        })
    }

    /// Gives the token back while `call` runs. Not if `call` unwinds: it is foreign code.
    #[inline(always)]
    pub fn lent<R>(&self, call: impl FnOnce() -> R) -> R {
        self.holder.set(LENT);
        let answer = call();
        self.holder.set(here());
        if term::is_called() {
            term::stay();
        }
        answer
    }
}

/// Whether this thread is in a call of the driver's that it has lent its token for.
pub fn is_lent() -> bool {
    HOLDER.with(Cell::get) == LENT
}

impl Drop for Token<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.holder.set(self.below);
    }
}

/// A holder that stands deeper in the stack than we do is gone: somebody jumped out of it
/// (`siglongjmp` from a signal handler). On a signal stack depths say nothing.
#[cold]
fn take_over(holder: &Cell<usize>, before: usize, here: usize) -> bool {
    let gone = before < here && !process::is_on_signal_stack();
    if !gone {
        holder.set(before);
    }
    gone
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

    fn is_there() -> bool {
        Token::with(|token| token.is_some())
    }

    #[test]
    fn one_at_a_time() {
        Token::with(|token| {
            let token = token.expect("nobody holds it");
            assert!(!deeper(is_there));
            assert!(token.lent(|| deeper(is_there)));
            assert!(!deeper(is_there));
        });
        assert!(is_there());
    }

    #[test]
    fn what_was_jumped_out_of_holds_nothing() {
        deeper(|| Token::with(|token| std::mem::forget(token)));
        assert!(is_there(), "its holder's frame is gone");
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
