//! Several threads at once, in any order of their steps, which are those of `hooks/memory.rs`.
#![forbid(unsafe_code)]

use super::driver::{BASE, Driver, SIZES, chance};
use crate::grain::{SMALL, UNIT};
use crate::pages::rules::{Exact, Rules};
use crate::pages::{Owner, Pages, Placed, Taken};

/// A request of a context.
#[derive(Clone, Copy)]
struct Request {
    owner: Owner,
    bytes: u64,
    promised: bool,
}

/// What a thread has begun.
#[derive(Clone, Copy)]
enum Under {
    Asked(Request),
    /// The driver has answered.
    Placed(Request, u64),
    /// It took a page that is to be charged,
    New(Request, u64),
    /// which was refused, and the driver has freed it.
    Refused(Request, u64),
    Undone(Request, u64, Taken),
    /// Taken out, and then freed by the driver.
    Taken(u64, Taken),
    Freed(u64, Taken),
}

#[derive(Default)]
struct Process<R> {
    driver: Driver,
    pages: Pages<R>,
    live: Vec<u64>,
    charged: usize,
    limit: usize,
    promised: usize,
    /// Pages counted past the limit, for others who had come to lie where one was refused.
    forced: usize,
}

impl<R: Rules> Process<R> {
    fn begin(&mut self, next: &mut impl FnMut(u64) -> u64) -> Option<Under> {
        // Few live, so that pages come and go.
        if next(2) == 0 {
            let (owner, bytes) = (1 + next(2), SIZES[next(6) as usize]);
            let promised = self.pages.promise(owner, bytes)
                || (self.charged >= self.limit || next(3) == 0)
                    && self.pages.promise_anywhere(owner, bytes);
            if !promised && self.charged >= self.limit {
                return None;
            }
            self.charged += usize::from(!promised);
            self.promised += usize::from(promised);
            return Some(Under::Asked(Request { owner, bytes, promised }));
        }
        let at = next(self.live.len().max(1) as u64) as usize;
        let address = (at < self.live.len()).then(|| self.live.swap_remove(at))?;
        // A broken variant may have lost it.
        self.pages.take(address).map(|taken| Under::Taken(address, taken))
    }

    fn pay(&mut self, Request { owner, bytes, .. }: Request, address: u64) {
        self.charged -= usize::from(!self.pages.pay(owner, address));
        self.charged -= self.pages.kept(owner, bytes);
    }

    fn go_on(&mut self, under: Under) -> Option<Under> {
        let before = self.charged;
        let then = match under {
            Under::Asked(request) => {
                let address = self.driver.alloc(request.owner, request.bytes);
                Some(Under::Placed(request, address))
            }
            Under::Placed(request, address) => {
                let Request { owner, bytes, promised } = request;
                let placed = if promised {
                    self.pages.place_promised(owner, 0, address, (bytes, bytes))
                } else {
                    self.pages.place_reserved(owner, 0, address, bytes)
                };
                let Placed { new, spare, .. } = placed;
                let moved = self.pages.take_moved();
                self.charged -= spare as usize + moved.iter().filter(|left| left.charged).count();
                if new {
                    return Some(Under::New(request, address));
                }
                self.live.push(address);
                None
            }
            Under::New(request, address) => {
                if !self.pages.take_spare(request.owner) {
                    if self.charged >= self.limit {
                        return Some(Under::Refused(request, address));
                    }
                    self.charged += 1;
                }
                self.pay(request, address);
                self.live.push(address);
                None
            }
            Under::Refused(request, address) => {
                let taken = self.pages.take(address);
                self.driver.free(address);
                taken.map(|taken| Under::Undone(request, address, taken))
            }
            Under::Undone(request, address, taken) => {
                if self.pages.freed_uncharged(address, taken) {
                    let forced = usize::from(!self.pages.take_spare(request.owner));
                    self.charged += forced;
                    self.forced += forced;
                    self.charged -= usize::from(!self.pages.pay(request.owner, address));
                }
                self.charged -= self.pages.kept(request.owner, request.bytes);
                None
            }
            Under::Taken(address, taken) => {
                self.driver.free(address);
                Some(Under::Freed(address, taken))
            }
            Under::Freed(address, taken) => {
                self.charged -= usize::from(self.pages.freed(address, taken));
                None
            }
        };
        assert!(self.charged <= before + 1, "more than a page at once");
        then
    }
}

