//! What survives the end of the process: durable exchanges, queues and bindings, and the persistent messages in durable
//! queues. One thread writes what the broker hands over; everything that has gathered goes in one batch with one `fsync`.
//!
//! What is to be stored, and what waits for it, is the broker's part (`broker/durable.rs`).

mod database;
mod schema;

use crate::{
    error::Error,
    store_op::{StoreOp, Stored, StoredMessage},
};
use database::Database;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// How often the free space is looked at while nothing is written, and how soon a write that failed is tried again.
const CHECK: Duration = Duration::from_millis(500);

/// What the thread that writes tells the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// Everything up to the batch with this number is on disk.
    Stored(u64),
    /// Whether the disk is too full to take more.
    DiskAlarm(bool),
}

/// The thread that writes, from the side of those who hand things over.
pub(crate) struct Store {
    inbox: Arc<Inbox>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Inbox {
    work: Mutex<Work>,
    has_changed: Condvar,
}

/// What has gathered.
#[derive(Default)]
struct Work {
    ops: Vec<StoreOp>,
    /// The number of the last batch in it.
    last: u64,
    ending: Option<Ending>,
}

/// How the store ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The broker has ended in good order.
    Clean,
    /// It has not. What was handed over is written all the same.
    Abrupt,
}

impl Inbox {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics while it is held
    }
}

impl Store {
    /// Opens a data folder, or makes it: gives what is in it to `begin` and then, message by message, to `each`, which says
    /// whether the message still has a queue.
    pub(crate) fn open(
        path: &Path,
        begin: impl FnOnce(Stored) -> Result<(), String>,
        each: impl FnMut(StoredMessage<'_>) -> bool,
    ) -> Result<Opened, Error> {
        let database = Database::open(path)?;
        database.load(path, begin, each)?;
        Ok(Opened { database, path: path.to_owned() })
    }

    /// Hands over what a transaction of the broker wants to have stored.
    pub(crate) fn submit(&self, number: u64, ops: Vec<StoreOp>) {
        let mut work = self.inbox.work();
        if work.ending.is_some() {
            return; // the office is closed
        }
        match work.ops.is_empty() {
            true => work.ops = ops,
            false => work.ops.extend(ops),
        }
        work.last = number;
        self.inbox.has_changed.notify_one();
    }

    /// Writes what was handed over, and lets go of the folder before it returns.
    pub(crate) fn close(&self, ending: Ending) {
        self.inbox.work().ending.get_or_insert(ending);
        self.inbox.has_changed.notify_one();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join(); // whatever it died of, it is gone
        }
    }
}

/// A data folder that was read, and is not written to yet.
pub(crate) struct Opened {
    database: Database,
    path: PathBuf,
}

impl Opened {
    /// Starts the thread that writes. The disk alarm is raised when fewer than `free_limit` bytes are free.
    pub(crate) fn start(self, free_limit: u64, report: impl Fn(Report) + Send + 'static) -> io::Result<Store> {
        let inbox = Arc::new(Inbox::default());
        let writer = Writer {
            inbox: inbox.clone(),
            database: Some(self.database),
            path: self.path,
            free_limit,
            report,
            is_alarmed: false,
        };
        let thread = thread::Builder::new().name("store".into()).spawn(move || writer.run())?;
        Ok(Store { inbox, thread: Mutex::new(Some(thread)) })
    }
}

struct Writer<R> {
    inbox: Arc<Inbox>,
    /// None after a write has failed, until the folder could be opened again.
    database: Option<Database>,
    path: PathBuf,
    free_limit: u64,
    report: R,
    is_alarmed: bool,
}

impl<R: Fn(Report)> Writer<R> {
    fn run(mut self) {
        loop {
            self.check_space();
            let (ops, last, ending) = self.next();
            if !ops.is_empty() {
                if !self.write(&ops) {
                    return;
                }
                drop(ops); // what waits in them is free before anybody is told
                (self.report)(Report::Stored(last));
            } else if let Some(ending) = ending {
                if let (Ending::Clean, Some(database)) = (ending, &self.database) {
                    let _ = database.close(); // else the next start takes it for a crash, which loses nothing
                }
                return;
            }
        }
    }

    /// Waits for something to do, or for the next look at the disk.
    fn next(&self) -> (Vec<StoreOp>, u64, Option<Ending>) {
        let mut work = self.inbox.work();
        if work.ops.is_empty() && work.ending.is_none() {
            work = self.inbox.has_changed.wait_timeout(work, CHECK).unwrap_or_else(PoisonError::into_inner).0;
        }
        (std::mem::take(&mut work.ops), work.last, work.ending)
    }

    /// Writes until it succeeds: nobody is told that something is stored that isn't. False if the store ends before.
    fn write(&mut self, ops: &[StoreOp]) -> bool {
        // What was taken out of a queue may come back after the machine has died; what was confirmed may not be missing.
        let sync = ops.iter().any(|op| !matches!(op, StoreOp::Remove { .. }) && !op.is_note());
        loop {
            if let Some(database) = &self.database {
                match database.write(ops, sync) {
                    Ok(()) => return true,
                    // The database takes nothing more after that; it has to be opened again.
                    Err(_) => self.database = None,
                }
            }
            self.set_alarm(true);
            if self.inbox.work().ending.is_some() {
                return false;
            }
            thread::sleep(CHECK);
            self.database = Database::open(&self.path).ok();
        }
    }

    fn check_space(&mut self) {
        // A folder that can't be asked shows what is wrong when it is written to.
        let free = fs4::available_space(&self.path).unwrap_or(u64::MAX);
        self.set_alarm(free < self.free_limit);
    }

    fn set_alarm(&mut self, on: bool) {
        if std::mem::replace(&mut self.is_alarmed, on) != on {
            (self.report)(Report::DiskAlarm(on));
        }
    }
}
