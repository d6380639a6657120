//! What a data folder would hold, in memory: it outlives the broker that wrote it.

use crate::{
    message::Message,
    store_op::{
        BindingRecord, BoundTo, EntryRecord, ExchangeRecord, Notes, QueueRecord, StoreOp, Stored, StoredMessage,
    },
};
use std::{collections::BTreeMap, sync::Arc};

#[derive(Debug, Default)]
pub(super) struct Disk {
    exchanges: BTreeMap<String, ExchangeRecord>,
    queues: BTreeMap<u64, QueueRecord>,
    bindings: Vec<BindingRecord>,
    /// By queue, then by the place in it.
    messages: BTreeMap<(u64, u64), Record>,
    last_message: u64,
    /// The broker had ended in good order.
    pub(super) is_clean: bool,
}

#[derive(Debug)]
struct Record {
    message: Copied,
    notes: Notes,
}

/// A message as bytes: a broker that is gone holds none.
#[derive(Debug)]
struct Copied {
    number: u64,
    exchange: Arc<str>,
    content: crate::message::Content,
    annotations: Option<Box<crate::annotations::Annotations>>,
}

impl Copied {
    fn of(message: &Message) -> Self {
        let (content, annotations) = (message.content.clone(), message.annotations.clone());
        Self { number: message.number, exchange: message.exchange().clone(), content, annotations }
    }
}

impl Disk {
    pub(super) fn write(&mut self, ops: Vec<StoreOp>) {
        ops.into_iter().for_each(|op| self.apply(op));
    }

    fn apply(&mut self, op: StoreOp) {
        match op {
            StoreOp::DeclareExchange(record) => drop(self.exchanges.insert(record.name.clone(), record)),
            StoreOp::DeleteExchange(name) => drop(self.exchanges.remove(&*name)),
            StoreOp::DeclareQueue(record) => drop(self.queues.insert(record.id, record)),
            StoreOp::DeleteQueue(id) => {
                self.queues.remove(&id);
                self.messages.retain(|(queue, _), _| *queue != id);
                self.bindings.retain(|binding| binding.destination != BoundTo::Queue(id));
            }
            StoreOp::Bind(record) => {
                if !self.bindings.contains(&record) {
                    self.bindings.push(record);
                }
            }
            StoreOp::Unbind(record) => self.bindings.retain(|known| *known != record),
            StoreOp::Put(EntryRecord { queue, number, message, notes, .. }) => {
                self.last_message = self.last_message.max(message.number);
                self.messages.insert((queue, number), Record { message: Copied::of(&message), notes });
            }
            StoreOp::Remove { queue, number, .. } => drop(self.messages.remove(&(queue, number))),
        }
    }

    /// The highest number of a message that was ever here.
    pub(super) fn last_message(&self) -> u64 {
        self.last_message
    }

    pub(super) fn definitions(&self) -> Stored {
        Stored {
            exchanges: self.exchanges.values().cloned().collect(),
            queues: self.queues.values().cloned().collect(),
            bindings: self.bindings.clone(),
            is_clean: self.is_clean,
        }
    }

    /// Reads the messages, queue by queue in their order. Those without a queue are removed.
    pub(super) fn messages(&mut self, mut each: impl FnMut(StoredMessage<'_>) -> bool) {
        self.messages.retain(|&(queue, number), Record { message, notes }| {
            each(StoredMessage {
                queue,
                number,
                message: Some(message.number),
                notes: *notes,
                exchange: &message.exchange,
                routing_key: message.content.routing_key(),
                properties: message.content.raw_properties(),
                body: message.content.body(),
                annotations: message.annotations.clone(),
            })
        });
    }
}
