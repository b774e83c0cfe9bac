//! Every order of threads, and every value that the memory model lets each of them see, as loom tries
//! them: the same code over loom's atomics, with a bound on how often a thread is interrupted. Each
//! case also runs without one of its orderings or steps, and loom must find what that breaks.
//!
//! The two words of a total are one of loom's here: that they are swapped as one is the processor's to
//! promise. Deaths are those before the threads begin; `ledger::tests` has them at every step.
#![forbid(unsafe_code)]

mod ledger;
mod small;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How loom's threads wait.
pub fn pause(_: u32) {
    loom::thread::yield_now();
}

/// Tries every order; the first failure, if there is one.
fn explore(preemptions: usize, case: impl Fn() + Send + Sync + 'static) -> Result<u64, String> {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    let orders = Arc::new(AtomicU64::new(0));
    let counted = orders.clone();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            case();
        });
    }));
    ended.map(|()| orders.load(Ordering::Relaxed)).map_err(|why| {
        let text = why.downcast_ref::<String>().cloned();
        text.or(why.downcast_ref::<&str>().map(|text| text.to_string())).unwrap_or_default()
    })
}

/// Nothing goes wrong in any order.
#[track_caller]
fn holds(name: &str, preemptions: usize, case: impl Fn() + Send + Sync + 'static) {
    let orders = explore(preemptions, case).unwrap_or_else(|why| panic!("{name}: {why}"));
    println!("orders: {name}: {orders} tried");
    assert!(orders > 10, "{name}: only {orders} orders");
}

/// In some order this goes wrong: what is said then has `how` in it.
#[track_caller]
fn breaks(name: &str, how: &str, preemptions: usize, case: impl Fn() + Send + Sync + 'static) {
    let why = explore(preemptions, case).expect_err(name);
    println!("orders: {name}: found: {}", why.lines().next().unwrap_or_default());
    assert!(why.contains(how), "{name}: {why}");
}