/// What went wrong: what the driver holds is charged before it does, beside that every call on its way
/// has a page at most, and when all have ended nothing else is.
fn run<R: Rules>(seed: u64) -> Result<(), String> {
    // Half of them at a limit.
    let limit = if seed.is_multiple_of(2) { usize::MAX } else { 7 };
    let (mut process, mut next) = (Process::<R> { limit, ..Default::default() }, chance(seed));
    let mut under = Vec::new();
    for step in 0..40_000 {
        let ends = step % 2000 > 1900;
        if !ends && under.len() < 6 && next(2) == 0 {
            under.extend(process.begin(&mut next));
        } else if !under.is_empty() {
            let at = next(under.len() as u64) as usize;
            match process.go_on(under[at]) {
                Some(then) => under[at] = then,
                None => drop(under.swap_remove(at)),
            }
        }
        let (held, charged) = (process.driver.pages.len(), process.charged);
        let known = process.pages.count(1) + process.pages.count(2);
        let exact = !under.is_empty() || known == held;
        let within = held <= limit && charged <= limit.saturating_add(process.forced);
        if charged < held || charged > held + under.len() || !within || !exact {
            return Err(format!("step {step}: of {held} {charged} are charged, {known} known"));
        }
    }
    assert!(process.forced <= 1, "more than once in so many steps: {}", process.forced);
    assert!(process.promised > 1000, "there is seldom room: {}", process.promised);
    Ok(())
}

macro_rules! without {
    ($($name:ident: $step:ident;)*) => {
        $(
            #[derive(Default)]
            struct $name;
            impl Rules for $name {
                const $step: bool = false;
            }
        )*
        const BROKEN: &[(&str, fn(u64) -> Result<(), String>)] =
            &[$((stringify!($step), run::<$name>)),*];
    };
}

without! {
    Leaves: STAYS;
    Piles: ONE_EACH;
    Forgets: WAITS_FOR_PAGE;
    Clings: MOVES;
    Forgives: OWES;
    Keeps: OVERTAKES;
    Mistakes: TELLS_APART;
}

const SEEDS: u64 = 40;

#[test]
fn what_is_held_is_charged() {
    for seed in 0..SEEDS {
        assert_eq!(run::<Exact>(seed), Ok(()), "seed {seed}");
    }
    for (step, run) in BROKEN {
        let found = (0..SEEDS).find_map(|seed| run(seed).err());
        assert!(found.is_some(), "nobody notices that {step} is left out");
    }
}

#[derive(Default)]
struct Lumps;

impl Rules for Lumps {
    const COUNTS_PIECES: bool = false;
}

/// Whether the largest of all small requests is promised room where one that waits lies in the middle.
fn promises_between<R: Rules>() -> bool {
    let (mut driver, mut pages) = (Driver::default(), Pages::<R>::default());
    for bytes in [UNIT, SMALL - 2 * UNIT] {
        let address = driver.alloc(1, bytes);
        pages.place_reserved(1, 0, address, bytes);
    }
    assert!(pages.promise(1, 2 * UNIT));
    driver.alloc(1, 2 * UNIT);
    let large = BASE + UNIT;
    let taken = pages.take(large).expect("it begins there");
    driver.free(large);
    pages.freed(large, taken);
    let promised = pages.promise_anywhere(1, SMALL);
    assert_eq!((driver.find(1, SMALL), driver.pages.len()), (None, 1));
    promised
}

#[test]
fn who_waits_may_lie_in_the_middle() {
    assert!(!promises_between::<Exact>());
    assert!(promises_between::<Lumps>());
}
