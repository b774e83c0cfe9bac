//! The table's columns: what each shows, how it sorts, and which of them a width has room for.
#![forbid(unsafe_code)]

use std::cmp::Ordering;

use clap::ValueEnum;
use cuota_core::share::Percentage;

use super::cells::{self, NONE};
use super::rows::{OnDevice, Row};
use crate::sizes::short;

/// From left to right.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Column {
    Client,
    Device,
    Used,
    Quota,
    Memory,
    Share,
    Sms,
    Launches,
    Copied,
    Refused,
    Members,
    ByteHours,
}

use Column::*;

pub const ALL: [Column; 12] = [
    Client, Device, Used, Quota, Memory, Share, Sms, Launches, Copied, Refused, Members, ByteHours,
];

/// Which go first when there is no room for all; the client's name never does.
const LAST_TO_GO: [Column; 11] =
    [Used, Memory, Quota, Device, Sms, Share, Launches, Refused, Copied, Members, ByteHours];

/// What there is nothing to show of.
#[derive(Clone, Copy)]
pub struct Shows {
    pub rates: bool,
    pub shares: bool,
}

impl Shows {
    fn has(self, column: Column) -> bool {
        (self.rates || !column.is_rate()) && (self.shares || !matches!(column, Share | Sms))
    }
}

/// What a name gets before other columns do, and the widest bar.
const NAME: usize = 18;
const WIDEST_BAR: usize = 32;

/// What `cuota set` decided, as `cuota ps` marks it.
const BY_COMMAND: char = '*';

impl Column {
    pub fn title(self) -> &'static str {
        match self {
            Client => "CLIENT",
            Device => "DEVICE",
            Used => "USED",
            Quota => "QUOTA ",
            Memory => "MEMORY",
            Share => "SHARE",
            Sms => "SMS ",
            Launches => "LAUNCH/S",
            Copied => "COPIED/S",
            Refused => "REFUSED",
            Members => "MEMBERS",
            ByteHours => "BYTE-HOURS",
        }
    }

    /// In a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Client => "client",
            Device => "device",
            Used => "used",
            Quota => "quota",
            Memory => "memory",
            Share => "share",
            Sms => "SMs",
            Launches => "launches",
            Copied => "copied",
            Refused => "refused",
            Members => "members",
            ByteHours => "byte-hours",
        }
    }

    fn least(self) -> usize {
        match self {
            Client | Used | Launches | Copied | Sms => 8,
            Quota => 9,
            Device => 12,
            Refused | Members | Share => 7,
            Memory | ByteHours => 10,
        }
    }

    pub fn is_rate(self) -> bool {
        matches!(self, Launches | Copied)
    }

    fn is_text(self) -> bool {
        matches!(self, Client | Device | Memory)
    }

    /// Figures are looked at from the largest on, names from the first.
    pub fn falls(self) -> bool {
        !matches!(self, Client | Device)
    }

    pub fn padded(self, text: &str, width: usize) -> String {
        if self.is_text() { cells::left(text, width) } else { cells::right(text, width) }
    }

    pub fn cell(self, row: &Row, width: usize) -> String {
        let text = match (self, &row.device) {
            (Client, _) => row.client.clone(),
            (Members, _) => row.members.to_string(),
            (Quota | Sms, None) => format!("{NONE} "),
            (_, None) => NONE.to_owned(),
            (_, Some(device)) => figure(self, device, width),
        };
        self.padded(&text, width)
    }

    /// Rising; equal rows are told apart by name, so that they do not jump about.
    pub fn order(self, one: &Row, other: &Row) -> Ordering {
        let (a, b) = (one.device.as_ref(), other.device.as_ref());
        let by = |key: &dyn Fn(&OnDevice) -> f64| {
            let key = |device: Option<&OnDevice>| device.map_or(-1.0, key);
            key(a).total_cmp(&key(b))
        };
        match self {
            Client => one.client.cmp(&other.client),
            Device => a.map(|it| &it.uuid).cmp(&b.map(|it| &it.uuid)),
            Members => one.members.cmp(&other.members),
            Used => a.map(|it| it.used).cmp(&b.map(|it| it.used)),
            // None is more than any.
            Quota => {
                let limit = |it: &OnDevice| it.limit.unwrap_or(u64::MAX);
                a.map(limit).cmp(&b.map(limit))
            }
            Refused => a.map(|it| it.refused).cmp(&b.map(|it| it.refused)),
            ByteHours => a.map(|it| it.byte_ns).cmp(&b.map(|it| it.byte_ns)),
            Memory => by(&|it| it.used as f64 / whole(it).max(1) as f64),
            Share => by(&asked),
            Sms => by(&|it| it.sms.as_ref().map_or(-0.5, |sms| sms.granted as f64)),
            Launches => by(&|it| it.rates.map_or(-0.5, |rates| rates.launches)),
            Copied => by(&|it| it.rates.map_or(-0.5, |rates| rates.copied)),
        }
    }
}

