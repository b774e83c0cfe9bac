//! The driver's own answer, asked for at most once, and the way into a body and out of it.
#![forbid(unsafe_code)]

use core::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::token::Token;
use crate::client::{self, Client};
use crate::driver::Status;
use crate::{fault, mps};
use cudarc::driver::sys::CUstream;
use cuota_core::book::Block;

/// What a body that panics before it asked the driver answers.
#[derive(Clone, Copy)]
pub enum OnPanic {
    /// Ask the driver after all: nothing is lost but our bookkeeping.
    CallThrough,
    /// OUT_OF_MEMORY: an allocation nobody counted must not slip through.
    Refuse,
}

/// An entry point's exported name, and its flavour.
pub struct Name {
    text: &'static str,
    /// The default stream is the calling thread's own.
    per_thread: bool,
}

impl Name {
    /// At compile time: at run time it would cost more than all else a launch is asked for.
    pub const fn of(text: &'static str) -> Name {
        let per_thread =
            matches!(text.as_bytes(), [.., b'_', b'p', b't', b's' | b'd', b'z' | b's']);
        Name { text, per_thread }
    }
}

/// As when a program is searched for faults, by itself or by a tool.
fn launches_wait() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    ["CUDA_LAUNCH_BLOCKING", "CUDA_INJECTION64_PATH"].into_iter().any(set)
}

/// The real call of the entry point a body stands at, with the program's own arguments.
///
/// The driver is asked at most once, whatever the body does: a second `call` repeats the answer.
pub struct Real<'a> {
    call: &'a dyn Fn() -> Status,
    /// None where a body runs whoever holds the token.
    token: Option<Token<'a>>,
    name: &'static Name,
    answer: Cell<Option<Status>>,
}

/// Where it is counted that a call submits work; and whether what it answers may be about that very work: it
/// may have waited for it, or submitted a part. A launch that is refused has submitted nothing, unless
/// launches wait for what they launch.
#[derive(Clone, Copy)]
pub struct Flight {
    pub block: Option<Block>,
    pub answers: bool,
}

impl Real<'_> {
    /// Asks the driver. Meanwhile this thread may enter bodies again: what a tool injected into the
    /// driver allocates inside this call is the client's too.
    #[inline(always)]
    pub fn call(&self) -> Status {
        self.call_submitting(Flight { block: None, answers: false })
    }

    /// The same for a call that submits work.
    #[inline(always)]
    pub fn call_submitting(&self, flight: Flight) -> Status {
        if let Some(answer) = self.answer.get() {
            return answer;
        }
        if let Some(block) = flight.block {
            block.begin();
        }
        let answer = self.ask(self.call);
        self.answer.set(Some(answer));
        if !answer.ok() {
            self.refused(flight, answer);
        } else if let Some(block) = flight.block {
            block.end();
        }
        answer
    }

    #[cold]
    #[inline(never)]
    fn refused(&self, flight: Flight, answer: Status) {
        if let Some(block) = flight.block {
            match flight.answers || answer.is_of_the_device() || launches_wait() {
                true => block.end(),
                false => block.undo(),
            }
        }
        if answer == Status::CDP_NOT_SUPPORTED {
            mps::explain(answer);
        }
        fault::met(self.name.text, answer);
    }

    #[inline(always)]
    fn ask(&self, call: &dyn Fn() -> Status) -> Status {
        match &self.token {
            Some(token) => token.lent(call),
            None => call(),
        }
    }

    /// Asks another of the driver's functions in this one's place. None if it declines what it is asked for:
    /// then nothing was done, and this one may be asked after all.
    pub fn instead(
        &self,
        other: &dyn Fn() -> Status,
        declines: fn(Status) -> bool,
    ) -> Option<Status> {
        if self.answer.get().is_none() {
            let answer = self.ask(other);
            if declines(answer) {
                return None;
            }
            self.answer.set(Some(answer));
            if !answer.ok() {
                fault::met(self.name.text, answer);
            }
        }
        self.answer.get()
    }

    /// The entry point's name.
    pub fn name(&self) -> &'static str {
        self.name.text
    }

    /// A stream argument as a handle that means the same whichever flavour was called: in the
    /// per-thread flavours the default stream is the thread's own.
    #[inline(always)]
    pub fn stream(&self, stream: CUstream) -> u64 {
        const PER_THREAD: u64 = 2;
        let handle = stream.addr() as u64;
        if handle == 0 && self.name.per_thread { PER_THREAD } else { handle }
    }

    #[cold]
    fn after_panic(&self, on_panic: OnPanic) -> Status {
        match (self.answer.get(), on_panic) {
            (Some(answer), _) => answer,
            (None, OnPanic::CallThrough) => self.call(),
            (None, OnPanic::Refuse) => Status::OUT_OF_MEMORY,
        }
    }
}

