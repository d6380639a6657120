//! What one channel knows: its consumers, what it was given and has not acknowledged, its limits, its confirms
//! (AMQP 0-9-1, section 2.2.5; <https://www.rabbitmq.com/docs/channels>).

use crate::{
    arguments::QueueType,
    error::{Refusal, ReplyCode},
    ledger::Charge,
    message::Message,
    queue::{Entry, Moment},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

/// Where a channel is: its connection and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct At {
    pub(crate) connection: u64,
    pub(crate) channel: u16,
}

/// A message that was handed out and waits for its acknowledgement.
#[derive(Clone, Debug)]
pub(crate) struct Unacknowledged {
    pub(crate) queue: u64,
    /// The consumer that it was delivered to, and its tag; none for `basic.get`.
    pub(crate) consumer: Option<(u64, Arc<str>)>,
    pub(crate) entry: Entry,
    pub(crate) due: Due,
}

/// Until when a delivery has to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Never,
    At(Moment),
    /// The queue has taken it back. The client may still settle it, which then means nothing to the queue.
    Missed,
}

impl Due {
    /// So many milliseconds from now, if there is a limit.
    pub(crate) fn after(timeout: Option<u64>, now: Moment) -> Self {
        timeout.map_or(Self::Never, |timeout| Self::At(now.saturating_add(timeout)))
    }
}

/// Deliveries that are being settled, with their tags.
pub(crate) type Taken = Vec<(u64, Unacknowledged)>;

/// What happens to messages that a client is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    Acknowledge,
    /// Back to the queue. A quorum queue counts a failed delivery towards its limit: one that was rejected, or whose
    /// channel was lost, but not one that was given back with `basic.nack` or `basic.recover`.
    Requeue {
        failed: bool,
    },
    /// To the dead-letter exchange, if there is one.
    Discard {
        failed: bool,
    },
}

/// What a transaction holds back until it is committed (AMQP 0-9-1, section 1.9).
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) publishes: Vec<HeldPublish>,
    pub(crate) settlements: Vec<(Settlement, Taken)>,
}

/// A message that was published and routed, but goes nowhere before the commit.
#[derive(Debug)]
pub(crate) struct HeldPublish {
    pub(crate) message: Arc<Message>,
    /// Where it goes: which queues these were, since others may have their names by then.
    pub(crate) queues: Vec<HeldTarget>,
    /// The names of those who wait for a direct reply.
    pub(crate) replies: Vec<Arc<str>>,
    pub(crate) mandatory: bool,
    /// For all but the message, which is charged by itself.
    pub(crate) charge: Charge,
}

/// A queue at the time of a publish.
#[derive(Debug)]
pub(crate) struct HeldTarget {
    pub(crate) id: u64,
    pub(crate) name: Arc<str>,
    pub(crate) queue_type: QueueType,
}

impl Transaction {
    /// The bytes of what was published.
    pub(crate) fn bytes(&self) -> usize {
        self.publishes.iter().map(|held| held.message.bytes() + held.charge.bytes()).sum()
    }

    /// Adds what a client settles. RabbitMQ hands what is settled in the same way, one after another, to the queues at once.
    pub(crate) fn settle(&mut self, how: Settlement, taken: Taken) {
        match self.settlements.last_mut() {
            Some((last, before)) if *last == how => {
                before.extend(taken);
                before.sort_by_key(|(tag, _)| *tag);
            }
            _ => self.settlements.push((how, taken)),
        }
    }
}

/// The consumer of a channel's direct replies.
#[derive(Clone, Debug)]
pub(crate) struct ReplyConsumer {
    pub(crate) tag: Arc<str>,
    /// The name that a request's reply-to is given.
    pub(crate) address: Arc<str>,
}

