//! What queues gave up and what is not routed yet, so that a turn of the broker has an end. Where it goes is decided in
//! `dead_letter`.

use super::durable::StoreLog;
use crate::{annotations::Reason, ledger::Place, message::Message, queue::Entry, store_op::StoreOp};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// How many steps of dead-lettering are done in one turn; see [`Broker::commit`]. A message costs one, one for each queue that
/// it goes to, and one for each page of it that is copied.
pub(super) const STEPS_IN_A_TURN: usize = 256;

/// Above so many messages of one origin those that die again go on at once, before the others: a tree of deaths that is worked
/// off depth first stays as small as its depth times its breadth.
const LONG: usize = 10_000;

/// A message that a queue gave up.
#[derive(Debug)]
pub(super) struct DeadLetter {
    pub(super) queue: u64,
    pub(super) message: Place,
    /// Its number in the queue, which keeps it on disk until it is routed.
    stored: Option<u64>,
    /// How many of its deliveries have failed by now.
    pub(super) failures: u32,
    pub(super) reason: Reason,
}

impl DeadLetter {
    pub(super) fn new(queue: u64, entry: Entry, reason: Reason) -> Self {
        let stored = entry.is_stored.then_some(entry.number);
        Self { queue, failures: entry.failures, message: entry.message, stored, reason }
    }

    /// A message that a full queue didn't even take.
    pub(super) fn refused(queue: u64, message: Arc<Message>) -> Self {
        Self {
            queue,
            failures: message.failures(),
            message: Place::new(message),
            stored: None,
            reason: Reason::MaxLength,
        }
    }

    /// It leaves its queue for good.
    pub(super) fn log_removed(&self, store: &mut StoreLog) {
        if let Some(number) = self.stored {
            let (queue, body_length) = (self.queue, self.message.body_length());
            store.log(|| StoreOp::Remove { queue, number, body_length });
        }
    }
}

/// What queues gave up and what is not routed yet. Each connection has a list of its own for what follows from what it did, and
/// each queue for what follows from the passing of time, so that one that makes much work delays itself.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Given up by the operation at hand.
    given_up: Vec<DeadLetter>,
    lists: HashMap<u64, List>,
    /// The origins of the lists that were not finished in their turn, the next one first.
    unfinished: VecDeque<u64>,
}

#[derive(Debug, Default)]
struct List {
    messages: VecDeque<DeadLetter>,
    /// It was too much for one turn.
    is_unfinished: bool,
}

impl Backlog {
    pub(super) fn push(&mut self, dead: DeadLetter) {
        self.given_up.push(dead);
    }

    /// Whether something waits for another turn.
    pub(super) fn is_unfinished(&self) -> bool {
        !self.unfinished.is_empty()
    }

    /// All that are not routed yet.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Message> {
        let listed = self.lists.values().flat_map(|list| &list.messages);
        self.given_up.iter().chain(listed).map(|dead| &**dead.message)
    }

    /// Puts what was given up on the list of its origin: at its end, unless it `died_again` on its way and the list is long.
    /// Dropped is what dies again while the memory is full and the list is too much for a turn: dead letters can't be made to
    /// wait as publishers are, and could be without end.
    pub(super) fn enlist(&mut self, origin: u64, died_again: bool, is_full: bool, store: &mut StoreLog) {
        if self.given_up.is_empty() {
            return;
        }
        let list = self.lists.entry(origin).or_default();
        if !died_again || (list.messages.len() < LONG && !is_full) {
            list.messages.extend(self.given_up.drain(..));
        } else if is_full && list.is_unfinished {
            self.given_up.drain(..).for_each(|dead| dead.log_removed(store));
        } else {
            self.given_up.drain(..).rev().for_each(|dead| list.messages.push_front(dead));
        }
    }

    /// Whether there is nothing to route.
    pub(super) fn is_empty(&self) -> bool {
        self.given_up.is_empty() && self.lists.is_empty()
    }

    /// The origin whose turn it is to go on with what it had left, which then comes last.
    pub(super) fn next_unfinished(&mut self) -> Option<u64> {
        self.unfinished.rotate_left(self.unfinished.len().min(1));
        self.unfinished.back().copied()
    }

    pub(super) fn next_of(&mut self, origin: u64) -> Option<DeadLetter> {
        self.lists.get_mut(&origin)?.messages.pop_front()
    }

    /// The turn of an origin is over: notes whether something of it is left.
    pub(super) fn end_turn_of(&mut self, origin: u64) {
        let Some(list) = self.lists.get_mut(&origin) else { return };
        if list.messages.is_empty() {
            let was_unfinished = self.lists.remove(&origin).is_some_and(|list| list.is_unfinished);
            if was_unfinished {
                self.unfinished.retain(|&known| known != origin);
            }
        } else if !std::mem::replace(&mut list.is_unfinished, true) {
            self.unfinished.push_back(origin);
        }
    }
}
