//! What the person at the keys has chosen, and which rows that leaves, in which order.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::columns::{self, Column};
use super::detail::Detail;
use super::rows::{Row, Sample};

/// What a key asks of whoever owns the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    Stay,
    /// Look at the ledgers now: what is shown is something else.
    Look,
    Suspend,
    Quit,
}

pub struct State {
    pub sort: Column,
    pub falls: bool,
    pub filter: String,
    /// The filter is being typed.
    pub typing: bool,
    pub help: bool,
    pub sample: Sample,
    /// Places in the sample's rows.
    pub shown: Vec<usize>,
    /// Which of those shown.
    pub selected: usize,
    /// The first on the screen.
    pub first: usize,
    /// Rows a page has, as last drawn.
    pub page: usize,
    /// The client that was opened, and what is known of it.
    pub opened: Option<Opened>,
}

pub struct Opened {
    pub client: String,
    pub file: PathBuf,
    /// None before it was looked at; else why it cannot be read.
    pub detail: Option<Result<Detail, String>>,
    /// The first member on the screen.
    pub first: usize,
}

impl State {
    pub fn new(sort: Column) -> State {
        State {
            sort,
            falls: sort.falls(),
            filter: String::new(),
            typing: false,
            help: false,
            sample: Sample::default(),
            shown: Vec::new(),
            selected: 0,
            first: 0,
            page: 1,
            opened: None,
        }
    }

    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.shown.iter().filter_map(|at| self.sample.rows.get(*at))
    }

    /// Whether any client has a share of the SMs.
    pub fn has_shares(&self) -> bool {
        self.rows().any(|row| row.device.as_ref().is_some_and(|device| device.sms.is_some()))
    }

    pub fn longest_name(&self) -> usize {
        self.rows().map(|row| row.client.len()).max().unwrap_or(0)
    }

    fn chosen(&self) -> Option<&Row> {
        self.rows().nth(self.selected)
    }

    pub fn take(&mut self, mut sample: Sample) {
        sample.compare(&self.sample);
        let chosen = self.chosen().map(identity);
        self.sample = sample;
        self.arrange(chosen);
    }

    pub fn rearrange(&mut self) {
        let chosen = self.chosen().map(identity);
        self.arrange(chosen);
    }

    /// Filters and sorts. The selection stays with its row, or else where it is.
    fn arrange(&mut self, chosen: Option<Identity>) {
        let rows = &self.sample.rows;
        let wanted = self.filter.to_lowercase();
        let fits = |row: &Row| row.client.to_lowercase().contains(&wanted);
        let mut shown: Vec<(usize, &Row)> =
            rows.iter().enumerate().filter(|(_, row)| fits(row)).collect();
        // Stable: equal rows stay as they were read, by name.
        shown.sort_by(|(_, one), (_, other)| {
            let order = self.sort.order(one, other);
            if self.falls { order.reverse() } else { order }
        });
        let same = shown.iter().position(|(_, row)| Some(identity(row)) == chosen);
        self.shown = shown.into_iter().map(|(at, _)| at).collect();
        self.selected = same.unwrap_or(self.selected).min(self.shown.len().saturating_sub(1));
    }

    pub fn press(&mut self, key: KeyEvent) -> Act {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Act::Quit,
                KeyCode::Char('z') => Act::Suspend,
                KeyCode::Char('l') => Act::Look,
                _ => Act::Stay,
            };
        }
        if self.typing {
            self.typed(key.code);
            return Act::Stay;
        }
        if self.help {
            self.help = false;
            return if key.code == KeyCode::Char('q') { Act::Quit } else { Act::Stay };
        }
        match key.code {
            KeyCode::Char('q') => return Act::Quit,
            KeyCode::Char('?') => self.help = true,
            KeyCode::Esc if self.opened.is_some() => self.opened = None,
            KeyCode::Up | KeyCode::Char('k') => self.step(-1),
            KeyCode::Down | KeyCode::Char('j') => self.step(1),
            KeyCode::PageUp => self.step(-(self.page as isize)),
            KeyCode::PageDown => self.step(self.page as isize),
            KeyCode::Home => self.step(isize::MIN),
            KeyCode::End => self.step(isize::MAX),
            _ if self.opened.is_some() => {}
            KeyCode::Enter => return self.open(),
            KeyCode::Esc => {
                self.filter.clear();
                self.rearrange();
            }
            KeyCode::Char('/') => self.typing = true,
            KeyCode::Char('r') => {
                self.falls = !self.falls;
                self.rearrange();
            }
            KeyCode::Left => self.sort_by(columns::ALL.len() - 1),
            KeyCode::Right => self.sort_by(1),
            _ => {}
        }
        Act::Stay
    }

    fn typed(&mut self, key: KeyCode) {
        match key {
            KeyCode::Char(letter) if self.filter.len() < LONGEST_FILTER => self.filter.push(letter),
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                self.typing = false;
                self.filter.clear();
            }
            _ => {}
        }
        self.rearrange();
    }

    fn step(&mut self, by: isize) {
        match &mut self.opened {
            // How far it can go is known when it is drawn.
            Some(opened) => opened.first = opened.first.saturating_add_signed(by),
            None => {
                let last = self.shown.len().saturating_sub(1);
                self.selected = self.selected.saturating_add_signed(by).min(last);
            }
        }
    }

    fn sort_by(&mut self, further: usize) {
        let at = columns::ALL.iter().position(|column| *column == self.sort).unwrap_or(0);
        if let Some(next) = columns::ALL.iter().cycle().nth(at + further) {
            (self.sort, self.falls) = (*next, next.falls());
            self.rearrange();
        }
    }

    fn open(&mut self) -> Act {
        let Some(row) = self.chosen() else { return Act::Stay };
        let (client, file) = (row.client.clone(), row.file.clone());
        self.opened = Some(Opened { client, file, detail: None, first: 0 });
        Act::Look
    }
}

/// As long as a client's name may be.
const LONGEST_FILTER: usize = 63;

type Identity = (PathBuf, Option<usize>);

fn identity(row: &Row) -> Identity {
    (row.file.clone(), row.device.as_ref().map(|device| device.index))
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
