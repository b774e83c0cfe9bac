//! Eight writers whose single stores are dealt out by chance, always the same: no threads, so that what
//! a missing step breaks is found each time.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;

use super::super::super::layout::{Layout, header};
use super::super::super::record::{Exact, Rules, write_record};
use super::super::super::{Book, Plan, open};
use super::super::Folder;
use super::{Dice, Reader, event};
use crate::ledger::Word;

const WRITERS: usize = 8;
const STEPS: u64 = 100_000;

/// A word that only notes what is to be stored where.
struct Noted<'a>(&'static AtomicU64, &'a RefCell<VecDeque<Store>>);

type Store = (&'static AtomicU64, u64);

impl Word for Noted<'_> {
    fn load(&self) -> u64 {
        unreachable!("a writer does not read")
    }
    fn store(&self, value: u64) {
        self.1.borrow_mut().push_back((self.0, value));
    }
    fn replace(&self, _: u64, _: u64) -> bool {
        unreachable!("a writer does not wait")
    }
    fn raise(&self, _: u64) {
        unreachable!("a writer does not wait")
    }
    fn peek(&self) -> u64 {
        unreachable!("a writer does not read")
    }
    fn put(&self, value: u64) {
        self.store(value);
    }
    fn settle() {}
    fn seal() {}
}

/// A writer, and what it still has to store.
struct Writer {
    name: u64,
    count: u64,
    left: VecDeque<Store>,
}

impl Writer {
    fn go<R: Rules>(&mut self, book: &Book, stores: u64) {
        if self.left.is_empty() {
            let Some((number, record)) = book.next_event() else { return };
            let noted = RefCell::default();
            let words: Vec<Noted> = record.iter().map(|word| Noted(word, &noted)).collect();
            write_record::<R, _>(&words, number, &event(self.name, self.count, number));
            self.count += 1;
            self.left = noted.into_inner();
        }
        for (word, value) in self.left.drain(..self.left.len().min(stores as usize)) {
            word.put(value);
        }
    }
}

/// Some turns of chance over a ring of so many events.
fn deal<R: Rules>(events: u64, seed: u64) -> Result<[u64; 4], String> {
    let folder =
        Folder::new(&format!("dealt-{}-{events}-{seed}", std::any::type_name::<R>().len()));
    let plan = Plan { layout: Layout::new(64, events), ..folder.plan() };
    let book = open(&plan).expect("the ledger opens");
    let [mut fast, mut slow] = [(); 2].map(|()| Reader::<R>::new(book.path()));
    let mut born = 0;
    let mut birth = || {
        born += 1;
        Writer { name: born, count: 0, left: VecDeque::new() }
    };
    let mut writers = [(); WRITERS].map(|()| birth());
    let mut dice = Dice(seed);
    for _ in 0..STEPS {
        let writer = &mut writers[dice.below(WRITERS as u64) as usize];
        match dice.below(64) {
            // Dies where it stands; another is born.
            0 => *writer = birth(),
            1..20 => writer.go::<R>(&book, 1 + dice.below(8)),
            20..40 => (0..4).for_each(|_| writer.go::<R>(&book, 9)),
            40..62 => drop(fast.look(false)?),
            _ if book.head.value(header::WRITTEN) > slow.next + 3 * events => {
                slow.look(false)?;
            }
            _ => {}
        }
    }
    let written = book.head.value(header::WRITTEN);
    fast.finish(written)?;
    slow.finish(written)?;
    Ok([fast.delivered, fast.lost, slow.delivered, slow.lost])
}

#[test]
fn whatever_is_read_was_written_and_whatever_is_not_is_counted() {
    for (events, seed) in [(1, 1), (3, 2), (4, 3), (64, 4), (1000, 5)] {
        let counts = deal::<Exact>(events, seed).unwrap_or_else(|why| panic!("{events}: {why}"));
        println!("ring of {events}: delivered, lost, by the slow one: {counts:?}");
        assert!(counts.iter().all(|count| *count > 0), "{events}: {counts:?}");
    }
}

macro_rules! broken {
    ($($test:ident: $($step:ident)+;)*) => {$(
        #[test]
        fn $test() {
            struct Broken;
            impl Rules for Broken {
                $(const $step: bool = false;)+
            }
            let found = [1, 3, 4, 64].map(|events| deal::<Broken>(events, 9).err());
            println!("{}: {found:?}", stringify!($test));
            assert!(found.iter().any(Option::is_some), "nothing notices a ring {}", stringify!($test));
        }
    )*};
}

broken! {
    without_its_check: CHECKS;
    without_its_check_and_its_mark: CHECKS MARKS;
    with_a_check_that_has_no_number: NUMBERED;
    with_no_number_at_all: NUMBERED BEFORE AFTER;
    without_counting_what_was_overtaken: COUNTS_OVERTAKEN;
    without_counting_what_was_never_finished: COUNTS_UNFINISHED;
}
