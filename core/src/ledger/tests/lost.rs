//! Who was taken for dead and is not: what it does to a lane that is not its own any more comes to
//! nothing, and it is told so.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;

use super::super::*;
use crate::shm::Pair;

const MEMBERS: usize = 2;
const HELD: u64 = 5;

/// A word that lets something happen when it is next read.
#[derive(Default)]
struct Traced(AtomicU64, RefCell<Option<Box<dyn FnOnce()>>>);

impl Word for Traced {
    fn load(&self) -> u64 {
        if let Some(happens) = self.1.take() {
            happens();
        }
        Word::load(&self.0)
    }
    fn store(&self, value: u64) {
        Word::store(&self.0, value);
    }
    fn replace(&self, old: u64, new: u64) -> bool {
        Word::replace(&self.0, old, new)
    }
    fn raise(&self, value: u64) {
        Word::raise(&self.0, value);
    }
    fn peek(&self) -> u64 {
        self.0.peek()
    }
    fn put(&self, value: u64) {
        self.0.put(value);
    }
    fn settle() {}
    fn seal() {}
}

#[repr(align(16))]
struct Shared {
    total: [AtomicU64; 2],
    limit: Traced,
    peak: Traced,
    lanes: [[Traced; LANE]; MEMBERS + 1],
}

impl Shared {
    fn new() -> Rc<Shared> {
        let nobody = Total { used: 0, reaps: 0, lane: u16::MAX, seq: 0 };
        let shared = Shared {
            total: nobody.halves().map(AtomicU64::new),
            limit: Traced::default(),
            peak: Traced::default(),
            lanes: std::array::from_fn(|_| std::array::from_fn(|_| Traced::default())),
        };
        shared.limit.store(100);
        Rc::new(shared)
    }

    fn account(&self) -> Account<'_, Traced, Pair<'_>> {
        let total = Pair::new(&self.total).expect("aligned");
        Account::new(total, &self.limit, &self.peak, &self.lanes)
    }

    /// A member that holds `HELD` bytes; the first two changes, so that what follows is the plain way.
    fn member<R: Rules>(&self, id: u64) -> Owned<R> {
        let mut owned = join::<R, _, _>(&self.account(), 0, id, 1, &All(true)).expect("free");
        for bytes in [1, HELD - 1] {
            let change = Change::Reserve(bytes);
            assert_eq!(owned.change(&self.account(), change, 2, &All(true)), Answer::Done);
        }
        owned
    }

    fn take_for_dead<R: Rules>(&self, owned: &Owned<R>) {
        assert!(reap::<R, _, _>(&self.account(), 0, owned.id, 3, &All(false)));
    }
}

/// Whether everybody lives.
struct All(bool);

impl Living for All {
    fn is_alive(&self, _: u64) -> bool {
        self.0
    }
}

/// Whether a change of what was held is answered as it must be, and has changed nothing.
fn is_lost<R: Rules>(shared: &Shared, owned: Owned<R>, used: u64, charge: u64) -> bool {
    let account = shared.account();
    [Change::Refund(HELD), Change::Reserve(1), Change::Force(1)].into_iter().all(|change| {
        [0, 1].into_iter().all(|idle| {
            let mut owned = Owned { ..owned };
            let answer = owned.change_with_idle(&account, change, idle, 9, &All(true));
            let total = account.total.read();
            let slot = account.lane(0).expect("it is there").read(account.seq(0, total));
            let found = (total.used, slot.charge, slot.idle.bytes);
            answer == Answer::Lost && found == (used, charge, 0)
        })
    })
}

/// Whoever took the charge off has stopped before it could say that the lane is free.
fn between_two_steps_of_a_reap<R: Rules>() -> bool {
    let shared = Shared::new();
    let owned = shared.member::<R>(1);
    shared.take_for_dead(&owned);
    let account = shared.account();
    let lane = account.lane(0).expect("it is there").owner();
    lane.store(owned.id);
    is_lost(&shared, owned, 0, HELD)
}

/// Another has the lane, and holds more.
fn after_another_has_come<R: Rules>() -> bool {
    let shared = Shared::new();
    let owned = shared.member::<R>(1);
    shared.take_for_dead(&owned);
    let mut late = shared.member::<R>(2);
    let more = late.change(&shared.account(), Change::Reserve(HELD), 4, &All(true));
    assert_eq!(more, Answer::Done);
    is_lost(&shared, owned, 2 * HELD, 2 * HELD)
}

/// It has a lane and has not committed yet: it is taken for dead, and another has come, between two of its
/// steps.
fn before_its_first_commit<R: Rules + 'static>() -> bool {
    let shared = Shared::new();
    let mut owned = join::<R, _, _>(&shared.account(), 0, 1, 1, &All(true)).expect("free");
    let (others, id) = (shared.clone(), owned.id);
    *shared.limit.1.borrow_mut() = Some(Box::new(move || {
        reap::<R, _, _>(&others.account(), 0, id, 3, &All(false));
        others.member::<R>(2);
    }));
    let answer = owned.change(&shared.account(), Change::Reserve(1), 9, &All(true));
    answer == Answer::Lost && shared.account().total.read().used == HELD
}

#[test]
fn what_the_lost_do_comes_to_nothing() {
    assert!(between_two_steps_of_a_reap::<Exact>());
    assert!(after_another_has_come::<Exact>());
    assert!(before_its_first_commit::<Exact>());
}

#[test]
fn a_step_left_out_is_noticed() {
    struct Blind;
    impl Rules for Blind {
        const NOTICES_REAPS: bool = false;
    }
    assert!(!between_two_steps_of_a_reap::<Blind>());
    assert!(!before_its_first_commit::<Blind>());
    struct Careless;
    impl Rules for Careless {
        const LOOKS_AT_OWNER: bool = false;
    }
    assert!(!after_another_has_come::<Careless>());
}
