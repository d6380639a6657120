//! The panes as pages see them: what runs in each, what it has printed, how it ended.
//!
//! This is the one place that knows their state. Pages follow it by its news and can ask for all of it at any time.

use crate::{compiler::Diagnostic, news::News};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::mpsc::{self, error::TrySendError};

/// How many programs may run at once.
pub const MOST_RUNNING: usize = 8;
/// How many bytes of a program's output are kept and shown.
pub const MOST_OUTPUT: usize = 1 << 20;

/// A pane as pages see it.
#[derive(Debug, Clone, Serialize)]
pub struct Pane {
    /// Its number, which no other pane has had.
    pub id: u64,
    /// The ended pane of the same listing whose place it has taken.
    pub replaces: Option<u64>,
    /// The listing that it runs.
    pub listing: String,
    /// Which run in this place it is; the first is 1.
    pub run: u32,
    /// Whether it is the reader's version.
    pub is_edited: bool,
    /// What stands above it: `receive`, or `receive (2)` beside another one.
    pub title: String,
    /// The command that does the same in a terminal.
    pub command: String,
    /// What the program is doing.
    pub state: State,
    /// How long the program ran, in milliseconds, once it has ended.
    pub took: Option<u64>,
    /// What the compiler has to say about places in the program.
    pub diagnostics: Vec<Diagnostic>,
    /// What was printed so far.
    pub output: Vec<Piece>,
}

/// What a program is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "is", content = "status")]
pub enum State {
    /// cargo compiles it.
    Building,
    /// It runs.
    Running,
    /// It has ended with this status; `None` where it could not be built or started.
    Ended(Option<i32>),
}

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// Where it was printed.
    pub from: Source,
    /// What was printed.
    pub text: String,
    /// What the workbook has to say instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

/// What the workbook says in a pane; a page has the words for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "code", content = "detail")]
pub enum Note {
    /// CTRL+C was pressed.
    Interrupted,
    /// The program did not end within so many seconds after it, and was killed.
    Killed(u64),
    /// The program was ended after so many minutes.
    TimeUp(u64),
    /// The rest of the output is not shown: it is more than so many MiB.
    OutputCut(usize),
    /// The Python that runs the book's Python programs isn't there yet.
    NoPython,
    /// The program could not be built or started: why.
    Failed(String),
}

impl From<Note> for Piece {
    fn from(note: Note) -> Self {
        Self { from: Source::Workbook, text: String::new(), note: Some(note) }
    }
}

/// Where output comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The program's standard output.
    Out,
    /// The program's standard error.
    Err,
    /// cargo.
    Cargo,
    /// The compiler, which speaks through cargo.
    Compiler,
    /// The workbook itself.
    Workbook,
}

/// Somebody wants a program to end, as with CTRL+C.
#[derive(Debug)]
pub struct Stop;

/// All panes, and the news that pages get of them.
#[derive(Debug)]
pub struct Panes {
    news: News,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    last_id: u64,
    panes: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    pane: Pane,
    since: Option<Instant>,
    printed: usize,
    wishes: mpsc::Sender<Stop>,
}

impl Panes {
    /// No panes yet.
    pub fn new(news: News) -> Self {
        Self { news, open: Mutex::default() }
    }

    /// The panes as they are now, and the news from this moment on, with nothing between.
    pub fn watch<T>(&self, subscribe: impl FnOnce(&News) -> T) -> (Vec<Pane>, T) {
        let open = self.lock();
        (open.panes.values().map(|entry| entry.pane.clone()).collect(), subscribe(&self.news))
    }

