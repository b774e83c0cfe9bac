//! Marks against intervals.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use super::driver::chance;
use crate::pages::marks::{Marks, NO_LONG, NO_SHORT, Request, Summary, UNITS};

/// Where each begins → where it ends, and whether it is leaving.
type Intervals = BTreeMap<usize, (usize, bool)>;

fn said(requests: impl Iterator<Item = Request>) -> Vec<(usize, (usize, bool))> {
    requests.map(|request| (request.unit, (request.end, request.leaving))).collect()
}

#[test]
fn as_intervals() {
    let (mut any, mut short, mut long) = (Summary::default(), NO_SHORT, NO_LONG);
    let mut marks = Marks { any: &mut any, short: &mut short, long: &mut long };
    let (mut all, mut next) = (Intervals::new(), chance(0));
    for _ in 0..100_000 {
        let unit = next(UNITS as u64) as usize;
        let units = [1, 2, 63, 64, 65, 130, 2048][next(7) as usize];
        let end = (unit + units).min(UNITS);
        let inside = |all: &Intervals| -> Vec<_> {
            let meets = |(from, (to, _)): &(&usize, &(usize, bool))| **from < end && *to > unit;
            all.iter().filter(meets).map(|(from, rest)| (*from, *rest)).collect()
        };
        assert_eq!(said(marks.requests_in(unit, end)), inside(&all));
        assert_eq!(marks.next(unit), *all.range(unit..).next().map_or(&UNITS, |(from, _)| from));
        let at = marks.at(unit).map(|request| (request.end, request.leaving));
        assert_eq!(at, all.get(&unit).copied());
        if inside(&all).is_empty() {
            marks.put(unit, end);
            all.insert(unit, (end, false));
        } else if let Some((from, (to, leaving))) = inside(&all).first().copied() {
            let request = marks.at(from).expect("it begins there");
            assert_eq!(marks.leaving(from, to).is_some(), leaving);
            let others = [from + 1, to - 1, to + 1, to + 64];
            let others = others.into_iter().filter(|other| *other > from && *other != to);
            assert!(others.into_iter().all(|other| marks.leaving(from, other).is_none()));
            if leaving && next(2) == 0 {
                marks.erase(request);
                all.remove(&from);
            } else {
                marks.set_leaving(request, !leaving);
                all.insert(from, (to, !leaving));
            }
        }
    }
    assert!(said(marks.requests()).into_iter().eq(all));
    assert!([UNITS, UNITS + 64, usize::MAX].iter().all(|unit| marks.at(*unit).is_none()));
    assert_eq!(marks.next(UNITS), UNITS);
}
