#![forbid(unsafe_code)]

mod driver;
mod marks;
mod page;
mod threads;

use super::*;
use driver::{BASE, Driver, SIZES, chance};

/// Whether it took a page nobody is charged for.
fn place(pages: &mut Pages, owner: Owner, tag: u16, address: u64, bytes: u64) -> bool {
    pages.place(owner, tag, address, bytes).0
}

fn placed(new: bool, spare: u32) -> Placed {
    Placed { new, spare, moved: false }
}

#[test]
fn knows_what_a_driver_holds_and_whether_it_grows() {
    let (mut driver, mut pages) = (Driver::default(), <Pages>::default());
    let mut next = chance(0);
    let (mut live, mut charged, mut sure) = (Vec::new(), 0, 0);
    for _ in 0..60_000 {
        if live.len() < 400 && next(100) < 52 {
            let owner = 1 + next(2);
            let bytes = SIZES[next(6) as usize];
            let certain = pages.promise(owner, bytes);
            assert!(!certain || pages.kept(owner, bytes) == 0);
            let fits = pages.promise_anywhere(owner, bytes);
            assert!(!fits || pages.kept(owner, bytes) == 0);
            assert!(!certain || fits, "a sure fit that is none");
            assert_eq!(fits, driver.find(owner, round(bytes, UNIT)).is_some());
            sure += u32::from(certain);
            let address = driver.alloc(owner, bytes);
            let new = place(&mut pages, owner, 0, address, bytes);
            assert_eq!(new, !fits);
            charged += i64::from(new);
            live.push(address);
        } else if !live.is_empty() {
            let address = live.swap_remove(next(live.len() as u64) as usize);
            let taken = pages.take(address).expect("it is there");
            if next(10) == 0 {
                // The driver refuses to free it.
                pages.put_back(address, taken);
                live.push(address);
            } else {
                driver.free(address);
                charged -= i64::from(pages.freed(address, taken));
                assert_eq!(pages.take(address), None, "only once");
            }
        }
        assert_eq!(charged, driver.pages.len() as i64);
        let units = |owner| driver.pages.values().filter(|of| **of == owner).count();
        assert_eq!((pages.count(1), pages.count(2)), (units(1), units(2)));
    }
    assert!(sure > 1000, "the quick look is never sure: {sure}");
    let ones = pages.count(1);
    assert_eq!((pages.forget(1).pages().count(), pages.count(1)), (ones, 0));
}

#[test]
fn what_is_no_beginning_is_not_taken() {
    let mut pages = <Pages>::default();
    assert!(place(&mut pages, 1, 3, BASE, 4096));
    assert!(!place(&mut pages, 1, 3, BASE + 4096, 100));
    for inside in [BASE + 1, BASE + 512, BASE + 4095, BASE + 8192, BASE + PAGE, 0] {
        assert_eq!(pages.take(inside), None, "{inside:x}");
    }
    let first = pages.take(BASE).expect("it begins there");
    assert_eq!((first.tag(), first.units(), pages.freed(BASE, first)), (3, 8, false));
    let second = pages.take(BASE + 4096).expect("it begins there");
    assert!(pages.freed(BASE + 4096, second));
}

#[test]
fn two_are_not_promised_one_hole() {
    let mut pages = <Pages>::default();
    assert!(!pages.promise(1, 4096), "nothing is known of it");
    assert!(place(&mut pages, 1, 0, BASE, 4096));
    assert!(
        place(&mut pages, 1, 0, BASE + PAGE, SMALL)
            && !place(&mut pages, 1, 0, BASE + PAGE + SMALL, SMALL)
    );
    assert!(!pages.promise(1, 4096), "the last page is full");
    let freed = pages.take(BASE + PAGE).expect("it begins there");
    assert!(!pages.promise(1, 512), "the driver has not freed it yet");
    assert!(!pages.freed(BASE + PAGE, freed));
    assert!(pages.promise(1, SMALL));
    assert!(!pages.promise(1, 512), "the hole is promised");
    // Another, who had a page of its own to be ready for, finds the hole: it leaves its page.
    assert!(!place(&mut pages, 1, 0, BASE + PAGE, SMALL) && pages.leave_page(1));
    assert!(place(&mut pages, 1, 0, BASE + 2 * PAGE, SMALL) && pages.take_spare(1));
    assert_eq!((pages.kept(1, SMALL), pages.take_spare(1), pages.leave_page(1)), (0, false, false));
    assert!(pages.promise(1, 512) && pages.leave_page(1));
    assert_eq!(pages.kept(1, 512), 1, "a page nobody needed");
}

