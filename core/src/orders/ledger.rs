//! The ledger's steps between two or three threads.
#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::sync::Arc;

use loom::sync::atomic::AtomicU64;
use loom::thread;

use super::words::{All, Keeps, Kept, Packed, pack};
use super::{breaks, holds};
use crate::ledger::{
    Account, Answer, Change, Exact, HEAD, LANE, Living, Owned, Rules, SLOT, Total, UNLIMITED, Word,
    announce, is_closed, join, reap,
};

const LIMIT: u64 = 4;
const MEMBERS: usize = 3;

/// What of it loom watches beside the total, the lanes' heads and their charges.
#[derive(Clone, Copy, Default)]
struct Watched {
    limit: bool,
    time: bool,
}

struct Ledger<K> {
    total: AtomicU64,
    limit: Kept<K>,
    peak: Kept<K>,
    lanes: Vec<Kept<K>>,
    /// From this incarnation on they are alive.
    alive_from: u64,
    most: u64,
}

impl<K> Living for Ledger<K> {
    fn is_alive(&self, id: u64) -> bool {
        id >= self.alive_from
    }
}

/// Incarnations: the dead, the living, and who comes later.
const DEAD: u64 = 1;
const ONE: u64 = 2;
const LATE: u64 = 10;

impl<K: Keeps> Ledger<K> {
    fn new(watched: Watched, alive_from: u64) -> Ledger<K> {
        let word = |index: usize| {
            let slot = (index % LANE)
                .checked_sub(HEAD)
                .filter(|word| *word < 2 * SLOT)
                .map(|word| word % SLOT);
            let live = matches!(index % LANE, 0 | 1) || slot == Some(0);
            if live || watched.time && slot == Some(2) { Kept::live(0) } else { Kept::dull(0) }
        };
        Ledger {
            total: AtomicU64::new(pack(Total { used: 0, reaps: 0, lane: u16::MAX, seq: 0 })),
            limit: if watched.limit { Kept::live(LIMIT) } else { Kept::dull(LIMIT) },
            peak: Kept::dull(0),
            lanes: (0..(MEMBERS + 1) * LANE).map(word).collect(),
            alive_from,
            most: LIMIT,
        }
    }

    fn account(&self) -> Account<'_, Kept<K>, Packed<'_, K>> {
        let total = Packed { word: &self.total, most: self.most, keeps: PhantomData };
        Account::new(total, &self.limit, &self.peak, self.lanes.as_chunks().0)
    }

    fn join<R: Rules>(&self, lane: usize, id: u64) -> Option<Owned<R>> {
        join(&self.account(), lane, id, 0, self)
    }

    fn member<R: Rules>(&self, lane: usize, id: u64, holds: u64) -> Owned<R> {
        let mut owned = self.join(lane, id).expect("nobody is there");
        if holds > 0 {
            assert_eq!(self.change(&mut owned, Change::Force(holds), 0), Answer::Done);
        }
        owned
    }

    fn change<R: Rules>(&self, owned: &mut Owned<R>, change: Change, now: u64) -> Answer {
        owned.change(&self.account(), change, now, self)
    }

    fn used(&self) -> u64 {
        use crate::ledger::TotalWord;
        self.account().total.read().used
    }

    /// After all is done the total is what the lanes say.
    fn check(&self, used: u64) {
        use crate::ledger::TotalWord;
        let account = self.account();
        let total = account.total.read();
        let held = |index: usize| {
            let seq = account.seq(index, total);
            let lane = account.lane(index).expect("it is there");
            if is_closed(seq) { 0 } else { lane.read(seq).charge }
        };
        assert_eq!(total.used, (0..MEMBERS).map(held).sum::<u64>(), "not the sum of the lanes");
        assert_eq!(total.used, used, "not what is held");
    }
}

