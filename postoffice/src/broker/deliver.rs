//! From a queue to the consumer whose turn it is (<https://www.rabbitmq.com/docs/consumers>).

use super::{Broker, Connection, Consumer, backlog::DeadLetter, durable::StoreLog, outbox::post};
use crate::{
    annotations::Reason,
    arguments::QueueType,
    channel::{At, Due, Unacknowledged},
    effect::Effect,
    journal::Event,
    message::{Content, Message},
    queue::{Entry, Moment, Queue},
    store_op::Position,
};
use amq_protocol::types::AMQPValue;
use std::{collections::BTreeSet, sync::Arc};

impl Broker {
    /// Hands out what waits in a queue for as long as a consumer can take it.
    pub(super) fn dispatch(&mut self, id: u64, now: Moment) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let queue_type = queue.settings.queue_type;
        // A quorum queue assigns all that it can before it sends, and then sends consumer by consumer.
        let mut assigned: Vec<(u64, Entry)> = Vec::new();
        while !queue.is_empty() {
            let next = if queue.settings.single_active_consumer { queue.holder } else { queue.consumers.next() };
            let Some(consumer_id) = next else { break };
            let Some(consumer) = self.consumers.get_mut(&consumer_id) else { break };
            if consumer.paused || consumer.quiescing {
                break; // the single active consumer, which no other stands in for
            }
            let Some(connection) = self.connections.get_mut(&consumer.at.connection) else { break };
            let has_room = connection.outbox.has_room();
            let Some(channel) = connection.channels.get_mut(&consumer.at.channel) else { break };
            if !has_room || !consumer.has_room() || !channel.has_room() {
                connection.has_paused_consumers |= !has_room;
                consumer.paused = true;
                queue.consumers.pause(consumer_id);
                continue;
            }
            let Some(entry) = queue.pop() else { break };
            // What the one that was just taken had hidden may be too old.
            if queue.next_expiry() <= now {
                for entry in queue.take_expired(now) {
                    self.dead_letters.push(DeadLetter::new(id, entry, Reason::Expired));
                }
            }
            channel.last_served = id;
            if !consumer.no_ack {
                queue.unacknowledged += 1;
                consumer.in_flight += 1;
            }
            if !queue.settings.single_active_consumer {
                queue.consumers.turn();
            }
            match queue_type {
                QueueType::Classic => {
                    let (woken, journal, deadlines) = (&mut self.woken, &mut self.journal, &mut self.deadlines);
                    let store = &mut self.store;
                    let books = Books { woken, journal, deadlines, store, now };
                    hand_out(queue, id, entry, (consumer_id, consumer), connection, books);
                }
                QueueType::Quorum => {
                    if !consumer.has_room() {
                        consumer.paused = true;
                        queue.consumers.pause(consumer_id);
                    }
                    connection.outbox.reserve(&entry.message);
                    assigned.push((consumer_id, entry));
                }
            }
        }
        queue.evaluate_admission();
        assigned.sort_by_key(|(consumer, _)| *consumer);
        for (consumer_id, entry) in assigned {
            let Some(consumer) = self.consumers.get(&consumer_id) else { continue };
            let Some(connection) = self.connections.get_mut(&consumer.at.connection) else { continue };
            connection.outbox.release(&entry.message);
            let (woken, journal, deadlines) = (&mut self.woken, &mut self.journal, &mut self.deadlines);
            let store = &mut self.store;
            let books = Books { woken, journal, deadlines, store, now };
            hand_out(queue, id, entry, (consumer_id, consumer), connection, books);
        }
    }

    /// Lets paused consumers of these queues go on, those that can, and hands out what waits for them.
    pub(super) fn resume(&mut self, queues: impl IntoIterator<Item = u64>, now: Moment) {
        for id in queues {
            self.activate_consumer(id);
            self.unpause(id);
            self.expire(id, now);
            self.dispatch(id, now);
        }
    }

    /// Brings those consumers of a queue back into the circle that can take a message again.
    pub(super) fn unpause(&mut self, id: u64) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let (consumers, connections) = (&mut self.consumers, &self.connections);
        queue.consumers.resume(|id| {
            let Some(consumer) = consumers.get_mut(&id) else { return false };
            let Some(connection) = connections.get(&consumer.at.connection) else { return false };
            let channel = connection.channels.get(&consumer.at.channel);
            let can_go_on =
                connection.outbox.has_room() && consumer.has_room() && channel.is_some_and(|c| c.has_room());
            consumer.paused = !can_go_on;
            can_go_on
        });
    }

    /// The client has read what lay in its outbox: its consumers can go on.
    pub(super) fn resume_connection(&mut self, connection: u64, now: Moment) {
        let waiting = |at: &crate::channel::At| at.connection == connection;
        let mut queues: Vec<u64> = match self.connections.get(&connection) {
            None => return,
            Some(known) => {
                let consumers = known.channels.values().flat_map(|channel| channel.consumers.values());
                let consumers = consumers.filter_map(|id| self.consumers.get(id));
                consumers.filter(|consumer| waiting(&consumer.at) && consumer.paused).map(|known| known.queue).collect()
            }
        };
        queues.sort_unstable();
        queues.dedup();
        self.resume(queues, now);
    }

    /// Gives up what is too old at the head of a queue.
    pub(super) fn expire(&mut self, id: u64, now: Moment) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let expired = if queue.next_expiry() <= now { queue.take_expired(now) } else { return };
        self.dead_letter(id, expired, Reason::Expired);
    }

    /// After something was put into a queue: drops what is too much and what is too old.
    pub(super) fn enforce_limits(&mut self, id: u64, now: Moment) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let dropped = queue.take_overflow();
        if !dropped.is_empty() {
            self.dead_letter(id, dropped, Reason::MaxLength);
        }
        self.expire(id, now);
        self.set_timer(id);
    }

    /// Leaves messages of a queue to its dead-letter exchange, if it has one.
    pub(super) fn dead_letter(&mut self, id: u64, entries: Vec<Entry>, reason: Reason) {
        entries.into_iter().for_each(|entry| self.dead_letters.push(DeadLetter::new(id, entry, reason)));
    }
}

