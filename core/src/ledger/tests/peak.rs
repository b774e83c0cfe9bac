//! The most that was held is no more than was: a reservation that comes to nothing is none of it.

use std::sync::atomic::AtomicU64;

use super::super::*;
use crate::shm::Pair;

#[repr(align(16))]
struct Shared([AtomicU64; 2]);

struct Alive;

impl Living for Alive {
    fn is_alive(&self, _: u64) -> bool {
        true
    }
}

/// The peak after these changes by turns, by two members, one of which has idle bytes all the time; and by
/// the end of one more commit.
fn peak(changes: &[(usize, Change)]) -> u64 {
    let nobody = Total { used: 0, reaps: 0, lane: u16::MAX, seq: 0 };
    let shared = Shared(nobody.halves().map(AtomicU64::new));
    let (limit, peak) = (AtomicU64::new(UNLIMITED), AtomicU64::new(0));
    let lanes = [const { [const { AtomicU64::new(0) }; LANE] }; 3];
    let total = Pair::new(&shared.0).expect("aligned");
    let account = Account::new(total, &limit, &peak, &lanes);
    let mut members = [0, 1].map(|lane| {
        join::<Exact, _, _>(&account, lane, lane as u64 + 1, 1, &Alive).expect("it is free")
    });
    for (who, change) in changes.iter().chain(&[(0, Change::Refund(0))]) {
        let idle = *who as i64;
        let answer = members[*who].change_with_idle(&account, *change, idle, 2, &Alive);
        assert_eq!(answer, Answer::Done);
    }
    Word::load(&peak)
}

#[test]
fn what_nobody_came_to_hold_is_none_of_it() {
    use Change::{Refund, Reserve, Undo};
    for who in [0, 1] {
        assert_eq!(peak(&[(who, Reserve(1000)), (who, Undo(1000))]), 0);
        assert_eq!(peak(&[(who, Reserve(1000)), (who, Refund(1000))]), 1000);
        let kept = [(who, Reserve(5)), (who, Reserve(1000)), (who, Undo(1000)), (who, Refund(5))];
        assert_eq!(peak(&kept), 5);
        // What another takes meanwhile counts, also once the reservation is gone again.
        let other = [(who, Reserve(1000)), (who, Undo(1000)), (1 - who, Reserve(7))];
        assert_eq!(peak(&other), 7);
    }
}