/// What two threads do at once, each to its end. Neither is loom's first, which would always begin.
fn at_once<K: Keeps>(
    ledger: &Arc<Ledger<K>>,
    one: impl FnOnce(&Ledger<K>) -> u64 + Send + 'static,
    other: impl FnOnce(&Ledger<K>) -> u64 + Send + 'static,
) -> [u64; 2] {
    let (here, there) = (ledger.clone(), ledger.clone());
    let threads = [thread::spawn(move || one(&here)), thread::spawn(move || other(&there))];
    threads.map(|thread| thread.join().expect("it ends"))
}

/// A limit that fits one of two; the one that is served gives back.
fn two_owners<K: Keeps, R: Rules + Send + 'static>() {
    let ledger = Arc::new(Ledger::<K>::new(Watched::default(), DEAD));
    let [one, two] = [ledger.member::<R>(0, ONE, 0), ledger.member::<R>(1, ONE + 1, 0)];
    let act = |ledger: &Ledger<K>, mut owned: Owned<R>| match ledger.change(
        &mut owned,
        Change::Reserve(3),
        1,
    ) {
        Answer::Done => {
            assert_eq!(ledger.change(&mut owned, Change::Refund(2), 2), Answer::Done);
            1
        }
        Answer::Refused { used, limit } => {
            assert_eq!((used, limit), (3, LIMIT), "falsely refused");
            0
        }
        Answer::Lost => panic!("a live owner was reaped"),
    };
    let done = at_once(&ledger, move |ledger| act(ledger, two), move |ledger| act(ledger, one));
    assert_ne!(done, [0, 0], "falsely refused");
    ledger.check(done.iter().sum());
}

/// What a dead third holds stands in the way, and two take it off at once.
fn reserve_and_reap<K: Keeps, R: Rules + Send + 'static>() {
    let ledger = Arc::new(Ledger::<K>::new(Watched::default(), ONE));
    // The total as the first left it is not what it finds.
    let mut one = ledger.member::<R>(0, ONE, 1);
    ledger.member::<R>(1, DEAD, 2);
    at_once(
        &ledger,
        |ledger| reap::<R, _, _>(&ledger.account(), 1, DEAD, 5, ledger).into(),
        move |ledger| {
            let answer = ledger.change(&mut one, Change::Reserve(3), 1);
            assert_eq!(answer, Answer::Done, "falsely refused");
            0
        },
    );
    ledger.check(4);
}

/// Two take a dead member's charge off; one of them then takes its lane.
fn reaps_and_join<K: Keeps, R: Rules + Send + 'static>() {
    let ledger = Arc::new(Ledger::<K>::new(Watched::default(), ONE));
    ledger.member::<R>(1, DEAD, 2);
    let reaps =
        |ledger: &Ledger<K>| u64::from(reap::<R, _, _>(&ledger.account(), 1, DEAD, 5, ledger));
    let freed = at_once(&ledger, reaps, move |ledger| {
        let freed = reaps(ledger);
        let mut late = ledger.join::<R>(1, LATE).expect("it is nobody's");
        assert_eq!(
            ledger.change(&mut late, Change::Reserve(3), 1),
            Answer::Done,
            "falsely refused"
        );
        freed
    });
    assert_eq!(freed.iter().sum::<u64>(), 1, "freed twice or never");
    ledger.check(3);
}

/// The limit is lowered while somebody asks for the first time,
fn set_limit<K: Keeps, R: Rules + Send + 'static>() {
    set_limit_after::<K, R>(0);
}

/// or for a later one, which goes the plain way.
fn set_limit_late<K: Keeps, R: Rules + Send + 'static>() {
    set_limit_after::<K, R>(1);
}

fn set_limit_after<K: Keeps, R: Rules + Send + 'static>(changes: u64) {
    let ledger = Arc::new(Ledger::<K>::new(Watched { limit: true, time: false }, DEAD));
    let mut one = ledger.member::<R>(0, ONE, 0);
    for _ in 0..changes {
        assert_eq!(ledger.change(&mut one, Change::Force(0), 0), Answer::Done);
    }
    let [in_force, own] = at_once(
        &ledger,
        |ledger| {
            ledger.limit.store(1);
            announce::<R, _, _>(&ledger.account());
            ledger.used()
        },
        move |ledger| match ledger.change(&mut one, Change::Reserve(3), 1) {
            Answer::Done => 3,
            Answer::Refused { limit, .. } => {
                assert_eq!(limit, 1, "falsely refused");
                0
            }
            Answer::Lost => panic!("a live owner was reaped"),
        },
    );
    assert_eq!(own, in_force, "over a limit in force");
    ledger.check(own);
}