/// Enters a body, or passes straight through when this thread is in one already. No panic leaves.
#[inline(always)]
pub fn enter(
    name: &'static Name,
    call: &dyn Fn() -> Status,
    on_panic: OnPanic,
    body: impl FnOnce(&Client, &Real) -> Status,
) -> Status {
    Token::with(|token| {
        let (Some(token), Some(client)) = (token, client::get()) else { return call() };
        let real = Real { call, token: Some(token), name, answer: Cell::new(None) };
        run(client, real, on_panic, body)
    })
}

/// Enters a body that must run each time, also from a signal handler that interrupted another: it
/// takes no lock, keeps nothing, and is as good twice as once.
#[inline(always)]
pub fn enter_always(
    name: &'static Name,
    call: &dyn Fn() -> Status,
    on_panic: OnPanic,
    body: impl FnOnce(&Client, &Real) -> Status,
) -> Status {
    let Some(client) = client::get() else { return call() };
    run(client, Real { call, token: None, name, answer: Cell::new(None) }, on_panic, body)
}

#[inline(always)]
fn run(
    client: &Client,
    real: Real,
    on_panic: OnPanic,
    body: impl FnOnce(&Client, &Real) -> Status,
) -> Status {
    match catch_unwind(AssertUnwindSafe(|| body(client, &real))) {
        Ok(status) => status,
        Err(_) => real.after_panic(on_panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a thunk does it, once the driver is loaded.
    fn enter(
        call: &dyn Fn() -> Status,
        on_panic: OnPanic,
        body: impl FnOnce(&Client, &Real) -> Status,
    ) -> Status {
        client::init();
        super::enter(const { &Name::of("cuTest") }, call, on_panic, body)
    }

    /// A driver that counts how often it is asked.
    fn driver(count: &Cell<u32>) -> impl Fn() -> Status {
        move || {
            count.set(count.get() + 1);
            Status(7)
        }
    }

    #[test]
    fn asked_twice_the_driver_is_called_once() {
        let count = Cell::new(0);
        let status = enter(&driver(&count), OnPanic::CallThrough, |_, real| {
            assert_eq!(real.call(), Status(7));
            real.call()
        });
        assert_eq!((status, count.get()), (Status(7), 1));
    }

    #[test]
    fn another_function_takes_the_calls_place_unless_it_declines() {
        for (answer, expected) in [(5, (Status(5), 0)), (801, (Status(7), 1))] {
            let (count, others) = (Cell::new(0), Cell::new(0));
            let other = || {
                others.set(others.get() + 1);
                Status(answer)
            };
            let status = enter(&driver(&count), OnPanic::Refuse, |_, real| {
                let declines = |status| status == Status::NOT_SUPPORTED;
                let _ = real.instead(&other, declines).unwrap_or_else(|| real.call());
                real.instead(&other, declines).expect("it has its answer")
            });
            assert_eq!(((status, count.get()), others.get()), (expected, 1));
        }
    }

    #[test]
    fn a_panic_before_the_call_goes_through_or_refuses() {
        for (on_panic, expected) in
            [(OnPanic::CallThrough, (Status(7), 1)), (OnPanic::Refuse, (Status::OUT_OF_MEMORY, 0))]
        {
            let count = Cell::new(0);
            let status = enter(&driver(&count), on_panic, |_, _| panic!("planted"));
            assert_eq!((status, count.get()), expected);
        }
    }

    #[test]
    fn a_panic_after_the_call_keeps_the_answer() {
        for on_panic in [OnPanic::CallThrough, OnPanic::Refuse] {
            let count = Cell::new(0);
            let status = enter(&driver(&count), on_panic, |_, real| {
                let _ = real.call();
                panic!("planted")
            });
            assert_eq!((status, count.get()), (Status(7), 1));
        }
    }

    #[test]
    fn a_hook_reached_from_a_body_passes_straight_through() {
        let (outer, inner, entered) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let status = enter(&driver(&outer), OnPanic::CallThrough, |_, real| {
            let _ = enter(&driver(&inner), OnPanic::CallThrough, |_, real| {
                entered.set(entered.get() + 1);
                real.call()
            });
            real.call()
        });
        assert_eq!((status, outer.get(), inner.get(), entered.get()), (Status(7), 1, 1, 0));
    }

    #[test]
    fn what_the_driver_calls_back_is_seen() {
        let entered = Cell::new(0);
        let inner = || {
            enter(&|| Status(1), OnPanic::CallThrough, |_, real| {
                entered.set(entered.get() + 1);
                real.call()
            })
        };
        let status = enter(&inner, OnPanic::CallThrough, |_, real| real.call());
        assert_eq!((status, entered.get()), (Status(1), 1));
    }

    #[test]
    fn after_a_panic_the_thread_enters_again() {
        let _ = enter(&|| Status(0), OnPanic::CallThrough, |_, _| panic!("planted"));
        let entered = Cell::new(false);
        let _ = enter(&|| Status(0), OnPanic::CallThrough, |_, real| {
            entered.set(true);
            real.call()
        });
        assert!(entered.get());
    }
}
