//! A queue: the messages that are ready in it, their order, limits and expiry
//! (<https://www.rabbitmq.com/docs/queues>). Where a message goes from here is the broker's part.

mod admission;
#[cfg(feature = "server")]
mod pages;
#[cfg(test)]
mod tests;

#[cfg(feature = "server")]
pub(crate) use pages::PageReader;

use crate::{
    arguments::{QueueType, Settings},
    channel::At,
    ledger::{Charge, Place},
    limits::Host,
    message::Message,
    rota::Rota,
    store_op::Position,
};
use admission::Admission;
use amq_protocol::types::FieldTable;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

/// A point in time: milliseconds since the start of 1970. The queue has no clock; it is told.
pub(crate) type Moment = u64;

/// A message's place in a queue.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) message: Place,
    /// Its number in the queue: a message that comes back goes to where it was.
    pub(crate) number: u64,
    /// When it is too old to be delivered; [`NEVER`] for most.
    pub(crate) expires: Moment,
    /// How often it was delivered and came back.
    pub(crate) returns: u32,
    /// How many of its deliveries failed, those in queues where it died included.
    pub(crate) failures: u32,
    pub(crate) priority: u8,
    /// It survives the end of the process.
    pub(crate) is_stored: bool,
}

impl Entry {
    /// Whether it was delivered before, as far as that counts.
    pub(crate) fn is_redelivered(&self) -> bool {
        self.returns > 0 || self.failures > 0
    }

    /// Counts that a delivery came to nothing.
    pub(crate) fn count_return(&mut self, failed: bool) {
        self.returns = self.returns.saturating_add(1);
        self.failures = self.failures.saturating_add(failed.into());
    }
}

/// The time that never comes.
pub(crate) const NEVER: Moment = Moment::MAX;

/// Room for this many messages stays with an empty queue.
const KEPT_CAPACITY: usize = 1024;

/// The priority of a message in a quorum queue that says none, and the highest one there is.
const QUORUM_PRIORITIES: (u8, u8) = (4, 31);

/// A queue and the messages that are ready in it.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: Arc<str>,
    pub(crate) durable: bool,
    pub(crate) auto_delete: bool,
    /// The connection that alone may use it, and that it ends with.
    pub(crate) owner: Option<u64>,
    /// The host that it counts for.
    pub(crate) declared_by: Option<Host>,
    pub(crate) arguments: FieldTable,
    pub(crate) settings: Settings,
    pub(crate) consumers: Rota,
    /// The consumer that took the queue for itself, or the single active one.
    pub(crate) holder: Option<u64>,
    /// How many messages were delivered and not yet acknowledged.
    pub(crate) unacknowledged: usize,
    /// What a quorum queue also counts as consumers: those that were cancelled and still hold messages, with the number
    /// of these, and each message that was taken with `basic.get`.
    pub(crate) departed: HashMap<u64, usize>,
    pub(crate) taken: usize,
    /// When it was last used; an idle queue may expire.
    pub(crate) last_used: Moment,
    /// The moment at which the broker looks at this queue next.
    pub(crate) timer: Moment,
    /// What came back to a quorum queue, which hands it out before anything else.
    returned: VecDeque<Entry>,
    /// What a quorum queue keeps back for a while after it came back, by the moment of its return.
    delayed: BTreeMap<(Moment, u64), Entry>,
    /// What waits, by priority; one list where the queue has no priorities.
    ready: Vec<VecDeque<Entry>>,
    ready_count: usize,
    ready_bytes: usize,
    delayed_bytes: usize,
    next_number: u64,
    /// The place of what comes back next, for the store.
    next_return: u64,
    admission: Admission,
    /// The message that has just come, as long as it may go straight on to a consumer.
    arriving: Option<u64>,
    /// For the queue itself, its name and its arguments.
    _charge: Charge,
}

impl Queue {
    /// How many lists a queue has for what waits in it: one for each priority.
    pub(crate) fn priorities(settings: &Settings) -> usize {
        1 + usize::from(match settings.queue_type {
            QueueType::Classic => settings.max_priority.unwrap_or(0),
            QueueType::Quorum => QUORUM_PRIORITIES.1,
        })
    }

