//! What is stored under which key, and as which bytes (postcard, a kept format for serde). How it gets to the disk is the
//! database's part.
//!
//! Three keyspaces: `definitions` (exchanges, queues, bindings, and what the store notes about itself), `index` (a record for
//! each message in each queue, in the order of the queue) and `bodies` (what is too large for the index).

use crate::{
    annotations::Annotations,
    message::Message,
    store_op::{BindingRecord, ExchangeRecord, Notes, QueueRecord},
};
use serde::{Deserialize, Serialize};

/// The version of everything in this file. One that is not known is refused, not guessed.
pub(super) const SCHEMA: u32 = 1;

/// Bodies up to this many bytes lie in the index: one write less, and they are read at the start anyway.
const INLINE: usize = 256;

/// Keys of `definitions`.
pub(super) const SCHEMA_KEY: &[u8] = b"schema";
/// There after an orderly end, and gone while the broker runs.
pub(super) const CLEAN_KEY: &[u8] = b"clean";
pub(super) const EXCHANGES: &[u8] = b"exchange/";
pub(super) const QUEUES: &[u8] = b"queue/";
pub(super) const BINDINGS: &[u8] = b"binding/";

pub(super) fn exchange_key(name: &str) -> Vec<u8> {
    [EXCHANGES, name.as_bytes()].concat()
}

pub(super) fn queue_key(id: u64) -> Vec<u8> {
    [QUEUES, &id.to_be_bytes()].concat()
}

/// The key says all that there is to say of a binding.
pub(super) fn binding_key(binding: &BindingRecord) -> Vec<u8> {
    [BINDINGS, &encoded(binding)].concat()
}

/// The key of a message in a queue: big-endian, so that the order of the keys is the order of the queue.
pub(super) fn entry_key(queue: u64, number: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&queue.to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

pub(super) fn parse_entry_key(key: &[u8]) -> Option<(u64, u64)> {
    let (queue, number) = key.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*queue), u64::from_be_bytes(number.try_into().ok()?)))
}

/// A message in a queue as it lies in the index.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IndexRecord<'a> {
    pub(super) notes: Notes,
    pub(super) exchange: &'a str,
    #[serde(borrow, with = "serde_bytes")]
    pub(super) routing_key: &'a [u8],
    #[serde(borrow, with = "serde_bytes")]
    pub(super) properties: &'a [u8],
    #[serde(borrow)]
    pub(super) body: BodyRecord<'a>,
    pub(super) annotations: Option<Box<Annotations>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum BodyRecord<'a> {
    Inline(#[serde(borrow, with = "serde_bytes")] &'a [u8]),
    /// In `bodies`, so many bytes.
    Separate(u32),
}

/// Whether a body of this length has a record of its own.
pub(super) fn is_separate(length: usize) -> bool {
    length > INLINE
}

impl<'a> IndexRecord<'a> {
    pub(super) fn of(message: &'a Message, notes: Notes) -> Self {
        let body = message.content.body();
        Self {
            notes,
            exchange: message.exchange(),
            routing_key: message.content.routing_key(),
            properties: message.content.raw_properties(),
            body: match is_separate(body.len()) {
                true => BodyRecord::Separate(body.len() as u32), // 16 MiB at most, or what the limit says
                false => BodyRecord::Inline(body),
            },
            annotations: message.annotations.clone(),
        }
    }
}

/// Records of ours always encode: they have lengths, and the output grows.
pub(super) fn encoded(record: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(record).unwrap_or_default()
}

/// A record that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("a record of the kind '{0}' can't be read")]
pub(super) struct BadRecord(pub(super) &'static str);

pub(super) fn exchange(bytes: &[u8]) -> Result<ExchangeRecord, BadRecord> {
    postcard::from_bytes(bytes).map_err(|_| BadRecord("exchange"))
}

pub(super) fn queue(bytes: &[u8]) -> Result<QueueRecord, BadRecord> {
    postcard::from_bytes(bytes).map_err(|_| BadRecord("queue"))
}

pub(super) fn binding(key: &[u8]) -> Result<BindingRecord, BadRecord> {
    let bytes = key.strip_prefix(BINDINGS).ok_or(BadRecord("binding"))?;
    postcard::from_bytes(bytes).map_err(|_| BadRecord("binding"))
}

pub(super) fn index_record(bytes: &[u8]) -> Result<IndexRecord<'_>, BadRecord> {
    postcard::from_bytes(bytes).map_err(|_| BadRecord("message"))
}
