//! What the teacher should know about: what the limits have done.

use serde::Serialize;
use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

/// How many notices are kept.
const KEPT: usize = 4;

/// Something that a limit has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "who")]
pub(super) enum Notice {
    /// The room is full: nobody else gets in.
    Full,
    /// A machine wanted more connections than it may have.
    TooManyConnections(IpAddr),
    /// A client did what goes too far, and was put out.
    PutOut(String),
    /// A mailbox had more letters than it may have, and was emptied.
    Emptied(String),
    /// A queue was one too many, or its name too long, and was deleted.
    Deleted(String),
    /// There are as many names as the register holds.
    RegisterFull,
}

/// The latest notices, the newest first.
#[derive(Debug, Default)]
pub(super) struct Notices(Mutex<VecDeque<Notice>>);

impl Notices {
    /// Puts a notice first. One that repeats is not told again.
    pub(super) fn tell(&self, notice: Notice) {
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notices.retain(|known| *known != notice);
        notices.push_front(notice);
        notices.truncate(KEPT);
    }

    pub(super) fn latest(&self) -> Vec<Notice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