/// The state of one channel.
#[derive(Debug)]
pub(crate) struct Channel {
    /// The server has closed it and waits for the client to agree; nothing else counts.
    pub(crate) closing: bool,
    /// The queue that an empty name means.
    pub(crate) last_queue: Option<Arc<str>>,
    pub(crate) consumers: HashMap<Arc<str>, u64>,
    pub(crate) reply_consumer: Option<ReplyConsumer>,
    /// The limit for each consumer that starts from now on; 0 is none.
    pub(crate) prefetch: u16,
    /// The limit for all consumers together; 0 is none.
    pub(crate) shared_prefetch: u16,
    /// The queue that used up room under that limit last: next time the others come first.
    pub(crate) last_served: u64,
    pub(crate) confirms: bool,
    /// Confirms that wait until a batch is stored: the number of the message, and that of the batch.
    pub(crate) unconfirmed: VecDeque<(u64, u64)>,
    pub(crate) transaction: Option<Transaction>,
    /// The quorum queues that it has published to and that may tell it to stop.
    pub(crate) admissions: BTreeSet<u64>,
    /// How many deliveries may wait for an acknowledgement, whatever the client has asked for.
    max_unacknowledged: usize,
    unacknowledged: BTreeMap<u64, Unacknowledged>,
    /// How many of those went to consumers.
    in_flight: usize,
    next_delivery: u64,
    next_publish: u64,
}

impl Default for Channel {
    fn default() -> Self {
        Self {
            closing: false,
            last_queue: None,
            consumers: HashMap::new(),
            reply_consumer: None,
            prefetch: 0,
            shared_prefetch: 0,
            last_served: 0,
            confirms: false,
            unconfirmed: VecDeque::new(),
            transaction: None,
            admissions: BTreeSet::new(),
            max_unacknowledged: usize::MAX,
            unacknowledged: BTreeMap::new(),
            in_flight: 0,
            next_delivery: 1,
            next_publish: 1,
        }
    }
}

impl Channel {
    /// A channel that was opened.
    pub(crate) fn new(max_unacknowledged: usize) -> Self {
        Self { max_unacknowledged, ..Self::default() }
    }

    /// A channel that the server has closed.
    pub(crate) fn closing() -> Self {
        Self { closing: true, ..Self::default() }
    }

    /// Notes a delivery; one that wants an acknowledgement is kept until then. Gives its tag.
    pub(crate) fn deliver(&mut self, kept: Option<Unacknowledged>) -> u64 {
        let tag = self.next_delivery;
        self.next_delivery += 1;
        if let Some(kept) = kept {
            self.keep(tag, kept);
        }
        tag
    }

    fn keep(&mut self, tag: u64, kept: Unacknowledged) {
        self.in_flight += usize::from(kept.consumer.is_some());
        self.unacknowledged.insert(tag, kept);
    }

    /// Whether the limit for all consumers together leaves room for one delivery more.
    pub(crate) fn has_room(&self) -> bool {
        !self.is_laden() && (self.shared_prefetch == 0 || self.in_flight < usize::from(self.shared_prefetch))
    }

    /// Whether it has as many unacknowledged deliveries as it may have.
    pub(crate) fn is_laden(&self) -> bool {
        self.unacknowledged.len() >= self.max_unacknowledged
    }

    #[cfg(feature = "server")]
    pub(crate) fn unacknowledged(&self) -> usize {
        self.unacknowledged.values().filter(|kept| kept.due != Due::Missed).count()
    }

    /// The deliveries that are not acknowledged, by their tags.
    pub(crate) fn deliveries(&self) -> impl Iterator<Item = (u64, &Unacknowledged)> {
        self.unacknowledged.iter().map(|(&tag, kept)| (tag, kept))
    }

    #[cfg(test)]
    pub(crate) fn unacknowledged_entries(&self) -> impl Iterator<Item = &Entry> {
        self.unacknowledged.values().map(|kept| &kept.entry)
    }

