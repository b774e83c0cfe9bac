use super::super::rows::tests::row;
use super::*;

fn press(state: &mut State, code: KeyCode) -> Act {
    state.press(KeyEvent::new(code, KeyModifiers::NONE))
}

fn names(state: &State) -> Vec<&str> {
    state.rows().map(|row| row.client.as_str()).collect()
}

fn sample(rows: Vec<Row>) -> Sample {
    Sample { rows, ..Sample::default() }
}

fn three() -> State {
    let mut state = State::new(Column::Used);
    state.take(sample(vec![row("a", 1, None), row("b", 3, Some(9)), row("c", 2, None)]));
    state
}

#[test]
fn rows_are_sorted_and_turned() {
    let mut state = three();
    assert_eq!(names(&state), ["b", "c", "a"]);
    press(&mut state, KeyCode::Char('r'));
    assert_eq!(names(&state), ["a", "c", "b"]);
    press(&mut state, KeyCode::Right);
    assert_eq!((state.sort, names(&state)), (Column::Quota, vec!["a", "c", "b"]), "none first");
    for _ in 0..3 {
        press(&mut state, KeyCode::Left);
    }
    assert_eq!((state.sort, names(&state)), (Column::Client, vec!["a", "b", "c"]));
    press(&mut state, KeyCode::Left);
    assert_eq!(state.sort, Column::ByteHours, "the first is next to the last");
}

#[test]
fn the_selection_stays_with_its_row() {
    let mut state = three();
    press(&mut state, KeyCode::Down);
    assert_eq!(state.chosen().unwrap().client, "c");
    state.take(sample(vec![row("a", 1, None), row("b", 3, None), row("c", 9, None)]));
    assert_eq!((state.selected, state.chosen().unwrap().client.as_str()), (0, "c"));
    press(&mut state, KeyCode::End);
    state.take(sample(vec![row("b", 3, None)]));
    assert_eq!(state.chosen().unwrap().client, "b", "the row is gone");
    press(&mut state, KeyCode::Up);
    press(&mut state, KeyCode::PageDown);
    assert_eq!(state.selected, 0);
}

#[test]
fn a_filter_is_typed_kept_and_dropped() {
    let mut state = three();
    press(&mut state, KeyCode::Char('/'));
    assert_eq!(press(&mut state, KeyCode::Char('q')), Act::Stay, "a letter of it");
    assert!(names(&state).is_empty());
    press(&mut state, KeyCode::Backspace);
    press(&mut state, KeyCode::Char('B'));
    press(&mut state, KeyCode::Enter);
    assert_eq!((names(&state), state.typing), (vec!["b"], false));
    press(&mut state, KeyCode::Esc);
    assert_eq!(names(&state).len(), 3);
}

#[test]
fn a_client_is_opened_and_left() {
    let mut state = three();
    assert_eq!(press(&mut state, KeyCode::Enter), Act::Look);
    assert_eq!(state.opened.as_ref().unwrap().client, "b");
    press(&mut state, KeyCode::Down);
    assert_eq!((state.selected, state.opened.as_ref().unwrap().first), (0, 1));
    assert_eq!(press(&mut state, KeyCode::Esc), Act::Stay);
    assert!(state.opened.is_none());
    state.take(sample(vec![]));
    assert_eq!(press(&mut state, KeyCode::Enter), Act::Stay, "nobody to open");
}

#[test]
fn it_ends_and_stops_as_asked() {
    let mut state = three();
    press(&mut state, KeyCode::Char('?'));
    assert!(state.help);
    press(&mut state, KeyCode::Char('x'));
    assert!(!state.help);
    let control = |letter| KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL);
    assert_eq!(state.press(control('c')), Act::Quit);
    assert_eq!(state.press(control('z')), Act::Suspend);
    assert_eq!(press(&mut state, KeyCode::Char('q')), Act::Quit);
}