#[test]
fn a_page_stays_charged_for_whom_its_room_was_promised_to() {
    let mut pages = <Pages>::default();
    assert!(place(&mut pages, 1, 0, BASE, 4096) && pages.promise(1, 512));
    let last = pages.take(BASE).expect("it begins there");
    // The driver gives the page back, and takes another for the one who was promised room.
    assert!(!pages.freed(BASE, last));
    assert_eq!(pages.place_promised(1, 0, BASE + PAGE, (512, 512)), placed(false, 0));
    // If that one finds room after all nobody needs it.
    assert!(!place(&mut pages, 1, 0, BASE + PAGE + 512, 512) && pages.promise(1, 512));
    assert!(place(&mut pages, 1, 0, BASE, 512));
    let last = pages.take(BASE).expect("it begins there");
    assert!(!pages.freed(BASE, last));
    assert_eq!(pages.place_promised(1, 0, BASE + PAGE + 1024, (512, 512)), placed(false, 1));
}

#[test]
fn what_leaves_may_be_given_out_again_before_it_is_said_to_be_free() {
    let mut pages = <Pages>::default();
    assert!(place(&mut pages, 1, 0, BASE, SMALL));
    let leaving = pages.take(BASE).expect("it begins there");
    // Another thread's request got the place the moment the driver had freed it.
    assert!(!place(&mut pages, 1, 0, BASE, 4096));
    assert!(!pages.freed(BASE, leaving));
    assert!(!pages.promise(1, PAGE - 4096 + 512), "the new one is there");
    let new = pages.take(BASE).expect("it begins there");
    assert!(pages.freed(BASE, new));
}

#[test]
fn of_two_that_leave_one_place_each_is_freed_before_there_is_room() {
    let mut pages = <Pages>::default();
    assert!(place(&mut pages, 1, 0, BASE, SMALL) && !place(&mut pages, 1, 0, BASE + SMALL, SMALL));
    let first = pages.take(BASE).expect("it begins there");
    assert!(!place(&mut pages, 1, 0, BASE, SMALL), "the driver had freed the first");
    let second = pages.take(BASE).expect("it begins there");
    assert!(!pages.freed(BASE, first));
    assert!(!pages.promise_anywhere(1, 512), "the second is still there");
    assert!(!pages.freed(BASE, second));
    assert!(pages.promise(1, SMALL));
    // One that is overtaken by several, and they by one.
    let mut pages = <Pages>::default();
    assert!(place(&mut pages, 1, 0, BASE, 2048));
    let whole = pages.take(BASE).expect("it begins there");
    assert!(!place(&mut pages, 1, 0, BASE, 512) && !place(&mut pages, 1, 0, BASE + 1024, 512));
    let parts = [BASE, BASE + 1024].map(|at| (at, pages.take(at).expect("it begins there")));
    assert!(!place(&mut pages, 1, 0, BASE + 512, 1024));
    assert!(parts.iter().all(|(at, part)| !pages.freed(*at, *part)) && !pages.freed(BASE, whole));
    let middle = pages.take(BASE + 512).expect("it begins there");
    assert!(pages.freed(BASE + 512, middle));
}

#[test]
fn what_a_context_left_is_not_freed_from_who_has_its_page_now() {
    let mut pages = <Pages>::default();
    assert!(place(&mut pages, 1, 0, BASE, 4096) && !place(&mut pages, 1, 0, BASE + 4096, 512));
    let pending = pages.take(BASE).expect("it begins there");
    // What is taken out is told of by who took it out.
    let left = Left { owner: 1, tag: 0, requests: (1, 512), charged: true };
    assert_eq!(pages.forget(1).pages().collect::<Vec<_>>(), [left]);
    assert!(place(&mut pages, 2, 0, BASE, 512));
    assert!(!pages.freed(BASE, pending), "the second owner's page");
    pages.put_back(BASE, pending);
    assert_eq!(pages.count(2), 1);
    let own = pages.take(BASE).expect("it begins there");
    assert!(pages.freed(BASE, own));
    assert!(!pages.freed(BASE, pending), "given back already");
    // Also if the next owner's name is the first one's.
    assert!(place(&mut pages, 1, 0, BASE + 4096, 512));
    assert!(!pages.freed(BASE, pending), "it went with the first owner");
    assert_eq!(pages.count(1), 1);
    // Nor is one of another size that leaves the same place.
    assert!(!place(&mut pages, 1, 0, BASE, 2048));
    let longer = pages.take(BASE).expect("it begins there");
    assert!(!pages.freed(BASE, Taken::new(1, 0, 1).expect("a unit")));
    let last = pages.take(BASE + 4096).expect("it begins there");
    assert!(!pages.freed(BASE + 4096, last), "the other is still there");
    assert!(pages.freed(BASE, longer));
}
