//! An event in a few words.
#![forbid(unsafe_code)]

use cuota_core::book::{Event, Kind};
use cuota_core::kind;
use cuota_core::ledger::UNLIMITED;

use super::cells::{self, age};
use super::detail::Detail;
use crate::screen;
use crate::sizes::{quota, short};

pub fn line(event: &Event, detail: &Detail) -> String {
    let ago = detail.time.checked_sub(event.time).map_or("-".to_owned(), age);
    let device = event.device.map_or("", |index| detail.device(index));
    let who = cells::left(&screen::plain(&detail.member(event.member)), 18);
    let line = format!(
        "{ago:>7}  {who}  {:<9}  {}  {}",
        event.kind.name(),
        what(event),
        device.get(..SHORT_UUID).unwrap_or(device)
    );
    line.trim_end().to_owned()
}

/// As in the tables.
const SHORT_UUID: usize = 12;

fn what(event: &Event) -> String {
    let [first, second, third] = event.payload;
    let way = || kind::Kind::from_code(u8::try_from(third).unwrap_or(0)).name();
    let limit = |bytes| quota(Some(bytes).filter(|bytes| *bytes != UNLIMITED));
    match event.kind {
        Kind::Joined | Kind::Left => format!("pid {first}"),
        Kind::Died => format!("pid {first}, held {}", short(second)),
        Kind::ContextCreated => format!("took {}", short(second)),
        Kind::ContextDestroyed => String::new(),
        Kind::Allocated | Kind::Freed => format!("{} {}", short(first), way()),
        Kind::Refused => {
            format!("{}, holds {} of {}", short(first), short(third), limit(second))
        }
        Kind::LimitChanged => format!("{} -> {}", limit(second), limit(first)),
        Kind::Untracked => format!("{} -> {}", short(second), short(first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_says_what_happened() {
        let said =
            |kind, payload| what(&Event { time: 0, member: 1, kind, device: Some(0), payload });
        assert_eq!(said(Kind::Died, [7, 1 << 30, 0]), "pid 7, held 1 GiB");
        assert_eq!(said(Kind::Allocated, [1 << 20, 0, 6]), "1 MiB pool");
        assert_eq!(said(Kind::Refused, [2 << 30, 4 << 30, 3 << 30]), "2 GiB, holds 3 GiB of 4 GiB");
        assert_eq!(said(Kind::LimitChanged, [1 << 30, UNLIMITED, 0]), "none -> 1 GiB");
        assert_eq!(said(Kind::Freed, [1, 0, u64::MAX]), "1 B linear");
    }
}
