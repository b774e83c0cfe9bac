use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::columns::Column;
use super::super::rows::Sample;
use super::super::rows::tests::row;
use super::*;
use crate::ledgers::Unreadable;

const PLAIN: Style = Style { colour: false, attributes: false };
const COLOURED: Style = Style { colour: true, attributes: true };

fn state(clients: usize) -> State {
    let rows = (0..clients).map(|at| row(&format!("client-{at:03}"), 1000 - at as u64, Some(1000)));
    let mut state = State::new(Column::Used);
    state.take(Sample { rows: rows.collect(), ..Sample::default() });
    state
}

fn screen(state: &mut State, width: u16, height: u16, style: Style) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state, style)).unwrap();
    let buffer = terminal.backend().buffer();
    assert!(style.attributes || buffer.content.iter().all(|cell| cell.modifier.is_empty()));
    assert!(style.colour || buffer.content.iter().all(|cell| cell.fg == Color::Reset));
    let cells: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
    cells.chunks(width.into()).map(|line| line.concat().trim_end().to_owned()).collect()
}

fn press(state: &mut State, code: KeyCode) {
    state.press(KeyEvent::new(code, KeyModifiers::NONE));
}

#[test]
fn the_screen_is_used_to_its_last_line() {
    let mut state = state(200);
    let lines = screen(&mut state, 80, 24, PLAIN);
    assert_eq!(lines[0], "cuota top   200 clients, 400 members   sorted by used, falling");
    assert!(lines[1].contains("-USED") && lines[2].starts_with("> client-000"), "{lines:#?}");
    assert_eq!(lines[22], "rows 1-20 of 200");
    assert_eq!(lines[23], KEYS);
    press(&mut state, KeyCode::PageDown);
    let lines = screen(&mut state, 80, 24, PLAIN);
    assert!(lines[21].starts_with("> client-020") && lines[22] == "rows 2-21 of 200", "{lines:#?}");
    press(&mut state, KeyCode::End);
    assert_eq!(screen(&mut state, 80, 24, PLAIN)[22], "rows 181-200 of 200");
    let wide = screen(&mut state, 200, 50, PLAIN);
    assert_eq!(wide[48], "rows 155-200 of 200");
    assert!(wide[1].contains("BYTE-HOURS"), "{wide:#?}");
    // Smaller, and larger again.
    assert_eq!(screen(&mut state, 80, 10, PLAIN)[8], "rows 195-200 of 200");
}

#[test]
fn what_is_missing_is_counted() {
    let mut state = state(1);
    let lost = Unreadable { file: "x".into(), why: "no".into() };
    state.sample.unreadable.push(lost);
    let lines = screen(&mut state, 80, 24, PLAIN);
    assert_eq!(lines[22], "rows 1-1 of 1   1 ledger cannot be read: see cuota ps");
    "/zz".chars().for_each(|letter| press(&mut state, KeyCode::Char(letter)));
    let lines = screen(&mut state, 80, 24, PLAIN);
    assert_eq!(lines[2], "  no client of that name");
    assert_eq!(lines[23], "filter: zz_   enter keep   esc drop");
}

#[test]
fn colour_says_nothing_that_letters_do_not() {
    let letters = screen(&mut state(200), 80, 24, PLAIN);
    assert_eq!(screen(&mut state(200), 80, 24, COLOURED), letters);
}

#[test]
fn no_screen_is_too_small() {
    for width in 1..100 {
        for height in 1..30 {
            let mut state = state(40);
            screen(&mut state, width, height, COLOURED);
            press(&mut state, KeyCode::Char('?'));
            screen(&mut state, width, height, COLOURED);
            press(&mut state, KeyCode::Char('x'));
            press(&mut state, KeyCode::Enter);
            screen(&mut state, width, height, COLOURED);
        }
    }
}

#[test]
fn help_fits_the_smallest_usual_screen() {
    let mut state = state(1);
    press(&mut state, KeyCode::Char('?'));
    let lines = screen(&mut state, 80, 24, PLAIN);
    let whole = HELP.lines().enumerate().all(|(at, line)| lines[at + 2] == line);
    assert!(whole && lines[23] == "any key goes back", "{lines:#?}");
    assert!([KEYS, OPENED_KEYS].iter().all(|keys| keys.len() <= 80));
}
