//! The book that the server serves: built at the start, and again whenever something that goes into it changes. There is
//! always a whole book to read (`tests/site.rs`).

use crate::{news::News, publish};
use anyhow::{Context, Result};
use notify_debouncer_full::{DebounceEventResult, new_debouncer, notify::RecursiveMode};
use serde::Serialize;
use std::{
    fs,
    io::{Write, stderr, stdout},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

/// Between an editor's first write and the build; editors save in several steps.
const SETTLE: Duration = Duration::from_millis(150);

/// A built book, and the one before it.
#[derive(Debug)]
pub struct Site {
    root: PathBuf,
    dest: PathBuf,
    former: TempDir,
    newest: Mutex<Build>,
}

/// What is known of the newest build.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Build {
    /// When it was finished, in milliseconds since 1970: no other has this number.
    pub id: u64,
    /// Why a later one failed, if so.
    pub failure: Option<String>,
}

impl Site {
    /// Builds the book in `root` into `dest`.
    ///
    /// # Errors
    /// Those of [`publish::build`].
    pub fn build(root: &Path, dest: &Path) -> Result<Self> {
        let former = publish::temporary_beside(dest)?;
        let site = Self { root: root.to_owned(), dest: dest.to_owned(), former, newest: Mutex::default() };
        site.rebuild()?;
        Ok(site)
    }

    /// Where a file of the book is looked for: in the newest one, then in the one before. While one takes the place of the
    /// other, only the second is there; and an open page may ask for what only that one has.
    pub fn folders(&self) -> [PathBuf; 2] {
        [self.dest.clone(), self.former()]
    }

    /// What is known of the newest build.
    pub fn newest(&self) -> Build {
        self.lock().clone()
    }

    /// Builds again, on a thread of its own, whenever something that goes into the book changes; tells the pages.
    ///
    /// # Errors
    /// When the system can't watch files.
    pub fn watch(self: Arc<Self>, news: News) -> Result<()> {
        let root = self.root.clone();
        let (changes, changed) = mpsc::channel();
        let mut debouncer = new_debouncer(SETTLE, None, move |result: DebounceEventResult| drop(changes.send(result)))?;
        let folders = ["src", "assets", "listings"].map(|folder| root.join(folder));
        for folder in folders.iter().filter(|folder| folder.exists()) {
            debouncer.watch(folder, RecursiveMode::Recursive)?;
        }
        debouncer.watch(&root, RecursiveMode::NonRecursive)?; // for book.toml and Cargo.toml
        let files = ["book.toml", "Cargo.toml"].map(|file| root.join(file));
        let belongs =
            move |path: &PathBuf| folders.iter().any(|folder| path.starts_with(folder)) || files.contains(path);

        thread::spawn(move || {
            let _keep = debouncer;
            for result in changed {
                match result {
                    // A build reads every page, and reading is an event too.
                    Ok(events) if !events.iter().any(|e| !e.kind.is_access() && e.paths.iter().any(&belongs)) => {}
                    Ok(_) => self.rebuild_and_tell(&news),
                    Err(errors) => errors.iter().for_each(|error| {
                        let _ = writeln!(stderr(), "can't watch for changes: {error}"); // the terminal may be gone
                    }),
                }
            }
        });
        Ok(())
    }

    /// Removes what is kept of the book before.
    pub fn close(&self) {
        let _ = fs::remove_dir_all(self.former.path()); // what stays, the next build removes
    }

    fn rebuild_and_tell(&self, news: &News) {
        // The terminal may be gone.
        match self.rebuild() {
            Ok(()) => {
                let _ = writeln!(stdout(), "Built again.");
                news.tell("built", &self.newest().id);
            }
            Err(error) => {
                let _ = writeln!(stderr(), "Not built: {error:#}\nThe pages stay as they were.");
                let failure = format!("{error:#}");
                self.lock().failure = Some(failure.clone()); // first, so that who comes in between is told, too
                news.tell("failed", &failure);
            }
        }
    }

    fn rebuild(&self) -> Result<()> {
        publish::replace(&self.root, &self.dest, &self.former(), None, None)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is wrong")?;
        *self.lock() = Build { id: now.as_millis().try_into()?, failure: None };
        Ok(())
    }

    fn former(&self) -> PathBuf {
        self.former.path().join("book")
    }

    fn lock(&self) -> MutexGuard<'_, Build> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner) // it is replaced as a whole
    }
}