/// A reader that finds the same number before and after has read what that commit left.
fn reader<K: Keeps, R: Rules + Send + 'static>() {
    use crate::ledger::TotalWord;
    let mut ledger = Ledger::<K>::new(Watched { limit: false, time: true }, DEAD);
    ledger.most = UNLIMITED;
    let ledger = Arc::new(ledger);
    let mut one = ledger.member::<R>(0, ONE, 0);
    at_once(
        &ledger,
        move |ledger| {
            for now in 1..4 {
                ledger.change(&mut one, Change::Force(1), now);
            }
            3
        },
        |ledger| {
            let account = ledger.account();
            let look = || account.seq(0, account.total.read());
            let lane = account.lane(0).expect("it is there");
            let seq = look();
            let slot = lane.read(seq);
            if look() == seq {
                assert_eq!((slot.charge, slot.time), (seq / 2, seq / 2), "torn");
            }
            0
        },
    );
    ledger.check(3);
}

macro_rules! without {
    ($($name:ident: $kind:ident $step:ident;)*) => {$(
        struct $name;
        impl $kind for $name {
            const $step: bool = false;
        }
    )*};
}

without! {
    NoSeal: Keeps SEAL;
    NoSettle: Keeps SETTLE;
    NoCommit: Keeps COMMIT;
    NoHelp: Rules HELPS;
    InTwoSteps: Rules WHOLE;
    NoOwner: Rules RECHECKS_OWNER;
    NoAnnouncement: Rules ANNOUNCES_LIMIT;
    LimitFirst: Rules LIMIT_AFTER_TOTAL;
}

#[test]
fn two_owners_share_a_limit() {
    holds("two owners", 3, two_owners::<All, Exact>);
    breaks("two owners, in two steps", "", 3, two_owners::<All, InTwoSteps>);
    breaks("two owners without help", "", 3, two_owners::<All, NoHelp>);
}

#[test]
fn the_dead_make_room() {
    holds("reserve and reap", 2, reserve_and_reap::<All, Exact>);
    breaks("reserve and reap without help", "", 2, reserve_and_reap::<All, NoHelp>);
}

#[test]
fn the_dead_are_reaped_once() {
    holds("two reaps and a join", 3, reaps_and_join::<All, Exact>);
    breaks("two reaps, the owner not looked at again", "", 3, reaps_and_join::<All, NoOwner>);
}

#[test]
fn a_lowered_limit_binds() {
    holds("set and reserve", 3, set_limit::<All, Exact>);
    breaks("set, not announced", "over a limit in force", 3, set_limit::<All, NoAnnouncement>);
    breaks("set, the limit read first", "over a limit in force", 3, set_limit::<All, LimitFirst>);
    let over = "over a limit in force";
    holds("set and reserve again", 3, set_limit_late::<All, Exact>);
    breaks("set, not announced, again", over, 3, set_limit_late::<All, NoAnnouncement>);
    breaks("set, the limit read first, again", over, 3, set_limit_late::<All, LimitFirst>);
    breaks("set, relaxed commits", over, 3, set_limit_late::<NoCommit, Exact>);
}

#[test]
fn a_reader_is_never_shown_half() {
    holds("reader", 3, reader::<All, Exact>);
    breaks("reader without settle", "torn", 3, reader::<NoSettle, Exact>);
    breaks("reader without seal", "torn", 3, reader::<NoSeal, Exact>);
    breaks("reader of relaxed commits", "torn", 3, reader::<NoCommit, Exact>);
}
