//! Which channels may publish to a quorum queue that refuses when it is full
//! (<https://www.rabbitmq.com/docs/maxlength#overflow-behaviour>).

use crate::channel::At;
use std::collections::HashMap;

/// A quorum queue notices that it is too full only after it has taken one message too many; then it tells all channels that have
/// published to it to stop, and lets them go on when a fifth of it is free. A channel that comes in between may publish.
#[derive(Debug, Default)]
pub(super) struct Admission {
    /// It was too full, and had no room since.
    closed: bool,
    /// How often it was found too full.
    closures: u64,
    /// The channels that have published to it, each with the closure that it came after, if it came when there was room.
    publishers: HashMap<At, Option<u64>>,
}

impl Admission {
    /// Whether the queue, which holds too much or not, takes a message from this channel.
    pub(super) fn admits(&mut self, publisher: At, is_overfull: bool) -> bool {
        let exempt_in = *self.publishers.entry(publisher).or_insert((!is_overfull).then_some(self.closures));
        !self.closed || exempt_in == Some(self.closures)
    }

    /// Tells the publishers to stop or to go on, after the queue's length has changed.
    pub(super) fn evaluate(&mut self, is_overfull: bool, is_roomy: bool) {
        if is_overfull {
            self.closed = true;
            self.closures += 1;
        } else if is_roomy {
            self.closed = false;
        }
    }

    pub(super) fn publishers(&self) -> impl Iterator<Item = At> {
        self.publishers.keys().copied()
    }

    pub(super) fn forget(&mut self, publisher: At) {
        self.publishers.remove(&publisher);
    }
}
