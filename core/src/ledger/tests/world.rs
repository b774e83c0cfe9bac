//! A ledger whose every shared access is a step at which others may act, or its member may die, with
//! a ghost that knows what is true and complains at once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use super::super::*;

pub const LANES: usize = 3;
const IDS: usize = 16;

/// How a member that was killed unwinds.
pub struct Killed;

/// What happens at a step: somebody else acts, and whether the member dies after that.
type Interlude = Box<dyn FnOnce() -> bool>;

struct Frame {
    steps_left: Option<u64>,
    then: Option<Interlude>,
}

/// A change on its way: what it asks for, and whether that did not fit at some moment of it.
#[derive(Clone, Copy)]
struct Asks {
    bytes: Option<u64>,
    just: bool,
    /// What its lane has idle once it is done.
    idle: i64,
}

pub struct World {
    total: Cell<Total>,
    limit: Rc<Cell<u64>>,
    peak: Rc<Cell<u64>>,
    lanes: RefCell<Vec<Rc<Cell<u64>>>>,
    alive: RefCell<BTreeMap<u64, bool>>,
    frames: RefCell<Vec<Frame>>,
    asks: RefCell<Vec<Asks>>,
    /// What each incarnation truly holds.
    holds: RefCell<BTreeMap<u64, u64>>,
    /// What each lane has idle, as of its owner's last commit.
    idle: Cell<[i64; LANES]>,
    pub failures: RefCell<Vec<String>>,
    /// A limit that is being lowered binds once it is announced.
    pub setting: Cell<bool>,
    pub steps: Cell<u64>,
}

#[derive(Clone)]
pub struct Traced {
    world: Rc<World>,
    cell: Rc<Cell<u64>>,
}

#[derive(Clone)]
pub struct TracedTotal {
    world: Rc<World>,
}

impl Word for Traced {
    fn load(&self) -> u64 {
        self.world.step();
        self.cell.get()
    }
    fn store(&self, value: u64) {
        self.world.step();
        self.cell.set(value);
    }
    fn replace(&self, old: u64, new: u64) -> bool {
        self.world.step();
        let same = self.cell.get() == old;
        if same {
            self.cell.set(new);
        }
        same
    }
    fn raise(&self, value: u64) {
        self.world.step();
        self.cell.set(self.cell.get().max(value));
    }
    fn peek(&self) -> u64 {
        self.load()
    }
    fn put(&self, value: u64) {
        self.store(value);
    }
    fn settle() {}
    fn seal() {}
}

impl TotalWord for TracedTotal {
    fn read(&self) -> Total {
        self.world.step();
        self.world.total.get()
    }

    fn replace(&self, old: Total, new: Total) -> Result<(), Total> {
        self.world.step();
        let now = self.world.total.get();
        if now == old {
            self.world.commit(new);
            return Ok(());
        }
        Err(now)
    }
}

impl World {
    pub fn fail(&self, what: &str) {
        self.failures.borrow_mut().push(what.into());
    }

    fn live(&self) -> u64 {
        let alive = self.alive.borrow();
        let holds = self.holds.borrow();
        holds.iter().filter(|(id, _)| alive.get(id) == Some(&true)).map(|(_, held)| held).sum()
    }

    fn commit(&self, new: Total) {
        self.total.set(new);
        let lane = usize::from(new.lane);
        if lane < LANES && new.seq & 1 == 0 {
            let owner = self.word(lane * LANE);
            let charge = self.word(lane * LANE + HEAD + (new.seq as usize >> 1 & 1) * SLOT);
            self.holds.borrow_mut().insert(owner, charge);
            let mut idle = self.idle.get();
            idle[lane] = self.asks.borrow().last().map_or(0, |asks| asks.idle);
            self.idle.set(idle);
            let asked = self.asks.borrow().last().is_some_and(|asks| asks.bytes.is_some());
            if asked && new.used > self.limit.get() && !self.setting.get() {
                self.fail("over the limit");
            }
        }
    }

