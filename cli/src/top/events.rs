//! An event in a few words.
#![forbid(unsafe_code)]

use cuota_core::book::Event;

use super::cells::{self, age};
use super::detail::Detail;
use crate::events::what;
use crate::screen;

pub fn line(event: &Event, detail: &Detail) -> String {
    let ago = detail.time.checked_sub(event.time).map_or("-".to_owned(), age);
    let device = event.device.map_or("", |index| detail.device(index));
    let who = cells::left(&screen::plain(&detail.member(event.member)), 18);
    let line =
        format!("{ago:>7}  {who}  {}  {}", what(event), device.get(..SHORT_UUID).unwrap_or(device));
    line.trim_end().to_owned()
}

/// As in the tables.
const SHORT_UUID: usize = 12;
