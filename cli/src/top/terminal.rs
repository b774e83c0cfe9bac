//! The terminal: taken, given back however this ends, and lent to the shell in between.
#![forbid(unsafe_code)]

use std::io;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEvent, KeyEventKind};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, enable_raw_mode};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::detail::Detail;
use super::draw::{self, Style};
use super::rows::Sample;
use super::state::{Act, State};
use crate::command::Failure;

enum News {
    Key(KeyEvent),
    Resized,
    Signal(i32),
    /// The terminal is gone.
    Gone,
}

/// What is looked at, and how often.
pub struct Watch<'a> {
    pub look: &'a dyn Fn() -> Result<Sample, Failure>,
    pub interval: Duration,
    pub pid_namespace: u64,
    pub style: Style,
}

pub fn show(watch: &Watch, mut state: State) -> Result<u8, Failure> {
    let failed = |why: io::Error| Failure::ours(format!("the terminal: {why}"));
    state.take((watch.look)()?);
    let (tell, news) = mpsc::channel();
    // Before the terminal is changed: from here on no signal leaves it as it is then.
    listen_to_signals(tell.clone()).map_err(failed)?;
    let mut terminal = ratatui::try_init().map_err(failed)?;
    thread::spawn(move || listen_to_keys(&tell));
    let ended = watch.follow(&mut terminal, &mut state, &news);
    ratatui::restore();
    if let Some(signal) = ended? {
        // As if it had not been caught: whoever waits for us is to see it.
        let _ = emulate_default_handler(signal);
    }
    Ok(0)
}

fn listen_to_signals(tell: Sender<News>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT])?;
    thread::spawn(move || {
        for signal in signals.forever() {
            if tell.send(News::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

fn listen_to_keys(tell: &Sender<News>) {
    loop {
        let news = match event::read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => News::Key(key),
            Ok(Event::Resize(..)) => News::Resized,
            Ok(_) => continue,
            Err(_) => News::Gone,
        };
        let last = matches!(news, News::Gone);
        if tell.send(news).is_err() || last {
            return;
        }
    }
}

impl Watch<'_> {
    /// Until it is to end; the signal that said so, if one did.
    fn follow(
        &self,
        terminal: &mut DefaultTerminal,
        state: &mut State,
        news: &mpsc::Receiver<News>,
    ) -> Result<Option<i32>, Failure> {
        let failed = |why: io::Error| Failure::ours(format!("the terminal: {why}"));
        let mut next = Instant::now() + self.interval;
        loop {
            terminal.draw(|frame| draw::draw(frame, state, self.style)).map_err(failed)?;
            let act = match news.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(News::Key(key)) => state.press(key),
                Ok(News::Resized) => Act::Stay,
                Ok(News::Signal(SIGTSTP)) => Act::Suspend,
                Ok(News::Signal(SIGCONT)) => {
                    // Also after a stop nobody could see coming: the shell has had the terminal.
                    take_back(terminal).map_err(failed)?;
                    Act::Stay
                }
                Ok(News::Signal(signal)) => return Ok(Some(signal)),
                Err(RecvTimeoutError::Timeout) => {
                    state.take((self.look)()?);
                    next = Instant::now() + self.interval;
                    Act::Look
                }
                Ok(News::Gone) | Err(RecvTimeoutError::Disconnected) => return Ok(None),
            };
            match act {
                Act::Stay => {}
                Act::Look => self.look_closer(state),
                Act::Suspend => {
                    ratatui::restore();
                    let _ = emulate_default_handler(SIGTSTP);
                    take_back(terminal).map_err(failed)?;
                }
                Act::Quit => return Ok(None),
            }
        }
    }

    /// At the client that is open.
    fn look_closer(&self, state: &mut State) {
        let Some(opened) = &mut state.opened else { return };
        let file: &Path = &opened.file;
        let mut detail = Detail::read(file, draw::MOST_EVENTS, self.pid_namespace);
        if let (Ok(now), Some(Ok(earlier))) = (&mut detail, &opened.detail) {
            now.compare(earlier);
        }
        opened.detail = Some(detail);
    }
}

/// As at the beginning, but for the hook on panics; nothing of what was drawn is there any more.
fn take_back(terminal: &mut DefaultTerminal) -> io::Result<()> {
    ratatui::restore();
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen)?;
    *terminal = DefaultTerminal::new(ratatui::backend::CrosstermBackend::new(io::stdout()))?;
    Ok(())
}