    fn word(&self, index: usize) -> u64 {
        self.lanes.borrow()[index].get()
    }

    /// The ghost looks: nothing lost, nothing counted twice; and whether a request that is on its
    /// way does not fit just now.
    pub fn check(&self) {
        let (limit, live) = (self.limit.get(), self.live());
        for asks in self.asks.borrow_mut().iter_mut() {
            asks.just |= asks.bytes.is_some_and(|bytes| live + bytes > limit);
        }
        let total = self.total.get();
        let seq = |lane: usize| {
            let applied = self.word(lane * LANE + head::APPLIED);
            let ours = usize::from(total.lane) == lane;
            if ours { applied.max(total.seq) } else { applied }
        };
        let charge = |lane: usize| {
            let seq = seq(lane);
            let slot = lane * LANE + HEAD + (seq as usize >> 1 & 1) * SLOT;
            if is_closed(seq) { 0 } else { self.word(slot) }
        };
        if total.used != (0..LANES).map(charge).sum::<u64>() {
            self.fail("the total is not the sum of the lanes");
        }
        let idle = |lane: usize| {
            let notes = [0, 1].map(|note| lane * LANE + HEAD + 2 * SLOT + note * NOTE);
            let past = notes.map(|at| (self.word(at), self.word(at + 1))).into_iter();
            let current = past.filter(|(since, _)| *since <= seq(lane) & !1);
            current.max_by_key(|(since, _)| *since).map_or(0, |(_, bytes)| bytes.cast_signed())
        };
        if (0..LANES).any(|lane| idle(lane) != self.idle.get()[lane]) {
            self.fail("what is idle is not what was committed");
        }
        if live > total.used {
            self.fail("the living hold more than is counted");
        }
    }

    /// One shared access of whoever runs now.
    fn step(&self) {
        self.check();
        self.steps.set(self.steps.get() + 1);
        let interlude = {
            let mut frames = self.frames.borrow_mut();
            let Some(frame) = frames.last_mut() else { return };
            match frame.steps_left {
                Some(0) => {
                    frame.steps_left = None;
                    frame.then.take()
                }
                Some(left) => {
                    frame.steps_left = Some(left - 1);
                    None
                }
                None => None,
            }
        };
        if let Some(interlude) = interlude
            && interlude()
        {
            resume_unwind(Box::new(Killed));
        }
    }
}

pub struct Ledger<R> {
    pub world: Rc<World>,
    total: TracedTotal,
    limit: Traced,
    peak: Traced,
    lanes: Vec<Traced>,
    next: Cell<u64>,
    rules: std::marker::PhantomData<R>,
}

impl Living for World {
    fn is_alive(&self, id: u64) -> bool {
        self.step();
        self.alive.borrow()[&id]
    }
}

impl<R: Rules> Ledger<R> {
    pub fn new(limit: u64) -> Rc<Ledger<R>> {
        let lanes: Vec<_> = (0..(LANES + 1) * LANE).map(|_| Rc::new(Cell::new(0))).collect();
        let world = Rc::new(World {
            total: Cell::new(Total { used: 0, reaps: 0, lane: u16::MAX, seq: 0 }),
            limit: Rc::new(Cell::new(limit)),
            peak: Rc::default(),
            lanes: RefCell::new(lanes.clone()),
            alive: RefCell::default(),
            frames: RefCell::default(),
            asks: RefCell::default(),
            holds: RefCell::default(),
            idle: Cell::default(),
            failures: RefCell::default(),
            setting: Cell::default(),
            steps: Cell::default(),
        });
        let word = |cell: &Rc<Cell<u64>>| Traced { world: world.clone(), cell: cell.clone() };
        let lanes = lanes.iter().map(word).collect();
        let (limit, peak) = (word(&world.limit), word(&world.peak));
        let total = TracedTotal { world: world.clone() };
        Rc::new(Ledger {
            world,
            total,
            limit,
            peak,
            lanes,
            next: Cell::new(1),
            rules: std::marker::PhantomData,
        })
    }