    /// Opens a pane for a listing, in the place of one whose program has ended if there is one: its number, and the wishes
    /// of those who look at it, which end when it is closed. `None` when [`MOST_RUNNING`] programs run.
    pub fn open(&self, listing: &str, command: String, is_edited: bool) -> Option<(u64, mpsc::Receiver<Stop>)> {
        let mut open = self.lock();
        let has_ended = |entry: &Entry| matches!(entry.pane.state, State::Ended(_));
        if open.panes.values().filter(|entry| !has_ended(entry)).count() >= MOST_RUNNING {
            return None;
        }
        open.last_id += 1;
        let id = open.last_id;
        let of_listing = |entry: &&Entry| entry.pane.listing == listing;
        let ended = open.panes.values().filter(of_listing).find(|entry| has_ended(entry)).map(|entry| entry.pane.id);
        let (title, run) = match ended.and_then(|id| open.panes.remove(&id)) {
            Some(Entry { pane, .. }) => (pane.title, pane.run + 1),
            None => {
                let taken = |title: &String| open.panes.values().any(|entry| entry.pane.title == *title);
                let title = |n| if n == 1 { listing.to_owned() } else { format!("{listing} ({n})") };
                ((1..).map(title).find(|title| !taken(title))?, 1)
            }
        };
        let pane = Pane {
            id,
            replaces: ended,
            listing: listing.to_owned(),
            run,
            is_edited,
            title,
            command,
            state: State::Building,
            took: None,
            diagnostics: Vec::new(),
            output: Vec::new(),
        };
        let (wishes, wished) = mpsc::channel(4);
        self.news.tell("pane", &pane);
        open.panes.insert(id, Entry { pane, since: None, printed: 0, wishes });
        Some((id, wished))
    }

    /// Presses CTRL+C in a pane; says whether there is such a pane with a program that can still notice.
    pub fn stop(&self, id: u64) -> bool {
        // A full channel means that it was pressed several times already, and that is as good.
        let is_heard = |entry: &Entry| !matches!(entry.wishes.try_send(Stop), Err(TrySendError::Closed(_)));
        self.lock().panes.get(&id).is_some_and(is_heard)
    }

    /// Closes a pane; whoever runs something in it notices that nobody can wish any more.
    pub fn close(&self, id: u64) -> bool {
        let closed = self.lock().panes.remove(&id).is_some();
        if closed {
            self.news.tell("closed", &id);
        }
        closed
    }

    /// Adds to a pane's output, up to [`MOST_OUTPUT`].
    pub fn print(&self, id: u64, from: Source, text: &str) {
        let mut open = self.lock();
        let Some(entry) = open.panes.get_mut(&id) else { return };
        if entry.printed > MOST_OUTPUT {
            return;
        }
        entry.printed += text.len();
        self.add(id, entry, Piece { from, text: text.to_owned(), note: None });
        if entry.printed > MOST_OUTPUT {
            self.add(id, entry, Note::OutputCut(MOST_OUTPUT >> 20).into());
        }
    }

    /// Says something in a pane.
    pub fn note(&self, id: u64, note: Note) {
        if let Some(entry) = self.lock().panes.get_mut(&id) {
            self.add(id, entry, note.into());
        }
    }

    fn add(&self, id: u64, entry: &mut Entry, piece: Piece) {
        self.news.tell("output", &(id, &piece));
        match entry.pane.output.last_mut() {
            Some(last) if last.from == piece.from && piece.note.is_none() => last.text += &piece.text,
            _ => entry.pane.output.push(piece),
        }
    }

    /// Adds what the compiler says about a place in a pane's program.
    pub fn diagnose(&self, id: u64, diagnostic: Diagnostic) {
        if let Some(Entry { pane, .. }) = self.lock().panes.get_mut(&id) {
            self.news.tell("diagnostic", &(id, &diagnostic));
            pane.diagnostics.push(diagnostic);
        }
    }

    /// Says what a pane's program is doing now.
    pub fn set_state(&self, id: u64, state: State) {
        if let Some(entry) = self.lock().panes.get_mut(&id) {
            entry.pane.state = state;
            if state == State::Running {
                entry.since = Some(Instant::now());
            } else if let Some(since) = entry.since.take() {
                let took = since.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
                entry.pane.took = Some(took);
                self.news.tell("took", &(id, took));
            }
            self.news.tell("state", &(id, state));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner) // no pane is ever left half changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_is_heard_however_often_it_is_pressed_until_the_program_has_ended() {
        let panes = Panes::new(News::default());
        let (id, wished) = panes.open("receive", "cargo run -p receive".into(), false).unwrap();
        assert_eq!([(); 9].map(|()| panes.stop(id)), [true; 9]);
        drop(wished);
        assert!(!panes.stop(id) && !panes.stop(id + 1));
    }
}
