//! What of the broker survives the end of the process: collected here as it changes, taken by the server at the end of a
//! turn, and put back at the start (<https://www.rabbitmq.com/docs/queues#durability>,
//! <https://www.rabbitmq.com/docs/confirms#when-publishes-are-confirmed>).
//!
//! That is durable queues and, as in RabbitMQ 4.3, all exchanges, the bindings to these, and in durable queues the messages
//! that are persistent; a quorum queue keeps all. A confirm for one of these, and the answer to what defines something durable or commits a
//! transaction, waits until it is stored. Nothing here writes anything: `store` does.

use super::Broker;
use crate::{
    arguments::QueueType,
    channel::At,
    destination::Destination,
    effect::Effect,
    exchange::{Binding, Exchange},
    message::Message,
    queue::{Entry, Queue},
    store_op::{BindingRecord, BoundTo, EntryRecord, ExchangeRecord, Notes, Position, QueueRecord, StoreOp},
};
use amq_protocol::{
    frame::WriteContext,
    protocol::AMQPClass,
    types::{FieldTable, generation::gen_field_table},
};
use std::{collections::VecDeque, sync::Arc};

/// What is to be stored, and who waits for it.
#[derive(Debug, Default)]
pub(super) struct StoreLog {
    is_on: bool,
    ops: Vec<StoreOp>,
    /// The number of the last batch that was taken.
    taken: u64,
    /// Channels with confirms that wait, by the batch that they wait for.
    confirms: VecDeque<(u64, At)>,
    /// Connections with answers that wait.
    answers: VecDeque<(u64, u64)>,
}

impl StoreLog {
    pub(super) fn start(&mut self) {
        self.is_on = true;
    }

    pub(super) fn log(&mut self, op: impl FnOnce() -> StoreOp) {
        if self.is_on {
            self.ops.push(op());
        }
    }

    /// The batch that takes what is logged now.
    fn next(&self) -> u64 {
        self.taken + 1
    }

    /// A message has come into this queue.
    pub(super) fn add(&mut self, queue: u64, entry: &Entry) {
        self.put(queue, entry, Position::Ready, false);
    }

    /// What is noted about a message has changed.
    pub(super) fn note(&mut self, queue: u64, entry: &Entry, position: Position) {
        self.put(queue, entry, position, true);
    }

    fn put(&mut self, queue: u64, entry: &Entry, position: Position, is_known: bool) {
        if entry.is_stored {
            let &Entry { number, expires, returns, failures, priority, .. } = entry;
            let notes = Notes { expires, returns, failures, priority, position };
            let message = Arc::clone(&entry.message);
            self.log(|| StoreOp::Put(EntryRecord { queue, number, message, notes, is_known }));
        }
    }

    /// A message has left this queue for good.
    pub(super) fn remove(&mut self, queue: u64, entry: &Entry) {
        if entry.is_stored {
            let (number, body_length) = (entry.number, entry.message.body_length());
            self.log(|| StoreOp::Remove { queue, number, body_length });
        }
    }
}

impl Broker {
    /// What is to be stored since the last call, with the number by which [`Broker::stored`] is told of it.
    pub(crate) fn take_store_ops(&mut self) -> Option<(u64, Vec<StoreOp>)> {
        if self.store.ops.is_empty() {
            return None;
        }
        self.store.taken += 1;
        Some((self.store.taken, std::mem::take(&mut self.store.ops)))
    }

    /// Everything up to the batch with this number is safe: those who wait for it are answered.
    pub(crate) fn stored(&mut self, batch: u64) {
        while let Some(at) = due(&mut self.store.confirms, |&(waits_for, at)| (waits_for <= batch).then_some(at)) {
            // A channel may have been closed, and opened again under the same number.
            while let Some(channel) = self.channel(at)
                && let Some(delivery_tag) =
                    due(&mut channel.unconfirmed, |&(tag, waits_for)| (waits_for <= batch).then_some(tag))
            {
                self.send(at, Effect::Confirm { delivery_tag, multiple: false, is_alone: false });
            }
        }
        while let Some(id) = due(&mut self.store.answers, |&(waits_for, id)| (waits_for <= batch).then_some(id)) {
            if let Some(connection) = self.connections.get_mut(&id)
                && connection.outbox.release_held(batch)
            {
                self.woken.push(id);
            }
        }
    }

