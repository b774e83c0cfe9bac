//! Every act of a member, stopped after each of its steps; there another member acts, stopped after
//! each of its own while a third acts to its end; then each dies or goes on. All that can be nested
//! this way is tried, and the ghost looks at every step.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::*;
use super::world::{LANES, Ledger, Member};

pub const LIMIT: u64 = 4;

type Place<R> = Rc<RefCell<Option<Member<R>>>>;

/// What members do. The first acts on the first place, and so on; a new incarnation takes the place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Reserve(u64),
    /// For a pool.
    ReserveIdle(u64),
    Refund(u64),
    Untracked(u64),
    Leave,
    Rejoin,
    /// Gives all back, then the limit is lowered.
    RefundAndSet(u64),
    Set(u64),
    /// A third member asks for more than there is, and so reaps; then the dead one's lane is taken
    /// again and charged.
    ReapAndReplace,
    ReapAndRefund,
}

use Act::*;

pub const FIRST: [Act; 8] = [
    Reserve(1),
    Reserve(3),
    ReserveIdle(1),
    ReserveIdle(3),
    Refund(1),
    Untracked(1),
    Leave,
    Rejoin,
];
pub const SECOND: [Act; 7] =
    [Reserve(2), Refund(1), Leave, RefundAndSet(2), RefundAndSet(3), Set(2), Rejoin];
pub const THIRD: [Act; 4] = [Reserve(1), Refund(1), ReapAndReplace, ReapAndRefund];

/// Who is dead before it begins, by place: nobody, the second, the second and the third.
pub const DEAD: [&[usize]; 3] = [&[], &[1], &[1, 2]];

pub struct Scene<R> {
    ledger: Rc<Ledger<R>>,
    places: [Place<R>; LANES],
}

impl<R: Rules + 'static> Clone for Scene<R> {
    fn clone(&self) -> Scene<R> {
        Scene { ledger: self.ledger.clone(), places: self.places.clone() }
    }
}

impl<R: Rules + 'static> Scene<R> {
    fn new(dead: &[usize]) -> Scene<R> {
        let ledger = Ledger::new(LIMIT);
        let places = [0, 1, 2].map(|lane| {
            let mut member = ledger.join(lane).expect("the lane is free");
            assert_eq!(ledger.change(&mut member, Change::Reserve(1), 1), Answer::Done);
            Rc::new(RefCell::new(Some(member)))
        });
        // The first remembers a total that is higher by now, the others one that was lower.
        for (place, change) in
            [(1, Change::Reserve(1)), (0, Change::Untracked(0)), (1, Change::Refund(1))]
        {
            let mut member = places[place].borrow_mut();
            let done = member.as_mut().map(|member| ledger.change(member, change, 0));
            assert_eq!(done, Some(Answer::Done));
        }
        let scene = Scene { ledger, places };
        for place in dead {
            scene.kill(*place);
        }
        scene
    }

    fn kill(&self, place: usize) {
        if let Some(member) = self.places[place].borrow_mut().take() {
            self.ledger.die(&member);
        }
    }

    fn join(&self, place: usize) {
        if let Some(member) = self.ledger.join(place) {
            *self.places[place].borrow_mut() = Some(member);
        }
    }

    fn change(&self, place: usize, change: Change) {
        self.change_with_idle(place, change, 0);
    }

    fn change_with_idle(&self, place: usize, change: Change, idle: i64) {
        // Whoever is killed in the middle leaves its member behind, to be declared dead.
        if let Some(member) = self.places[place].borrow_mut().as_mut() {
            self.ledger.change(member, change, idle);
        }
    }

    fn refund(&self, place: usize, bytes: u64) {
        let held = self.places[place].borrow().as_ref().map_or(0, |m| m.owned.slot.charge);
        if held >= bytes {
            self.change(place, Change::Refund(bytes));
        }
    }

    fn act(&self, place: usize, act: Act) {
        match act {
            Reserve(bytes) => self.change(place, Change::Reserve(bytes)),
            ReserveIdle(bytes) => {
                self.change_with_idle(place, Change::Reserve(bytes), bytes as i64)
            }
            Refund(bytes) => self.refund(place, bytes),
            Untracked(bytes) => self.change(place, Change::Untracked(bytes)),
            Leave => {
                let member = self.places[place].borrow_mut().take();
                if let Some(member) = member {
                    self.ledger.leave(member);
                }
            }
            Rejoin => {
                self.kill(place);
                self.join(place);
                self.change(place, Change::Reserve(1));
            }
            RefundAndSet(limit) => {
                self.refund(place, 1);
                self.ledger.set(limit);
            }
            Set(limit) => self.ledger.set(limit),
            ReapAndReplace => {
                self.ledger.reap_the_dead();
                for lane in 0..LANES {
                    if lane != place && self.is_empty(lane) {
                        self.join(lane);
                        self.change(lane, Change::Reserve(1));
                    }
                }
            }
            ReapAndRefund => {
                self.ledger.reap_the_dead();
                self.refund(place, 1);
            }
        }
    }

    /// Nobody has it, and whoever is in the middle of an act still does.
    fn is_empty(&self, place: usize) -> bool {
        self.places[place].try_borrow().is_ok_and(|member| member.is_none())
    }
}