/// What a bar is full of: the quota, or where there is none the device.
pub fn whole(device: &OnDevice) -> u64 {
    device.limit.unwrap_or(device.bytes)
}

/// What was asked for, as a part of the device.
fn asked(device: &OnDevice) -> f64 {
    let Some(sms) = &device.sms else { return -0.5 };
    let part = sms.asked.and_then(|share| Percentage::of(share, sms.all));
    part.map_or(-0.5, Percentage::part)
}

fn figure(column: Column, device: &OnDevice, width: usize) -> String {
    let rate = |text: &dyn Fn(super::rows::Rates) -> String| device.rates.map(text);
    let rate = |text| rate(text).unwrap_or(NONE.to_owned());
    match column {
        Device => device.uuid.get(..width).unwrap_or(&device.uuid).to_owned(),
        Used => short(device.used),
        Quota => {
            let mark = if device.by_command { BY_COMMAND } else { ' ' };
            format!("{}{mark}", device.limit.map_or(NONE.to_owned(), short))
        }
        Memory => cells::bar(device.used, whole(device), width),
        Share => {
            let asked = device.sms.as_ref().and_then(|sms| sms.asked);
            asked.map_or(NONE.to_owned(), |share| share.to_string())
        }
        Sms => cells::sms(device.sms.as_ref(), width),
        Launches => rate(&|rates| cells::rate(rates.launches)),
        Copied => rate(&|rates| short(rates.copied as u64)),
        Refused => cells::number(device.refused),
        ByteHours => cells::byte_hours(device.byte_ns),
        Client | Members => String::new(),
    }
}

/// The columns there is room for, and how wide each is.
pub fn fit(width: usize, longest: usize, shows: Shows) -> Vec<(Column, usize)> {
    let mut name = longest.clamp(Client.least(), NAME).min(width);
    let mut left = width - name;
    let mut taken = vec![Client];
    for column in LAST_TO_GO.into_iter().filter(|column| shows.has(*column)) {
        if let Some(rest) = left.checked_sub(1 + column.least()) {
            left = rest;
            taken.push(column);
        }
    }
    let more = longest.saturating_sub(name).min(left);
    name += more;
    let bar = Memory.least() + (left - more).min(WIDEST_BAR - Memory.least());
    let wide = |column| match column {
        Client => name,
        Memory => bar,
        other => other.least(),
    };
    let shown = ALL.into_iter().filter(|column| taken.contains(column));
    shown.map(|column| (column, wide(column))).collect()
}

pub fn line(columns: &[(Column, usize)], row: &Row) -> String {
    let cells = columns.iter().map(|(column, width)| column.cell(row, *width));
    cells.collect::<Vec<_>>().join(" ")
}