    /// Whether a message survives in a queue.
    pub(super) fn is_stored_in(&self, queue: &Queue, message: &Message) -> bool {
        self.store.is_on && queue.durable && (queue.settings.queue_type == QueueType::Quorum || message.is_persistent())
    }

    /// Confirms a message to its sender, once it is stored where it has to be.
    pub(super) fn confirm(&mut self, at: At, delivery_tag: u64, is_unrouted: bool, waits: bool) {
        let batch = self.store.next();
        let Some(channel) = self.channel(at) else { return };
        if waits {
            channel.unconfirmed.push_back((delivery_tag, batch));
            if self.store.confirms.back() != Some(&(batch, at)) {
                self.store.confirms.push_back((batch, at));
            }
        } else {
            // One that overtakes others stands for itself alone.
            let is_alone = is_unrouted || !channel.unconfirmed.is_empty();
            self.send(at, Effect::Confirm { delivery_tag, multiple: false, is_alone });
        }
    }

    /// Refuses a message to its sender.
    pub(super) fn refuse_publish(&mut self, at: At, delivery_tag: u64) {
        let multiple = self.channel(at).is_none_or(|channel| channel.unconfirmed.is_empty());
        self.send(at, Effect::Nack { delivery_tag, multiple });
    }

    /// Answers a method. If it has changed what is stored, the answer, and what follows it, waits for that.
    pub(super) fn reply_when_stored(&mut self, at: At, method: AMQPClass) {
        let batch = self.store.next();
        if !self.store.ops.is_empty()
            && let Some(connection) = self.connections.get_mut(&at.connection)
        {
            connection.outbox.hold_until(batch);
            self.store.answers.push_back((batch, at.connection));
        }
        self.reply(at, method);
    }

    pub(super) fn log_exchange(&mut self, name: &str) {
        let Some(exchange) = self.exchanges.get(name) else { return };
        self.store.log(|| {
            StoreOp::DeclareExchange(ExchangeRecord {
                name: exchange.name.to_string(),
                kind: exchange.kind.name().to_owned(),
                durable: exchange.durable,
                auto_delete: exchange.auto_delete,
                internal: exchange.internal,
                arguments: encoded(&exchange.arguments),
            })
        });
    }

    pub(super) fn log_queue(&mut self, id: u64) {
        let Some(queue) = self.queues.get(&id).filter(|queue| queue.durable) else { return };
        self.store.log(|| {
            StoreOp::DeclareQueue(QueueRecord {
                id,
                name: queue.name.to_string(),
                auto_delete: queue.auto_delete,
                arguments: encoded(&queue.arguments),
            })
        });
    }

    pub(super) fn log_bound(&mut self, source: &str, binding: &Binding) {
        let is_durable = match &binding.destination {
            Destination::Queue(id) => self.queues.get(id).is_some_and(|queue| queue.durable),
            Destination::Exchange(_) => true,
        };
        if is_durable {
            self.store.log(|| StoreOp::Bind(binding_record(source, binding)));
        }
    }

    /// A binding of this exchange is gone; that it may never have been stored does no harm.
    pub(super) fn log_unbound(&mut self, source: &str, binding: &Binding) {
        self.store.log(|| StoreOp::Unbind(binding_record(source, binding)));
    }
}

impl Exchange {
    /// Logs that it is gone, with its bindings.
    pub(super) fn log_deleted(&self, store: &mut StoreLog) {
        self.bindings().for_each(|binding| store.log(|| StoreOp::Unbind(binding_record(&self.name, binding))));
        store.log(|| StoreOp::DeleteExchange(self.name.clone()));
    }
}

/// Takes what is first in a list, if it is its time.
fn due<T, U>(list: &mut VecDeque<T>, is_due: impl FnOnce(&T) -> Option<U>) -> Option<U> {
    let first = is_due(list.front()?)?;
    list.pop_front();
    Some(first)
}

fn binding_record(source: &str, binding: &Binding) -> BindingRecord {
    BindingRecord {
        source: source.to_owned(),
        destination: match &binding.destination {
            Destination::Queue(id) => BoundTo::Queue(*id),
            Destination::Exchange(name) => BoundTo::Exchange(name.to_string()),
        },
        routing_key: binding.routing_key.to_string(),
        arguments: binding.arguments().to_vec(),
    }
}

/// A table as it stands in a method. Writing to a Vec can't fail.
fn encoded(table: &FieldTable) -> Vec<u8> {
    gen_field_table(table)(WriteContext::from(Vec::new())).map(|context| context.into_inner().0).unwrap_or_default()
}
