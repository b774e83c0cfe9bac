#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use super::*;

const BASE: u64 = 0x7f00_0000_0000;

/// A driver that cuts first fit, and knows by intervals what the pages know by bits.
#[derive(Default)]
struct Driver {
    /// Address → bytes, per owner.
    live: BTreeMap<u64, (Owner, u64)>,
    pages: BTreeMap<u64, Owner>,
}

impl Driver {
    fn find(&self, owner: Owner, bytes: u64) -> Option<u64> {
        let own = self.pages.iter().filter(|(_, of)| **of == owner);
        own.map(|(page, _)| *page).find_map(|page| {
            let mut at = page;
            for (address, (_, len)) in self.live.range(page..page + PAGE) {
                if address - at >= bytes {
                    return Some(at);
                }
                at = address + len;
            }
            (page + PAGE - at >= bytes).then_some(at)
        })
    }

    fn alloc(&mut self, owner: Owner, bytes: u64) -> u64 {
        let bytes = round(bytes, UNIT);
        let at = self.find(owner, bytes).unwrap_or_else(|| {
            let free = (0..).map(|n| BASE + n * PAGE).find(|page| !self.pages.contains_key(page));
            let page = free.expect("there is always another");
            self.pages.insert(page, owner);
            page
        });
        self.live.insert(at, (owner, bytes));
        at
    }

    fn free(&mut self, address: u64) {
        self.live.remove(&address);
        let page = address / PAGE * PAGE;
        if self.live.range(page..page + PAGE).next().is_none() {
            self.pages.remove(&page);
        }
    }
}

#[test]
fn knows_what_a_driver_holds_and_whether_it_grows() {
    let (mut driver, mut pages) = (Driver::default(), Pages::default());
    let mut random = 0x1234_5678_9abc_def1_u64;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let (mut live, mut charged, mut sure) = (Vec::new(), 0, 0);
    for _ in 0..60_000 {
        if live.len() < 400 && next(100) < 52 {
            let owner = 1 + next(2);
            let bytes = [1, 512, 4096, 70_000, 700 << 10, SMALL][next(6) as usize];
            let certain = pages.promise(owner, bytes);
            assert!(!certain || pages.kept(owner, bytes) == 0);
            let fits = pages.promise_anywhere(owner, bytes);
            assert!(!fits || pages.kept(owner, bytes) == 0);
            assert!(!certain || fits, "a sure fit that is none");
            assert_eq!(fits, driver.find(owner, round(bytes, UNIT)).is_some());
            sure += u32::from(certain);
            let address = driver.alloc(owner, bytes);
            let new = pages.place(owner, 0, address, bytes);
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
    let mut pages = Pages::default();
    assert!(pages.place(1, 3, BASE, 4096));
    assert!(!pages.place(1, 3, BASE + 4096, 100));
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
    let mut pages = Pages::default();
    assert!(!pages.promise(1, 4096), "nothing is known of it");
    assert!(pages.place(1, 0, BASE, 4096));
    assert!(
        pages.place(1, 0, BASE + PAGE, SMALL) && !pages.place(1, 0, BASE + PAGE + SMALL, SMALL)
    );
    assert!(!pages.promise(1, 4096), "the last page is full");
    let freed = pages.take(BASE + PAGE).expect("it begins there");
    assert!(!pages.promise(1, 512), "the driver has not freed it yet");
    assert!(!pages.freed(BASE + PAGE, freed));
    assert!(pages.promise(1, SMALL));
    assert!(!pages.promise(1, 512), "the hole is promised");
    // Another, who had a page of its own to be ready for, finds the hole: it leaves its page.
    assert!(!pages.place(1, 0, BASE + PAGE, SMALL) && pages.leave_page(1));
    assert!(pages.place(1, 0, BASE + 2 * PAGE, SMALL) && pages.take_spare(1));
    assert_eq!((pages.kept(1, SMALL), pages.take_spare(1), pages.leave_page(1)), (0, false, false));
    assert!(pages.promise(1, 512) && pages.leave_page(1));
    assert_eq!(pages.kept(1, 512), 1, "a page nobody needed");
}

#[test]
fn what_leaves_may_be_given_out_again_before_it_is_said_to_be_free() {
    let mut pages = Pages::default();
    assert!(pages.place(1, 0, BASE, SMALL));
    let leaving = pages.take(BASE).expect("it begins there");
    // Another thread's request got the place the moment the driver had freed it.
    assert!(!pages.place(1, 0, BASE, 4096));
    assert!(!pages.freed(BASE, leaving));
    assert!(!pages.promise(1, PAGE - 4096 + 512), "the new one is there");
    let new = pages.take(BASE).expect("it begins there");
    assert!(pages.freed(BASE, new));
}

#[test]
fn what_a_context_left_is_not_freed_from_who_has_its_page_now() {
    let mut pages = Pages::default();
    assert!(pages.place(1, 0, BASE, 4096) && !pages.place(1, 0, BASE + 4096, 512));
    let pending = pages.take(BASE).expect("it begins there");
    // What is taken out is told of by who took it out.
    assert_eq!(pages.forget(1).pages().collect::<Vec<_>>(), [(0, (1, 512))]);
    assert!(pages.place(2, 0, BASE, 512));
    assert!(!pages.freed(BASE, pending), "the second owner's page");
    pages.put_back(BASE, pending);
    assert_eq!(pages.count(2), 1);
    let own = pages.take(BASE).expect("it begins there");
    assert!(pages.freed(BASE, own));
    assert!(!pages.freed(BASE, pending), "given back already");
}
