//! Text for people: 80 columns, no colour, and a reader who may close the pipe.
#![forbid(unsafe_code)]

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

pub const WIDTH: usize = 80;

/// Whether something that was printed is missing in what somebody keeps.
static LACKING: AtomicBool = AtomicBool::new(false);

/// `text` in lines of at most [`WIDTH`] columns: the first begins with `first`, the others with
/// `rest`. A word longer than a line stays whole: names and paths are there to be copied.
pub fn hanging(first: &str, rest: &str, text: &str) -> String {
    let mut out = String::new();
    let mut line = String::from(first);
    let mut begun = false;
    for word in text.split_whitespace() {
        if begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = String::from(rest);
            begun = false;
        }
        if begun {
            line.push(' ');
        }
        line.push_str(word);
        begun = true;
    }
    out + line.trim_end() + "\n"
}

/// As [`hanging`], with all lines as far in as the first one's text.
pub fn wrapped(first: &str, text: &str) -> String {
    hanging(first, &" ".repeat(first.chars().count()), text)
}

/// "1 name", "2 names".
pub fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Prints to standard output. That it cannot is no reason to leave undone what else was asked for; the
/// command ends with another status then.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    arrived(written);
}

/// Whether what was written to standard output is there. A pipe closed early (`| head`) is the reader's
/// choice; anything else is said, the first time.
pub fn arrived(written: io::Result<()>) -> bool {
    let Err(why) = written else { return true };
    if why.kind() != ErrorKind::BrokenPipe && !LACKING.swap(true, Ordering::Relaxed) {
        complain(&format!(
            "standard output could not be written ({why}), so what is there is not all: make room, or send it elsewhere"
        ));
    }
    false
}

/// Whether all that was printed is there, as far as somebody wanted to read it.
pub fn is_whole() -> bool {
    !LACKING.load(Ordering::Relaxed)
}

/// Prints to standard error, where standard output is somebody else's.
pub fn report(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Says on standard error what went wrong.
pub fn complain(text: &str) {
    say("cuota: ", text);
}

pub fn warn(text: &str) {
    say("cuota: warning: ", text);
}

/// Whether a character would steer the terminal, or the order of what is read, instead of being read.
pub fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A text that others wrote (names, paths), fit for a terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|letter| if steers(letter) { '\u{fffd}' } else { letter }).collect()
}

/// The lines of `text` are wrapped each on its own.
fn say(first: &str, text: &str) {
    let rest = "  ";
    let lines = text.lines().map(plain).enumerate();
    let all: String =
        lines.map(|(at, line)| hanging(if at == 0 { first } else { rest }, rest, &line)).collect();
    let _ = io::stderr().write_all(all.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_before_the_edge_and_hang() {
        let text = wrapped("why  ", &"word ".repeat(40));
        assert!(text.lines().all(|line| line.len() <= WIDTH));
        assert!(text.lines().skip(1).all(|line| line.starts_with("     word")));
        assert_eq!(text.matches("word").count(), 40);
    }

    #[test]
    fn a_long_word_stays_whole() {
        let path = "/".repeat(100);
        assert_eq!(wrapped("at ", &format!("{path} end")), format!("at {path}\n   end\n"));
        assert_eq!(wrapped("nothing ", ""), "nothing\n");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[31m\u{9b}\u{202e}b é\n"),
            "a\u{fffd}[31m\u{fffd}\u{fffd}b é\u{fffd}"
        );
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!((count(1, "name"), count(0, "name")), ("1 name".into(), "0 names".into()));
    }
}
