//! Who was taken for dead and is not: what it does to a lane that is not its own any more comes to
//! nothing, and it is told so.

use std::sync::atomic::AtomicU64;

use super::super::*;
use crate::shm::Pair;

const MEMBERS: usize = 2;
const HELD: u64 = 5;

#[repr(align(16))]
struct Shared {
    total: [AtomicU64; 2],
    limit: AtomicU64,
    peak: AtomicU64,
    lanes: [[AtomicU64; LANE]; MEMBERS + 1],
}

impl Shared {
    fn new() -> Shared {
        let nobody = Total { used: 0, reaps: 0, lane: u16::MAX, seq: 0 };
        Shared {
            total: nobody.halves().map(AtomicU64::new),
            limit: AtomicU64::new(100),
            peak: AtomicU64::new(0),
            lanes: [const { [const { AtomicU64::new(0) }; LANE] }; MEMBERS + 1],
        }
    }

    fn account(&self) -> Account<'_, AtomicU64, Pair<'_>> {
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
        let mut owned = Owned { ..owned };
        let answer = owned.change(&account, change, 9, &All(true));
        let total = account.total.read();
        let slot = account.lane(0).expect("it is there").read(account.seq(0, total));
        answer == Answer::Lost && (total.used, slot.charge) == (used, charge)
    })
}

/// Whoever took the charge off has stopped before it could say that the lane is free.
fn between_two_steps_of_a_reap<R: Rules>() -> bool {
    let shared = Shared::new();
    let owned = shared.member::<R>(1);
    shared.take_for_dead(&owned);
    let lane = shared.account().lane(0).expect("it is there").owner();
    lane.store(owned.id, std::sync::atomic::Ordering::Relaxed);
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

#[test]
fn what_the_lost_do_comes_to_nothing() {
    assert!(between_two_steps_of_a_reap::<Exact>());
    assert!(after_another_has_come::<Exact>());
}

#[test]
fn a_step_left_out_is_noticed() {
    struct Blind;
    impl Rules for Blind {
        const NOTICES_REAPS: bool = false;
    }
    assert!(!between_two_steps_of_a_reap::<Blind>());
    struct Careless;
    impl Rules for Careless {
        const LOOKS_AT_OWNER: bool = false;
    }
    assert!(!after_another_has_come::<Careless>());
}
