//! What the broker wants to have stored, in the order in which it happened, and what a store gives back at the start.
//!
//! Nothing here writes anything: `store` does.

use crate::{annotations::Annotations, message::Message, queue::Moment};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One change of what survives the end of the process.
#[derive(Debug)]
pub(crate) enum StoreOp {
    DeclareExchange(ExchangeRecord),
    DeleteExchange(Arc<str>),
    DeclareQueue(QueueRecord),
    DeleteQueue(u64),
    Bind(BindingRecord),
    Unbind(BindingRecord),
    /// A message has come into a queue, or what is noted about it there has changed.
    Put(EntryRecord),
    /// A message has left a queue for good.
    Remove {
        queue: u64,
        number: u64,
        #[cfg_attr(not(feature = "server"), allow(dead_code))] // what the database alone reads
        body_length: usize,
    },
}

impl StoreOp {
    /// Whether it is no more than a note about a message that is stored already.
    #[cfg(feature = "server")]
    pub(crate) fn is_note(&self) -> bool {
        matches!(self, Self::Put(EntryRecord { is_known: true, .. }))
    }
}

/// An exchange. RabbitMQ 4.3 keeps those that are not durable, too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExchangeRecord {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) durable: bool,
    pub(crate) auto_delete: bool,
    pub(crate) internal: bool,
    /// The arguments, encoded as in a method.
    pub(crate) arguments: Vec<u8>,
}

/// A durable queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueueRecord {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) auto_delete: bool,
    pub(crate) arguments: Vec<u8>,
}

/// Where a durable binding leads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum BoundTo {
    Queue(u64),
    Exchange(String),
}

/// A binding to something that survives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BindingRecord {
    pub(crate) source: String,
    pub(crate) destination: BoundTo,
    pub(crate) routing_key: String,
    /// The entries of the arguments' table, encoded.
    pub(crate) arguments: Vec<u8>,
}

/// Where a message is in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Position {
    /// Where its number puts it.
    Ready,
    /// At a consumer of a quorum queue.
    Delivered,
    /// Among what came back to a quorum queue, in this place.
    Returned(u64),
    /// Kept back by a quorum queue until then.
    Delayed(Moment),
}

/// A message in a queue.
#[derive(Debug)]
pub(crate) struct EntryRecord {
    pub(crate) queue: u64,
    pub(crate) number: u64,
    pub(crate) message: Arc<Message>,
    pub(crate) notes: Notes,
    /// It was stored before; only the notes have changed.
    #[cfg_attr(not(feature = "server"), allow(dead_code))] // what the database alone reads
    pub(crate) is_known: bool,
}

/// What a queue notes about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notes {
    pub(crate) expires: Moment,
    pub(crate) returns: u32,
    pub(crate) failures: u32,
    pub(crate) priority: u8,
    pub(crate) position: Position,
}

/// The definitions as they were stored.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) exchanges: Vec<ExchangeRecord>,
    pub(crate) queues: Vec<QueueRecord>,
    pub(crate) bindings: Vec<BindingRecord>,
    /// The broker had ended in good order.
    pub(crate) is_clean: bool,
}

/// A message in a queue as it was stored.
#[derive(Debug)]
pub(crate) struct StoredMessage<'a> {
    pub(crate) queue: u64,
    /// Its place in the queue.
    pub(crate) number: u64,
    /// Which message it is, where that was stored.
    pub(crate) message: Option<u64>,
    pub(crate) notes: Notes,
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a [u8],
    pub(crate) properties: &'a [u8],
    pub(crate) body: &'a [u8],
    pub(crate) annotations: Option<Box<Annotations>>,
}