    pub(crate) fn new(name: Arc<str>, settings: Settings, arguments: FieldTable, charge: Charge, now: Moment) -> Self {
        let ready = (0..Self::priorities(&settings)).map(|_| VecDeque::new()).collect();
        Self {
            name,
            durable: false,
            auto_delete: false,
            owner: None,
            declared_by: None,
            arguments,
            settings,
            consumers: Rota::default(),
            holder: None,
            unacknowledged: 0,
            departed: HashMap::new(),
            taken: 0,
            last_used: now,
            timer: NEVER,
            returned: VecDeque::new(),
            delayed: BTreeMap::new(),
            ready,
            ready_count: 0,
            ready_bytes: 0,
            delayed_bytes: 0,
            next_number: 0,
            next_return: 0,
            admission: Admission::default(),
            arriving: None,
            _charge: charge,
        }
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.ready_count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ready_count == 0
    }

    /// How many consumers the queue says to have. To a quorum queue they are all who hold messages of it or could get
    /// some, and so not those who wait behind a single active consumer.
    pub(crate) fn consumer_count(&self) -> usize {
        match self.settings.queue_type {
            QueueType::Classic => self.consumers.len(),
            QueueType::Quorum => {
                let active = match self.settings.single_active_consumer {
                    true => usize::from(self.holder.is_some()),
                    false => self.consumers.len(),
                };
                active + self.departed.len() + self.taken
            }
        }
    }

    /// A message that was delivered is settled: by a consumer that is still there, by one that is gone, or by whoever got
    /// it. The last acknowledgement that one of the latter owes is use, to a quorum queue.
    pub(crate) fn settled(&mut self, consumer: Option<u64>, now: Moment) {
        self.unacknowledged -= 1;
        match consumer {
            None => self.taken -= 1,
            Some(consumer) => match self.departed.get_mut(&consumer) {
                None => return,
                Some(owed) => {
                    *owed -= 1;
                    if *owed > 0 {
                        return;
                    }
                    self.departed.remove(&consumer);
                }
            },
        }
        if self.settings.queue_type == QueueType::Quorum {
            self.last_used = now;
        }
    }