/// The first failure, if any, and how many ways were tried.
pub fn explore<R: Rules + 'static>() -> (Option<String>, u64) {
    std::panic::set_hook(Box::new(|info| {
        if info.payload().downcast_ref::<super::world::Killed>().is_none() {
            eprintln!("{info}");
        }
    }));
    let mut tried = 0;
    for dead in DEAD {
        for first in FIRST {
            for second in SECOND {
                for (third, kills_second, kills_first) in choices() {
                    let mut at = 0;
                    loop {
                        let mut inner = 0;
                        let mut outer_reached = false;
                        loop {
                            tried += 1;
                            let acts = [first, second, third];
                            let kills = [kills_first, kills_second];
                            let end = one::<R>(dead, acts, kills, [at, inner]);
                            if let Some(failure) = end.failure {
                                let way = format!(
                                    "{failure}: dead {dead:?}, {acts:?}, killed {kills:?}, stopped at {at} and {inner}"
                                );
                                return (Some(way), tried);
                            }
                            outer_reached |= end.reached[0];
                            if !end.reached[1] {
                                break;
                            }
                            inner += 1;
                        }
                        if !outer_reached {
                            break;
                        }
                        at += 1;
                    }
                }
            }
        }
    }
    (None, tried)
}

fn choices() -> impl Iterator<Item = (Act, bool, bool)> {
    let flags = [(false, false), (false, true), (true, false), (true, true)];
    THIRD.into_iter().flat_map(move |third| flags.map(|(second, first)| (third, second, first)))
}

struct End {
    failure: Option<String>,
    reached: [bool; 2],
}

fn one<R: Rules + 'static>(
    dead: &[usize],
    acts: [Act; 3],
    kills: [bool; 2],
    stops: [u64; 2],
) -> End {
    let scene = Scene::<R>::new(dead);
    let inner_reached = Rc::new(RefCell::new(false));
    let interlude = {
        let (scene, inner_reached) = (scene.clone(), inner_reached.clone());
        move || {
            let third = scene.clone();
            let second = scene.clone();
            let (ended, reached) = scene.ledger.run(
                stops[1],
                move || {
                    third.act(2, acts[2]);
                    kills[1]
                },
                move || second.act(1, acts[1]),
            );
            if !ended {
                scene.kill(1);
            }
            *inner_reached.borrow_mut() = reached;
            kills[0]
        }
    };
    let first = scene.clone();
    let (ended, reached) = scene.ledger.run(stops[0], interlude, move || first.act(0, acts[0]));
    if !ended {
        scene.kill(0);
    }
    scene.ledger.check_the_end();
    let failure = scene.ledger.world.failures.borrow().first().cloned();
    let inner = *inner_reached.borrow();
    End { failure, reached: [reached, inner] }
}