    fn account(&self) -> Account<'_, Traced, TracedTotal> {
        Account::new(self.total.clone(), &self.limit, &self.peak, self.lanes.as_chunks().0)
    }

    /// A new incarnation takes the lane.
    pub fn join(&self, lane: usize) -> Option<Member<R>> {
        let id = self.next.get();
        assert!((id as usize) < IDS);
        self.next.set(id + 1);
        self.world.alive.borrow_mut().insert(id, true);
        let owned =
            join::<R, _, _>(&self.account(), lane, id, self.world.steps.get(), &*self.world);
        owned.map(|owned| Member { owned })
    }

    pub fn change(&self, member: &mut Member<R>, change: Change, more_idle: i64) -> Answer {
        let bytes = if let Change::Reserve(bytes) = change { Some(bytes) } else { None };
        let idle = member.owned.slot.idle.bytes + more_idle;
        self.world.asks.borrow_mut().push(Asks { bytes, just: false, idle });
        let (now, account) = (self.world.steps.get(), self.account());
        let answer = member.owned.change_with_idle(&account, change, more_idle, now, &*self.world);
        self.world.check();
        let asks = self.world.asks.borrow_mut().pop();
        match answer {
            Answer::Refused { .. } if !asks.is_some_and(|asks| asks.just) => {
                self.world.fail("falsely refused");
            }
            Answer::Lost => self.world.fail("a live owner was reaped"),
            _ => {}
        }
        answer
    }

    pub fn leave(&self, member: Member<R>) {
        // As with a death, what it held is nobody's from here on.
        self.world.alive.borrow_mut().insert(member.owned.id, false);
        leave(&self.account(), member.owned, self.world.steps.get());
    }

    pub fn set(&self, limit: u64) {
        self.world.setting.set(true);
        self.limit.store(limit);
        announce::<R, _, _>(&self.account());
        self.world.setting.set(false);
    }

    /// Takes everybody dead off, as the next who needs it would.
    pub fn reap_the_dead(&self) {
        for lane in 0..LANES {
            let owner = self.lanes[lane * LANE].cell.get();
            if owner != 0 && !self.world.alive.borrow()[&owner] {
                reap::<R, _, _>(&self.account(), lane, owner, self.world.steps.get(), &*self.world);
            }
        }
    }

    pub fn die(&self, member: &Member<R>) {
        self.world.alive.borrow_mut().insert(member.owned.id, false);
    }

    /// Runs what a member does; at its `at`-th step `interlude` happens, and if that says so the
    /// member dies there. Whether it got to its end, and whether it got as far as `at`.
    pub fn run(
        &self,
        at: u64,
        interlude: impl FnOnce() -> bool + 'static,
        act: impl FnOnce(),
    ) -> (bool, bool) {
        let then: Interlude = Box::new(interlude);
        let frame = Frame { steps_left: Some(at), then: Some(then) };
        self.world.frames.borrow_mut().push(frame);
        let on_their_way = self.world.asks.borrow().len();
        let ended = catch_unwind(AssertUnwindSafe(act));
        let frame = self.world.frames.borrow_mut().pop();
        // The dead ask for nothing any more.
        self.world.asks.borrow_mut().truncate(on_their_way);
        let reached = frame.is_some_and(|frame| frame.then.is_none());
        match ended {
            Ok(()) => (true, reached),
            Err(why) if why.is::<Killed>() => (false, reached),
            Err(why) => resume_unwind(why),
        }
    }

    /// After the last act: the dead are taken off, and what is left is exactly what the living hold.
    pub fn check_the_end(&self) {
        self.world.check();
        self.reap_the_dead();
        self.world.check();
        if self.world.total.get().used != self.world.live() {
            self.world.fail("not exact after reaping");
        }
        if self.peak.cell.get().max(self.world.total.get().used) < self.world.live() {
            self.world.fail("the peak is lower than what is held");
        }
    }
}

pub struct Member<R> {
    pub owned: Owned<R>,
}
