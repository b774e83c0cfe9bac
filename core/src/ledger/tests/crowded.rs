//! Who finds that others commit as often as it does stands back, once, and nobody else ever does.

use std::cell::Cell;
use std::sync::atomic::AtomicU64;

use super::super::*;

/// A total over which somebody else commits just before each of so many swaps.
struct Crowd<'a> {
    total: &'a Cell<Total>,
    others: &'a Cell<u32>,
    stood_back: &'a Cell<u32>,
}

impl TotalWord for Crowd<'_> {
    fn read(&self) -> Total {
        self.total.get()
    }

    fn replace(&self, old: Total, new: Total) -> Result<(), Total> {
        let there = self.total.get();
        if let Some(left) = self.others.get().checked_sub(1) {
            self.others.set(left);
            let seq = if there.lane == 1 { there.seq + 2 } else { 2 };
            self.total.set(Total { lane: 1, seq, ..there });
        }
        if self.total.get() != old {
            return Err(self.total.get());
        }
        self.total.set(new);
        Ok(())
    }

    fn stand_back(&self) {
        self.stood_back.set(self.stood_back.get() + 1);
    }
}

struct Alive;

impl Living for Alive {
    fn is_alive(&self, _: u64) -> bool {
        true
    }
}

/// How often a commit stands back that comes so long after the last one, where others commit before so
/// many of its swaps; with idle bytes it is another function's.
fn stands_back(after: u64, others: u32, idle: i64) -> u32 {
    let nobody = Total { used: 0, reaps: 0, lane: u16::MAX, seq: 0 };
    let (total, crowd, stood_back) = (Cell::new(nobody), Cell::new(0), Cell::new(0));
    let total = Crowd { total: &total, others: &crowd, stood_back: &stood_back };
    let (limit, peak) = (AtomicU64::new(100), AtomicU64::new(0));
    let lanes = [const { [const { AtomicU64::new(0) }; LANE] }; 3];
    let account = Account::new(total, &limit, &peak, &lanes);
    let mut owned = join::<Exact, _, _>(&account, 0, 1, 7, &Alive).expect("it is free");
    let first = 5_000_000;
    assert_eq!(owned.change(&account, Change::Reserve(5), first, &Alive), Answer::Done);
    crowd.set(others);
    let second = owned.change_with_idle(&account, Change::Reserve(1), idle, first + after, &Alive);
    assert_eq!((second, account.total.read().used), (Answer::Done, 6));
    stood_back.get()
}

#[test]
fn once_and_only_where_others_commit_as_often() {
    for idle in [0, 1] {
        assert_eq!(stands_back(50, 0, idle), 0, "nobody else commits");
        assert_eq!(stands_back(50, 1, idle), 1);
        assert_eq!(stands_back(50, 9, idle), 1, "it waits for nobody: once is all");
        assert_eq!(stands_back(20_000, 9, idle), 0, "others commit now and then");
    }
}