    /// The waiting messages, the next one first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.returned.iter().chain(self.ready.iter().rev().flatten())
    }

    /// Everything that it holds, what is kept back for a while too.
    #[cfg(test)]
    pub(crate) fn all_entries(&self) -> impl Iterator<Item = &Entry> {
        self.iter().chain(self.delayed.values())
    }

    /// Puts a new message at the end; `lifetime` is its own, in milliseconds, if it has one.
    pub(crate) fn push(
        &mut self,
        message: Arc<Message>,
        is_stored: bool,
        lifetime: Option<u64>,
        now: Moment,
    ) -> Option<&Entry> {
        let lifetime = match (lifetime, self.settings.message_ttl) {
            (Some(own), Some(all)) => Some(own.min(all)),
            (own, all) => own.or(all),
        };
        let own_priority = || message.content.properties().ok().and_then(|found| found.priority());
        let priority = match (self.settings.queue_type, self.settings.max_priority) {
            (QueueType::Quorum, _) => own_priority().unwrap_or(QUORUM_PRIORITIES.0).min(QUORUM_PRIORITIES.1),
            (QueueType::Classic, Some(max)) => own_priority().unwrap_or(0).min(max),
            (QueueType::Classic, None) => 0,
        };
        // A quorum queue gives a message that may not wait at all a millisecond to find its consumer.
        let shortest = u64::from(self.settings.queue_type == QueueType::Quorum);
        let expires = lifetime.map_or(NEVER, |lifetime| now.saturating_add(lifetime.max(shortest)));
        let (number, failures) = (self.next_number, message.failures());
        let entry = Entry { message: Place::new(message), number, expires, returns: 0, failures, priority, is_stored };
        self.next_number += 1;
        self.arriving = Some(entry.number);
        self.count_in(&entry);
        let list = self.ready.get_mut(usize::from(priority))?;
        list.push_back(entry);
        list.back()
    }

    /// Gives no number up to this one again.
    pub(crate) fn reserve_number(&mut self, number: u64) {
        self.next_number = self.next_number.max(number + 1);
    }

    /// Puts a message back that was stored: where its number puts it, or kept back until a moment.
    pub(crate) fn restore(&mut self, entry: Entry, delayed: Option<Moment>) {
        if let Some(until) = delayed {
            self.delayed_bytes += self.size(&entry.message);
            self.delayed.insert((until, entry.number), entry);
            return;
        }
        self.count_in(&entry);
        let highest = self.ready.len().saturating_sub(1);
        if let Some(list) = self.ready.get_mut(usize::from(entry.priority).min(highest)) {
            list.push_back(entry);
        }
    }

    /// The same for what had come back to a quorum queue, in the order in which it had.
    pub(crate) fn restore_returned(&mut self, entry: Entry) {
        self.give_first(entry);
    }

    /// Where [`Queue::restore_returned`] puts the next one.
    pub(crate) fn next_returned(&self) -> Position {
        Position::Returned(self.next_return)
    }

    /// The message that came last has to wait, if it is still here.
    pub(crate) fn has_arrived(&mut self) {
        self.arriving = None;
    }

    /// Whether a delivery of this message now is marked as a repetition. A dead letter that finds a consumer waiting isn't,
    /// however many deliveries failed where it died: so it is in RabbitMQ's classic queues.
    pub(crate) fn is_repetition(&self, entry: &Entry) -> bool {
        match self.settings.queue_type {
            QueueType::Classic if self.arriving == Some(entry.number) => false,
            _ => entry.is_redelivered(),
        }
    }

    /// Takes the next message.
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let lists = std::iter::once(&mut self.returned).chain(self.ready.iter_mut().rev());
        let list = lists.into_iter().find(|list| !list.is_empty())?;
        let entry = pop_front(list)?;
        self.count_out(&entry);
        Some(entry)
    }

    /// Takes messages back: a classic queue puts them where they were; a quorum queue in front of what was never
    /// delivered, in the order in which they come back, at once or after a delay.
    /// `note` hears of each where it lies.
    pub(crate) fn put_back(
        &mut self,
        entries: Vec<Entry>,
        failed: bool,
        now: Moment,
        mut note: impl FnMut(&Entry, Position),
    ) {
        match self.settings.queue_type {
            QueueType::Classic => {
                for entry in &entries {
                    self.count_in(entry);
                    note(entry, Position::Ready);
                }
                self.merge(entries);
            }
            QueueType::Quorum => {
                for entry in entries {
                    match self.settings.delayed_retry.and_then(|retry| retry.delay(failed, entry.failures)) {
                        None => {
                            note(&entry, Position::Returned(self.next_return));
                            self.give_first(entry);
                        }
                        Some(delay) => {
                            note(&entry, Position::Delayed(now.saturating_add(delay)));
                            self.delayed_bytes += self.size(&entry.message);
                            self.delayed.insert((now.saturating_add(delay), entry.number), entry);
                        }
                    }
                }
            }
        }
    }

    fn give_first(&mut self, entry: Entry) {
        self.next_return += 1;
        self.count_in(&entry);
        self.returned.push_back(entry);
    }

    /// Lets those messages wait again with the others whose delay is over.
    fn end_delays(&mut self, now: Moment) {
        while let Some(first) = self.delayed.first_entry().filter(|first| first.key().0 <= now) {
            let entry = first.remove();
            self.delayed_bytes -= self.size(&entry.message);
            self.give_first(entry);
        }
    }

    fn merge(&mut self, mut entries: Vec<Entry>) {
        entries.sort_unstable_by_key(|entry| (entry.priority, entry.number));
        while let Some((priority, youngest)) = entries.last().map(|entry| (entry.priority, entry.number)) {
            let Some(list) = self.ready.get_mut(usize::from(priority)) else { return };
            // What comes back is older than almost all that waits, so it goes in from the front; only what lies before
            // its youngest moves.
            let older = list.partition_point(|entry| entry.number < youngest);
            let mut waiting = list.drain(..older).collect::<VecDeque<_>>();
            while let Some(entry) = entries.pop_if(|entry| entry.priority == priority) {
                while waiting.back().is_some_and(|other| other.number > entry.number) {
                    waiting.pop_back().into_iter().for_each(|younger| list.push_front(younger));
                }
                list.push_front(entry);
            }
            waiting.into_iter().rev().for_each(|older| list.push_front(older));
        }
    }

    /// Takes the messages at the head that are too old by now. A quorum queue has several heads: what came back, and
    /// each priority.
    pub(crate) fn take_expired(&mut self, now: Moment) -> Vec<Entry> {
        let mut expired = Vec::new();
        match self.settings.queue_type {
            QueueType::Classic => {
                while self.next_expiry() <= now {
                    expired.extend(self.pop());
                }
            }
            QueueType::Quorum => {
                self.end_delays(now);
                for list in std::iter::once(&mut self.returned).chain(self.ready.iter_mut().rev()) {
                    while list.front().is_some_and(|head| head.expires <= now) {
                        expired.extend(pop_front(list));
                    }
                }
                expired.iter().for_each(|entry| self.count_out(entry));
            }
        }
        expired
    }

    /// When the message at the head becomes too old. One behind it waits until it is the head.
    pub(crate) fn next_expiry(&self) -> Moment {
        match self.settings.queue_type {
            QueueType::Classic => self.iter().next().map_or(NEVER, |head| head.expires),
            QueueType::Quorum => {
                let heads = std::iter::once(&self.returned).chain(&self.ready).filter_map(VecDeque::front);
                let delays = self.delayed.keys().next().map(|(end, _)| *end);
                heads.map(|head| head.expires).chain(delays).min().unwrap_or(NEVER)
            }
        }
    }

    /// When the queue itself goes if nobody uses it.
    pub(crate) fn own_expiry(&self) -> Moment {
        match self.settings.expires {
            Some(idle) if self.consumer_count() == 0 => self.last_used.saturating_add(idle),
            _ => NEVER,
        }
    }

    /// Whether one more message is too much for a classic queue that refuses instead of dropping.
    pub(crate) fn refuses(&self, message: &Message) -> bool {
        self.settings.overflow.refuses() && self.is_over(self.ready_count + 1, self.ready_bytes + self.size(message))
    }

    /// Whether a message has failed once too often.
    pub(crate) fn is_poison(&self, entry: &Entry) -> bool {
        self.settings.delivery_limit.is_some_and(|limit| u64::from(entry.failures) > limit)
    }

    /// Whether the queue holds more than it may.
    fn is_overfull(&self) -> bool {
        self.is_over(self.ready_count + self.delayed.len(), self.ready_bytes + self.delayed_bytes)
    }

    /// Whether a quorum queue that refuses when it is full takes a message from this channel.
    pub(crate) fn admits(&mut self, publisher: At) -> bool {
        let is_overfull = self.is_overfull();
        self.admission.admits(publisher, is_overfull)
    }

    /// After the length of a quorum queue that refuses has changed: tells its publishers to stop or to go on.
    pub(crate) fn evaluate_admission(&mut self) {
        if self.settings.queue_type != QueueType::Quorum || !self.settings.overflow.refuses() {
            return;
        }
        let roomy =
            |limit: Option<u64>, value: usize| limit.is_none_or(|limit| value as u64 <= limit - limit.div_ceil(5));
        let (count, bytes) = (self.ready_count + self.delayed.len(), self.ready_bytes + self.delayed_bytes);
        let is_roomy = roomy(self.settings.max_length, count) && roomy(self.settings.max_bytes, bytes);
        let is_overfull = self.is_overfull();
        self.admission.evaluate(is_overfull, is_roomy);
    }

    /// The channels that remember to have published here.
    pub(crate) fn publishers(&self) -> impl Iterator<Item = At> {
        self.admission.publishers()
    }

    /// Forgets a channel that is gone.
    pub(crate) fn forget_publisher(&mut self, publisher: At) {
        self.admission.forget(publisher);
    }

    /// Takes messages from the head while there are more than the queue may hold. With priorities the head is the most
    /// urgent message, in RabbitMQ too.
    pub(crate) fn take_overflow(&mut self) -> Vec<Entry> {
        let mut dropped = Vec::new();
        if !self.settings.overflow.refuses() {
            while self.is_overfull() {
                let Some(entry) = self.pop() else { break };
                dropped.push(entry);
            }
        }
        dropped
    }

    /// Takes everything that waits.
    pub(crate) fn take_all(&mut self) -> Vec<Entry> {
        self.ready_count = 0;
        self.ready_bytes = 0;
        self.delayed_bytes = 0;
        let delayed = std::mem::take(&mut self.delayed).into_values();
        let ready = std::iter::once(&mut self.returned).chain(&mut self.ready).flat_map(std::mem::take);
        ready.chain(delayed).collect()
    }

    fn is_over(&self, count: usize, bytes: usize) -> bool {
        let over = |limit: Option<u64>, value: usize| limit.is_some_and(|limit| value as u64 > limit);
        over(self.settings.max_length, count) || over(self.settings.max_bytes, bytes)
    }

    fn count_in(&mut self, entry: &Entry) {
        self.ready_count += 1;
        self.ready_bytes += self.size(&entry.message);
    }

    fn count_out(&mut self, entry: &Entry) {
        self.ready_count -= 1;
        self.ready_bytes -= self.size(&entry.message);
    }

    /// What a message counts towards the limit of bytes: its body, in a quorum queue with its properties.
    fn size(&self, message: &Message) -> usize {
        match self.settings.queue_type {
            QueueType::Classic => message.body_length(),
            QueueType::Quorum => message.body_length() + message.content.raw_properties().len(),
        }
    }
}

fn pop_front(list: &mut VecDeque<Entry>) -> Option<Entry> {
    let entry = list.pop_front();
    if list.is_empty() && list.capacity() > KEPT_CAPACITY {
        *list = VecDeque::new(); // a backlog that was worked off gives its memory back
    }
    entry
}
