//! The screen. Colour only repeats what figures and marks say.
#![forbid(unsafe_code)]

use std::env;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style as Attributes};
use ratatui::text::Line;

use super::cells::{self, NONE};
use super::columns::{self, Shows, whole};
use super::detail::Member;
use super::events;
use super::rows::Row;
use super::state::{Opened, State};
use crate::screen::{count, plain};
use crate::sizes::short;

/// Of one client; more than any screen has lines.
pub const MOST_EVENTS: u64 = 256;

const KEYS: &str = "arrows select, sort   r reverse   enter open   / filter   ? help   q quit";
const OPENED_KEYS: &str = "esc back   up/down scroll   ? help   q quit";

const HELP: &str = "\
up, down     select a client; page up, page down, home, end too
left, right  sort by another column, also one there is no room for;
             its title has a - before it if the largest comes first, else a +
r            reverse the order
enter        open a client: its members and newest events; esc leaves
/            show clients whose name has these letters; esc shows all
ctrl-z       stop; ctrl-l look now; q or ctrl-c quit

MEMORY      of the quota, or of the device where there is none
QUOTA       * set by command (cuota set)
SHARE       of the SMs, as it was asked for; SMS granted, of how many:
            of all processes together, = reserved by a partition
LAUNCH/S    kernels, those of graphs too; COPIED/S bytes, in all directions
MEMBERS     living processes of the client, on any device
BYTE-HOURS  what was held, times how long, since the ledger began
PID         ~ of the member's own PID namespace
ALLOCS      allocations not freed yet
+           ends a text that is cut";

#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Neither NO_COLOR nor a terminal without.
    pub colour: bool,
    /// The terminal can show more than letters.
    pub attributes: bool,
}

impl Style {
    pub fn of(no_color: bool) -> Style {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let attributes = set("TERM").is_some_and(|term| term != "dumb");
        Style { colour: attributes && !no_color && set("NO_COLOR").is_none(), attributes }
    }

    fn title(self) -> Attributes {
        self.modified(Modifier::BOLD)
    }

    fn modified(self, modifier: Modifier) -> Attributes {
        let plain = Attributes::new();
        if self.attributes { plain.add_modifier(modifier) } else { plain }
    }

    fn row(self, row: &Row, selected: bool) -> Attributes {
        let style = if selected { self.modified(Modifier::REVERSED) } else { Attributes::new() };
        let Some(device) = row.device.as_ref().filter(|_| self.colour) else { return style };
        match device.used as f64 / whole(device).max(1) as f64 {
            0.95.. => style.fg(Color::Red),
            0.80.. => style.fg(Color::Yellow),
            _ => style,
        }
    }
}

/// Draws lines from the top of a part of the screen.
struct Pen<'a, 'b> {
    frame: &'a mut Frame<'b>,
    area: Rect,
}

impl Pen<'_, '_> {
    fn at(&mut self, line: usize, text: impl Into<String>, style: Attributes) {
        let Ok(line) = u16::try_from(line) else { return };
        if line < self.area.height {
            let place = Rect { y: self.area.y + line, height: 1, ..self.area };
            let text = cells::left(&text.into(), usize::from(place.width));
            self.frame.render_widget(Line::styled(text, style), place);
        }
    }
}

pub fn draw(frame: &mut Frame, state: &mut State, style: Style) {
    let area = frame.area();
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let mut pen = Pen { frame, area };
    let keys = if state.opened.is_some() { OPENED_KEYS } else { KEYS };
    if state.help {
        pen.at(0, "cuota top", style.title());
        HELP.lines().enumerate().for_each(|(at, line)| pen.at(at + 2, line, Attributes::new()));
        pen.at(height.saturating_sub(1), "any key goes back", style.title());
        return;
    }
    if let Some(opened) = &mut state.opened {
        let unreadable = super::plain::unreadable(&state.sample);
        client(&mut pen, opened, unreadable, height, style);
    } else {
        table(&mut pen, state, (width, height), style);
    }
    let keys = match &state.filter {
        filter if state.typing => format!("filter: {}_   enter keep   esc drop", plain(filter)),
        _ => keys.to_owned(),
    };
    pen.at(height.saturating_sub(1), keys, style.title());
}