    /// An open delivery, be it settled in a transaction that isn't committed.
    pub(crate) fn find(&mut self, tag: u64) -> Option<&mut Unacknowledged> {
        let settlements = self.transaction.iter_mut().flat_map(|transaction| &mut transaction.settlements);
        let mut settled = settlements.flat_map(|(_, taken)| taken);
        let settled = move || settled.find(|(known, _)| *known == tag).map(|(_, kept)| kept);
        self.unacknowledged.get_mut(&tag).or_else(settled)
    }

    /// The number of the next message in confirm mode.
    pub(crate) fn next_publish(&mut self) -> u64 {
        let number = self.next_publish;
        self.next_publish += 1;
        number
    }

    /// Takes what a client settles: one delivery, or with `multiple` all up to it; tag 0 is all there are.
    pub(crate) fn take(&mut self, tag: u64, multiple: bool) -> Result<Taken, Refusal> {
        let taken = if multiple && tag == 0 {
            std::mem::take(&mut self.unacknowledged).into_iter().collect()
        } else if !self.unacknowledged.contains_key(&tag) {
            return Err(ReplyCode::PreconditionFailed.because(format!("unknown delivery tag {tag}")));
        } else if multiple {
            let younger = self.unacknowledged.split_off(&(tag + 1));
            std::mem::replace(&mut self.unacknowledged, younger).into_iter().collect()
        } else {
            self.unacknowledged.remove_entry(&tag).into_iter().collect::<Vec<_>>()
        };
        self.in_flight -= taken.iter().filter(|(_, kept)| kept.consumer.is_some()).count();
        Ok(taken)
    }

    /// Takes everything that is not acknowledged.
    pub(crate) fn take_all(&mut self) -> Taken {
        self.in_flight = 0;
        std::mem::take(&mut self.unacknowledged).into_iter().collect()
    }

    /// Undoes [`Channel::take`]: a transaction was rolled back.
    pub(crate) fn give_back(&mut self, taken: Taken) {
        taken.into_iter().for_each(|(tag, kept)| self.keep(tag, kept));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::Place,
        message::{Content, Source},
        queue::NEVER,
    };

    fn channel(deliveries: usize) -> Channel {
        let mut channel = Channel::default();
        for number in 0..deliveries as u64 {
            let source = Arc::new(Source::new("".into(), &Arc::default()));
            let message = Place::new(Message::new(source, number, Content::default(), None));
            let entry =
                Entry { message, number, expires: NEVER, returns: 0, failures: 0, priority: 0, is_stored: false };
            let consumer = Some((1, "me".into()));
            channel.deliver(Some(Unacknowledged { queue: 1, consumer, entry, due: Due::Never }));
        }
        channel
    }

    fn tags(taken: &[(u64, Unacknowledged)]) -> Vec<u64> {
        taken.iter().map(|(tag, _)| *tag).collect()
    }

    #[test]
    fn one_tag_settles_one_delivery_and_multiple_all_up_to_it() {
        let mut channel = channel(5);
        assert_eq!(tags(&channel.take(2, false).unwrap()), [2]);
        assert_eq!(tags(&channel.take(4, true).unwrap()), [1, 3, 4]);
        assert_eq!(tags(&channel.take(0, true).unwrap()), [5]);
        assert_eq!(tags(&channel.take(0, true).unwrap()), [0; 0]);
    }

    #[test]
    fn a_tag_that_is_not_open_is_refused_and_settles_nothing() {
        let mut channel = channel(3);
        channel.take(2, false).unwrap();
        for (tag, multiple) in [(2, false), (2, true), (9, true), (0, false)] {
            let text = format!("PRECONDITION_FAILED - unknown delivery tag {tag}");
            assert_eq!(channel.take(tag, multiple).unwrap_err().text, text);
        }
        assert_eq!(channel.unacknowledged(), 2);
    }

    #[test]
    fn the_shared_limit_counts_what_is_in_flight() {
        let mut channel = channel(2);
        channel.shared_prefetch = 2;
        assert!(!channel.has_room());
        channel.take(1, false).unwrap();
        assert!(channel.has_room());
    }
}
