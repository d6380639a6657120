//! One message: what the sender said, kept once however many queues hold it.

use crate::{
    annotations::Annotations,
    ledger::{Account, Ledger},
    properties::Properties,
    table::BadTable,
};
use std::{borrow::Cow, sync::Arc};

/// A complete content as it came over a channel: the routing key, the properties and the body, end to end.
///
/// One buffer instead of three keeps a small message small: a million of them is a usual day for a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    bytes: Box<[u8]>,
    key_length: u32,
    properties_length: u32,
}

impl Content {
    pub(crate) fn new(routing_key: &[u8], properties: &[u8], body: &[u8]) -> Self {
        let mut builder = ContentBuilder::new(routing_key, properties, body.len());
        builder.extend(body);
        builder.build()
    }

    pub(crate) fn routing_key(&self) -> &[u8] {
        self.bytes.get(..self.key_length as usize).unwrap_or_default()
    }

    /// The routing key as text. Bytes that are none can't match a binding's words, only its wildcards, which the
    /// replacement characters for them match as well.
    pub(crate) fn routing_key_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.routing_key())
    }

    /// The encoded properties, flags first.
    pub(crate) fn raw_properties(&self) -> &[u8] {
        let start = self.key_length as usize;
        self.bytes.get(start..start + self.properties_length as usize).unwrap_or_default()
    }

    pub(crate) fn properties(&self) -> Result<Properties<'_>, BadTable> {
        Properties::parse(self.raw_properties())
    }

    /// The same with other properties.
    pub(crate) fn with_properties(&self, raw: &[u8]) -> Self {
        Self::new(self.routing_key(), raw, self.body())
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.bytes.get((self.key_length + self.properties_length) as usize..).unwrap_or_default()
    }
}

/// Collects a content whose body arrives in pieces.
#[derive(Debug)]
pub(crate) struct ContentBuilder {
    bytes: Vec<u8>,
    key_length: u32,
    properties_length: u32,
}

impl ContentBuilder {
    /// Room for a body that was announced; trusted up to this many bytes, so that an announcement alone costs nothing.
    const TRUSTED: usize = 64 * 1024;

    pub(crate) fn new(routing_key: &[u8], properties: &[u8], body_size: usize) -> Self {
        let known = routing_key.len() + properties.len();
        let mut bytes = Vec::with_capacity(known + body_size.min(Self::TRUSTED));
        bytes.extend_from_slice(routing_key);
        bytes.extend_from_slice(properties);
        // A key is at most 255 bytes and the properties fit in one frame, so neither length is cut here.
        Self { bytes, key_length: routing_key.len() as u32, properties_length: properties.len() as u32 }
    }

    pub(crate) fn extend(&mut self, body: &[u8]) {
        self.bytes.extend_from_slice(body);
    }

    /// How much memory it takes by now.
    #[cfg(feature = "server")]
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn build(self) -> Content {
        let Self { bytes, key_length, properties_length } = self;
        Content { bytes: bytes.into_boxed_slice(), key_length, properties_length }
    }
}

/// Where messages are published: an exchange's name, and the ledger that they are charged to. One for all messages of an
/// exchange, so that it takes eight bytes in each.
#[derive(Debug)]
pub(crate) struct Source {
    exchange: Arc<str>,
    ledger: Arc<Ledger>,
}

impl Source {
    pub(crate) fn new(exchange: Arc<str>, ledger: &Arc<Ledger>) -> Self {
        Self { exchange, ledger: ledger.clone() }
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.exchange == other.exchange
    }
}

/// A message on its way: its content, the exchange that it was published to, and what the broker notes about it. It never
/// changes, and is charged for as long as anybody holds it.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    source: Arc<Source>,
    /// Which one it is: it keeps its number on its way through queues, as a dead letter too.
    pub(crate) number: u64,
    pub(crate) content: Content,
    /// None for most, which then cost nothing for it.
    pub(crate) annotations: Option<Box<Annotations>>,
}

impl Drop for Message {
    fn drop(&mut self) {
        self.source.ledger.release(Account::Messages, self.bytes());
    }
}

impl Message {
    /// What a message takes beside its own bytes: itself, its reference counts, the allocator's part.
    const OVERHEAD: usize = 160;

    pub(crate) fn new(
        source: Arc<Source>,
        number: u64,
        content: Content,
        annotations: Option<Box<Annotations>>,
    ) -> Arc<Self> {
        let message = Self { source, number, content, annotations };
        message.source.ledger.charge(Account::Messages, message.bytes());
        Arc::new(message)
    }

    /// One with other content, for a client that is told more.
    pub(crate) fn with_content(&self, content: Content) -> Arc<Self> {
        Self::new(self.source.clone(), self.number, content, self.annotations.clone())
    }

    /// How much memory the message is charged for.
    pub(crate) fn bytes(&self) -> usize {
        let noted = self.annotations.as_ref().map_or(0, |annotations| annotations.cost());
        Self::OVERHEAD + self.content.bytes.len() + noted
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.source.ledger
    }

    /// The exchange that it was published to.
    pub(crate) fn exchange(&self) -> &Arc<str> {
        &self.source.exchange
    }

    /// The encoded properties as a client gets them: with the message's deaths among the headers.
    pub(crate) fn properties_for_clients(&self) -> Cow<'_, [u8]> {
        let deaths = self.annotations.as_ref().map(|annotations| annotations.headers()).unwrap_or_default();
        if !deaths.is_empty()
            && let Ok(properties) = self.content.properties()
        {
            return Cow::Owned(properties.with_headers_over(&deaths));
        }
        Cow::Borrowed(self.content.raw_properties())
    }

    /// Whether its sender wants it to survive the end of the broker, in a queue that does.
    pub(crate) fn is_persistent(&self) -> bool {
        self.content.properties().is_ok_and(|properties| properties.is_persistent())
    }

    /// How many of its deliveries had failed when it came to the queue where it is.
    pub(crate) fn failures(&self) -> u32 {
        self.annotations.as_ref().map_or(0, |annotations| annotations.failures)
    }

    /// The routing keys that come after its own: those of its copies.
    pub(crate) fn copies(&self) -> &[Box<[u8]>] {
        self.annotations.as_ref().map(|annotations| &annotations.copies[..]).unwrap_or_default()
    }

    pub(crate) fn body_length(&self) -> usize {
        self.content.body().len()
    }

    /// The routing key as text.
    pub(crate) fn routing_key(&self) -> Cow<'_, str> {
        self.content.routing_key_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_come_back_as_they_went_in() {
        let content = Content::new(b"key", &[0, 0], b"body");
        assert_eq!(content.routing_key(), b"key");
        assert_eq!(content.raw_properties(), &[0, 0]);
        assert_eq!(content.body(), b"body");
        assert_eq!(content.properties(), Ok(Properties::default()));
    }

    #[test]
    fn a_message_itself_takes_less_than_64_bytes() {
        assert!(size_of::<Message>() <= 48, "{}", size_of::<Message>());
    }
}