/// The titles; the one rows are sorted by has a `-` before it if it falls, else a `+`.
pub fn titles(columns: &[(Column, usize)], sorted: Option<(Column, bool)>) -> String {
    let mut line = String::new();
    for (column, width) in columns {
        let mut title = column.title().to_owned();
        let mut gap = if line.is_empty() { "" } else { " " };
        if let Some((_, falls)) = sorted.filter(|(by, _)| by == column) {
            let mark = if falls { "-" } else { "+" };
            // A title that fills its column has it in the gap.
            if title.trim_end().len() < *width {
                title.insert_str(0, mark);
            } else if !gap.is_empty() {
                gap = mark;
            }
        }
        line += gap;
        line += &column.padded(title.get(..*width).unwrap_or(&title), *width);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::row;
    use super::*;

    const PLAIN: Shows = Shows { rates: true, shares: false };
    const SHARED: Shows = Shows { shares: true, ..PLAIN };

    fn shown(width: usize, longest: usize, shows: Shows) -> Vec<Column> {
        fit(width, longest, shows).into_iter().map(|(column, _)| column).collect()
    }

    #[test]
    fn columns_go_by_priority_and_lines_keep_to_the_width() {
        let all = [Client, Device, Used, Quota, Memory, Launches, Copied, Refused];
        assert_eq!(shown(78, 8, PLAIN), all);
        assert_eq!(
            shown(78, 40, PLAIN),
            all.into_iter().filter(|it| *it != Copied).collect::<Vec<_>>()
        );
        assert_eq!(
            shown(80, 8, Shows { rates: false, shares: false }),
            [Client, Device, Used, Quota, Memory, Refused, Members, ByteHours]
        );
        assert_eq!(shown(20, 40, PLAIN), [Client]);
        assert_eq!(shown(30, 9, PLAIN), [Client, Used, Memory]);
        // A share is seen at 80 columns, whatever the names.
        assert_eq!(shown(78, 8, SHARED), ALL[..8]);
        assert_eq!(shown(78, 63, SHARED), ALL[..7]);
        assert_eq!(shown(200, 63, SHARED), ALL);
        let row = row(&"x".repeat(63), u64::MAX, Some(1));
        for width in 0..200 {
            let columns = fit(width, 63, SHARED);
            for sorted in ALL {
                let titles = titles(&columns, Some((sorted, true)));
                let line = line(&columns, &row);
                assert!(line.len() <= width && titles.len() == line.len(), "{titles}\n{line}");
            }
        }
    }

    #[test]
    fn the_sorted_title_is_marked() {
        let columns = fit(200, 8, SHARED);
        for sorted in ALL.into_iter().filter(|it| columns.iter().any(|(column, _)| column == it)) {
            let mark = |mark: char| format!("{mark}{}", sorted.title().trim_end());
            assert!(titles(&columns, Some((sorted, true))).contains(&mark('-')));
            assert!(titles(&columns, Some((sorted, false))).contains(&mark('+')));
        }
        assert!(!titles(&columns, None).contains('+'));
    }

    #[test]
    fn rows_sort_by_what_a_column_shows() {
        let (small, large) = (row("a", 1, Some(2)), row("b", 2, None));
        let none = Row { device: None, ..row("c", 0, None) };
        for (column, expected) in [
            (Client, Ordering::Less),
            (Device, Ordering::Equal),
            (Used, Ordering::Less),
            (Quota, Ordering::Less),
            (Memory, Ordering::Greater),
            (Launches, Ordering::Equal),
        ] {
            assert_eq!(column.order(&small, &large), expected, "{column:?}");
        }
        for column in ALL.into_iter().filter(|it| !matches!(it, Client | Members)) {
            assert_eq!(column.order(&none, &small), Ordering::Less, "{column:?}");
        }
    }

    #[test]
    fn a_share_is_what_was_asked_for_what_was_granted_and_of_how_many() {
        use cuota_core::book::{DeviceReport, Grant, MemberReport, Report};
        use cuota_core::config::Sm;
        let mut shared = row("a", 1, None);
        let mut shown = |asked, grants: &[Grant], sms| {
            let member = |grant: &Grant| {
                let mut member = MemberReport::default();
                (member.alive, member.asked, member.grants) = (true, asked, vec![(0, *grant)]);
                member
            };
            let members = grants.iter().map(member).collect();
            let report = Report { members, ..Report::default() };
            let device = DeviceReport { sms, ..DeviceReport::default() };
            shared.device.as_mut().unwrap().sms = crate::sms::Sms::of(&report, &device);
            (format!("{}|{}", Share.cell(&shared, 7), Sms.cell(&shared, 8)), shared.clone())
        };
        let cap = Grant { sms: 38, by_mps: true, exclusive: false };
        let all = Grant { sms: 132, ..Grant::default() };
        let asked = Some(Sm::Percent(33_333));
        for (asked, grants, sms, expected) in [
            (asked, &[cap][..], 132, "33.333%| 38/132 "),
            (Some(Sm::Count(40)), &[cap; 3], 132, "   40sm|114/132 "),
            (None, &[cap; 30], 132, "      -|1140/132"),
            (None, &[cap], 0, "      -|     38 "),
            (None, &[Grant { exclusive: true, ..cap }], 132, "      -| 38/132="),
            (asked, &[all], 132, "33.333%| no MPS "),
            (None, &[all], 132, "      -|      - "),
        ] {
            assert_eq!(shown(asked, grants, sms).0, expected);
        }
        let (_, small) = shown(Some(Sm::Count(13)), &[cap], 132);
        let (_, large) = shown(Some(Sm::Percent(10_000)), &[cap; 2], 132);
        assert_eq!(Share.order(&small, &large), Ordering::Less, "13 of 132 are not 10 %");
        assert_eq!(Sms.order(&small, &large), Ordering::Less);
    }

    #[test]
    fn what_is_not_known_is_no_zero() {
        let mut row = row("a", 3 << 30, Some(4 << 30));
        assert_eq!(
            line(&fit(78, 1, PLAIN), &row),
            "a        GPU-30313233    3 GiB    4 GiB  [||||||75%]        -        -       0"
        );
        row.device.as_mut().unwrap().by_command = true;
        assert!(line(&fit(78, 1, PLAIN), &row).contains("4 GiB*"));
        row.device = None;
        assert_eq!(line(&fit(30, 1, PLAIN), &row).trim_end(), "a               - -");
    }
}