fn table(pen: &mut Pen, state: &mut State, (width, height): (usize, usize), style: Style) {
    let order = if state.falls { "falling" } else { "rising" };
    let clients = state.sample.clients().count();
    let members: usize =
        state.sample.clients().filter_map(|rows| rows.first()).map(|row| row.members).sum();
    let sum = format!(
        "cuota top   {}, {}   sorted by {}, {order}",
        count(clients, "client"),
        count(members, "member"),
        state.sort.name(),
    );
    pen.at(0, sum, style.title());
    // A mark before the row that is selected, so that it is one without attributes too.
    let shows = Shows { rates: true, shares: state.has_shares() };
    let columns = columns::fit(width.saturating_sub(2), state.longest_name(), shows);
    let titles = columns::titles(&columns, Some((state.sort, state.falls)));
    pen.at(1, format!("  {titles}"), style.title());
    state.page = height.saturating_sub(4).max(1);
    state.first = state
        .first
        .min(state.shown.len().saturating_sub(state.page))
        .min(state.selected)
        .max((state.selected + 1).saturating_sub(state.page));
    for (at, row) in state.rows().enumerate().skip(state.first).take(state.page) {
        let selected = at == state.selected;
        let mark = if selected { '>' } else { ' ' };
        let line = format!("{mark} {}", columns::line(&columns, row));
        pen.at(2 + at - state.first, line, style.row(row, selected));
    }
    if state.shown.is_empty() {
        let why = if state.sample.rows.is_empty() { "no client" } else { "no client of that name" };
        pen.at(2, format!("  {why}"), Attributes::new());
    }
    pen.at(height.saturating_sub(2), below(state), Attributes::new());
}

/// Which rows these are, and what is not among them.
fn below(state: &State) -> String {
    let last = (state.first + state.page).min(state.shown.len());
    let mut parts = vec![match state.shown.len() {
        0 => "no rows".to_owned(),
        all => format!("rows {}-{last} of {all}", state.first + 1),
    }];
    if !state.filter.is_empty() && !state.typing {
        parts.push(format!("filter: {}", plain(&state.filter)));
    }
    parts.extend(super::plain::unreadable(&state.sample));
    parts.join("   ")
}

fn client(
    pen: &mut Pen,
    opened: &mut Opened,
    unreadable: Option<String>,
    height: usize,
    style: Style,
) {
    let title: Vec<String> = [opened.client.clone()].into_iter().chain(unreadable).collect();
    pen.at(0, title.join("   "), style.title());
    let detail = match &opened.detail {
        None => return,
        Some(Err(why)) => return pen.at(2, plain(why), Attributes::new()),
        Some(Ok(detail)) => detail,
    };
    let titles = ["PID", "NAME", "DEVICE", "USED", "ALLOCS", "LAUNCH/S", "COPIED/S"];
    pen.at(1, member_line(titles.map(str::to_owned)), style.title());
    // Title, titles, what is shown, events' title, keys.
    let room = height.saturating_sub(5);
    let all = detail.members.len();
    let page =
        all.clamp(1, (room / 2).max(1)).max(room.saturating_sub(detail.events.len()).min(all));
    opened.first = opened.first.min(all.saturating_sub(page));
    for (at, member) in detail.members.iter().skip(opened.first).take(page).enumerate() {
        pen.at(2 + at, member_line(member_cells(member)), Attributes::new());
    }
    let shown = match all {
        0 => "no member runs".to_owned(),
        _ => format!("rows {}-{} of {all}", opened.first + 1, (opened.first + page).min(all)),
    };
    pen.at(2 + page.min(all), shown, Attributes::new());
    let begin = 3 + page.min(all);
    let what = if detail.events.is_empty() { "NO EVENTS" } else { "EVENTS, newest first, by age" };
    pen.at(begin, what, style.title());
    let left = height.saturating_sub(begin + 2);
    for (at, event) in detail.events.iter().take(left).enumerate() {
        pen.at(begin + 1 + at, events::line(event, detail), Attributes::new());
    }
}

fn member_line([pid, name, device, used, allocations, launches, copied]: [String; 7]) -> String {
    format!(
        "{pid:<10} {name} {device:<12.12} {used:>8} {allocations:>6} {launches:>8} {copied:>8}",
        name = cells::left(&name, 16)
    )
}

fn member_cells(member: &Member) -> [String; 7] {
    let mark = if member.elsewhere { "~" } else { "" };
    let none = || NONE.to_owned();
    let device = member.device.as_ref();
    let rates = device.and_then(|device| device.rates);
    [
        format!("{}{mark}", member.pid),
        plain(&member.name),
        device.map_or_else(none, |device| device.uuid.clone()),
        device.map_or_else(none, |device| short(device.used)),
        device.map_or_else(none, |device| cells::number(device.allocations)),
        rates.map_or_else(none, |rates| cells::rate(rates.launches)),
        rates.map_or_else(none, |rates| short(rates.copied as u64)),
    ]
}

#[cfg(test)]
#[path = "draw_tests.rs"]
mod tests;