/// Where a delivery is written down: a function of its own can't borrow the whole broker while it holds parts of it.
struct Books<'a> {
    woken: &'a mut Vec<u64>,
    journal: &'a mut Option<Vec<Event>>,
    deadlines: &'a mut BTreeSet<(Moment, At, u64)>,
    store: &'a mut StoreLog,
    now: Moment,
}

/// Sends one message of a queue to a consumer.
fn hand_out(
    queue: &Queue,
    id: u64,
    entry: Entry,
    (consumer_id, consumer): (u64, &Consumer),
    connection: &mut Connection,
    Books { woken, journal, deadlines, store, now }: Books<'_>,
) {
    let Some(channel) = connection.channels.get_mut(&consumer.at.channel) else { return };
    let redelivered = queue.is_repetition(&entry);
    let message = message_for_delivery(queue, &entry);
    let due = Due::after(consumer.timeout, now);
    match (consumer.no_ack, queue.settings.queue_type) {
        (true, _) => store.remove(id, &entry),
        (false, QueueType::Quorum) => store.note(id, &entry, Position::Delivered),
        (false, QueueType::Classic) => {}
    }
    let kept = (!consumer.no_ack).then(|| {
        let consumer = Some((consumer_id, consumer.tag.clone()));
        Unacknowledged { queue: id, consumer, entry, due }
    });
    let delivery_tag = channel.deliver(kept);
    if let Due::At(moment) = due {
        deadlines.insert((moment, consumer.at, delivery_tag));
    }
    if let Some(journal) = journal {
        journal.push(Event::Delivered {
            queue: queue.name.clone(),
            connection: consumer.at.connection,
            consumer_tag: Some(consumer.tag.clone()),
            delivery_tag,
            redelivered,
            message: message.number,
        });
    }
    let consumer_tag = consumer.tag.clone();
    let effect = Effect::Deliver { consumer_tag, delivery_tag, redelivered, message };
    post(woken, connection, consumer.at, effect);
}

/// The message as a client gets it: one that has come back to a quorum queue says how often, and how often of these its
/// delivery had failed. See <https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling>.
pub(super) fn message_for_delivery(queue: &Queue, entry: &Entry) -> Arc<Message> {
    // What failed before it died in another queue counts on here.
    let taken = if entry.returns > 0 { entry.returns } else { entry.failures };
    if queue.settings.queue_type == QueueType::Classic || taken == 0 {
        return Arc::clone(&entry.message);
    }
    let content = &entry.message.content;
    let Ok(properties) = content.properties() else { return Arc::clone(&entry.message) };
    let mut headers = properties.headers().unwrap_or_default();
    headers.insert("x-acquired-count".into(), AMQPValue::LongLongInt(taken.into()));
    if entry.failures > 0 {
        headers.insert("x-delivery-count".into(), AMQPValue::LongLongInt(entry.failures.into()));
    }
    let raw = properties.with_headers(&headers);
    entry.message.with_content(Content::new(content.routing_key(), &raw, content.body()))
}
