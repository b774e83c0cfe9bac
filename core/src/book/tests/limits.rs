//! Whose limit is in force.
#![forbid(unsafe_code)]

use super::super::*;
use super::{CARD, Folder, Process};
use crate::ledger::{Answer, Change};

#[test]
fn whose_limit() {
    let folder = Folder::new("limits");
    let (one, _) = Process::start(&folder.plan(), Some(100));
    let (two, standing) = Process::start(&folder.plan(), Some(50));
    assert_eq!((standing.limit, standing.instead_of), (Some(100), Some(Some(100))));
    let (_three, standing) = Process::start(&folder.plan(), None);
    assert_eq!((standing.limit, standing.instead_of), (Some(100), None));
    two.book.door().expect("free").set(0, Some(70), 9);
    let (_four, standing) = Process::start(&folder.plan(), Some(100));
    assert_eq!((standing.limit, standing.instead_of), (Some(70), None), "set wins, quietly");
    let mut lane = one.lane();
    assert_eq!(one.change(&mut lane, Change::Reserve(71)), Answer::Refused { used: 0, limit: 70 });
    for process in [&one, &two, &_three, &_four] {
        process.book.leave(process.seat);
    }
    let (_, standing) = Process::start(&folder.plan(), None);
    assert_eq!(standing.limit, None, "nobody was there: decided anew");
}

const OTHER: Device = Device { uuid: *b"fedcba9876543210", bytes: 1 << 30 };

/// A member that sees those devices, and wants so much of each, and what came of it. One that is strict
/// stays out if it disagrees, though its process lives on.
fn member(
    folder: &Folder,
    sees: &[Device],
    limit: u64,
    strict: bool,
) -> (Book, Seat, Vec<Option<u64>>, bool) {
    let (book, seat) = enter(&folder.plan(), &Member::default(), &|| 5).expect("there is room");
    let wishes: Vec<_> =
        sees.iter().map(|card| Wish { device: *card, limit: Some(limit) }).collect();
    let door = book.door().expect("nobody else is there");
    let witness = book.witness(seat.id, 0);
    let settle = if strict { Door::settle_if_agreed } else { Door::settle };
    let standings = settle(&door, seat, &wishes, &witness, 5).expect("there is room");
    drop(door);
    let agrees = standings.iter().all(|standing| standing.instead_of.is_none());
    (book, seat, standings.iter().map(|standing| standing.limit).collect(), agrees)
}

#[test]
fn of_a_run_that_is_over_nothing_binds_the_next() {
    let folder = Folder::new("over");
    let (book, seat, ..) = member(&folder, &[CARD, OTHER], 800, true);
    book.door().expect("free").set(1, Some(300), 9);
    book.leave(seat);
    // The next run's first member does not see what its second does.
    let (_one, _, limits, agrees) = member(&folder, &[CARD], 100, true);
    assert_eq!((limits, agrees), (vec![Some(100)], true));
    let report = read(&folder.file(), 0).expect("readable");
    assert_eq!((report.devices[1].limit, report.devices[1].by_command), (None, false));
    let (_two, _, limits, agrees) = member(&folder, &[OTHER], 100, true);
    assert_eq!((limits, agrees), (vec![Some(100)], true));
}

#[test]
fn who_disagrees_and_stays_out_decides_nothing() {
    let folder = Folder::new("refused");
    let (one, first, ..) = member(&folder, &[CARD], 400, true);
    let (_refused, _, _, agrees) = member(&folder, &[CARD, OTHER], 800, true);
    assert!(!agrees);
    let (two, second, limits, agrees) = member(&folder, &[CARD, OTHER], 400, true);
    assert_eq!((limits, agrees), (vec![Some(400), Some(400)], true));
    one.leave(first);
    two.leave(second);
    // The one that was refused lives, and keeps nobody's limit.
    let (_three, _, limits, agrees) = member(&folder, &[CARD], 200, true);
    assert_eq!((limits, agrees), (vec![Some(200)], true));
    // Who goes on though it disagrees is a member like any.
    let (_four, _, limits, agrees) = member(&folder, &[CARD, OTHER], 900, false);
    assert_eq!((limits, agrees), (vec![Some(200), Some(900)], false));
}

#[test]
fn what_was_set_holds_for_who_comes_later() {
    let folder = Folder::new("set");
    let (book, seat, ..) = member(&folder, &[CARD, OTHER], 400, true);
    let (_one, ..) = member(&folder, &[CARD], 400, true);
    book.leave(seat);
    book.door().expect("free").set(1, Some(70), 9);
    let (_two, _, limits, agrees) = member(&folder, &[OTHER], 400, true);
    assert_eq!((limits, agrees), (vec![Some(70)], true));
}
