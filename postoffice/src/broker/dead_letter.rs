//! The second life of what a queue gives up (<https://www.rabbitmq.com/docs/dlx>).

use super::{
    Broker,
    publish::{Delivery, copy_keys},
};
use crate::{
    journal::Event,
    message::{Content, Message},
    properties::long_text,
    queue::Moment,
};
use amq_protocol::types::{AMQPValue, FieldArray, FieldTable};
use std::sync::Arc;

/// Why a queue gave a message up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Expired,
    Rejected,
    MaxLength,
    DeliveryLimit,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::MaxLength => "maxlen",
            Self::DeliveryLimit => "delivery_limit",
        }
    }
}

/// A message that a queue gave up.
#[derive(Debug)]
pub(crate) struct Dead {
    pub(crate) queue: u64,
    pub(crate) message: Arc<Message>,
    pub(crate) reason: Reason,
}

impl Broker {
    /// Sends dead letters on. One may fill a queue that then gives up another, so this goes on until none is left; a
    /// letter that would come by the same queue twice, without anyone having rejected it, is dropped.
    pub(super) fn bury_the_dead(&mut self, now: Moment) {
        while let Some(dead) = self.dead.pop_front() {
            self.bury(dead, now);
        }
    }

    fn bury(&mut self, Dead { queue, message, reason }: Dead, now: Moment) {
        let Some(queue) = self.queues.get(&queue) else { return };
        let name = queue.name.clone();
        let (exchange, new_key) =
            (queue.settings.dead_letter_exchange.clone(), queue.settings.dead_letter_routing_key.clone());
        self.note(|| Event::DeadLettered { queue: name.clone(), reason: reason.name() });
        let Some(exchange) = exchange.and_then(|exchange| self.exchanges.get(&exchange)) else { return };
        let exchange = exchange.name.clone();
        let Ok(properties) = message.content.properties() else { return };
        let mut headers = properties.headers().unwrap_or_default();
        let copies = properties.header_table().and_then(|headers| copy_keys(headers).ok()).unwrap_or_default();
        let original_key = message.routing_key();
        let original_keys = || std::iter::once(&*original_key).chain(copies.iter().map(String::as_str));
        let death = Death {
            queue: &name,
            reason,
            exchange: &message.exchange,
            keys: original_keys().map(str::to_owned).collect(),
            expiration: properties.expiration(),
            seconds: now / 1000,
        };
        record(&mut headers, &death);
        let keys: Vec<&str> = match &new_key {
            None => original_keys().collect(),
            Some(key) => {
                headers = without_header(&headers, "CC");
                vec![key]
            }
        };
        let raw = properties.with_headers_for_ever(&headers);
        let key = new_key.as_deref().map_or(message.content.routing_key(), str::as_bytes);
        let content = Content::new(key, &raw, message.content.body());
        let letter = Message { exchange, content };
        let letter_headers = letter.content.properties().ok().and_then(|properties| properties.header_table());
        let mut queues = self.route(&letter.exchange, &keys, letter_headers).queues;
        if reason != Reason::Rejected {
            queues.retain(|id| self.queues.get(id).is_some_and(|queue| !is_cycle(&queue.name, &headers)));
        }
        self.note_published(None, &letter, &queues);
        let message = Arc::new(letter);
        self.deliver(Delivery { message, queues, from: None, mandatory: false, confirm: None, lifetime: None }, now);
    }
}

/// A copy of the headers with one left out.
fn without_header(headers: &FieldTable, name: &str) -> FieldTable {
    let mut rest = FieldTable::default();
    let kept = headers.inner().iter().filter(|(known, _)| known.as_str() != name);
    for (known, value) in kept {
        rest.insert(known.clone(), value.clone());
    }
    rest
}

/// What the header `x-death` says of one death.
struct Death<'a> {
    queue: &'a str,
    reason: Reason,
    exchange: &'a str,
    keys: Vec<String>,
    expiration: Option<&'a [u8]>,
    seconds: u64,
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// Writes a death into the headers: a new entry in front, or one more of the same kind.
fn record(headers: &mut FieldTable, death: &Death<'_>) {
    let known = match headers.inner().get("x-death") {
        Some(AMQPValue::FieldArray(deaths)) => deaths.as_slice().to_vec(),
        Some(_) => Vec::new(), // not one of ours: RabbitMQ starts anew
        None => {
            headers.insert("x-first-death-reason".into(), text(death.reason.name()));
            headers.insert("x-first-death-queue".into(), text(death.queue));
            headers.insert("x-first-death-exchange".into(), text(death.exchange));
            Vec::new()
        }
    };
    let (same, others): (Vec<_>, Vec<_>) = known.into_iter().partition(|entry| match entry {
        AMQPValue::FieldTable(entry) => {
            field(entry, "queue") == Some(death.queue) && field(entry, "reason") == Some(death.reason.name())
        }
        _ => false,
    });
    let entry = match same.into_iter().next() {
        Some(AMQPValue::FieldTable(mut entry)) => {
            let count = match entry.inner().get("count") {
                Some(AMQPValue::LongLongInt(count)) => count.saturating_add(1),
                _ => 1,
            };
            entry.insert("count".into(), AMQPValue::LongLongInt(count));
            entry
        }
        _ => new_entry(death),
    };
    let mut deaths = FieldArray::default();
    deaths.push(AMQPValue::FieldTable(entry));
    others.into_iter().for_each(|other| deaths.push(other));
    headers.insert("x-death".into(), AMQPValue::FieldArray(deaths));
}

fn new_entry(death: &Death<'_>) -> FieldTable {
    let mut entry = FieldTable::default();
    let mut keys = FieldArray::default();
    death.keys.iter().for_each(|key| keys.push(text(key)));
    entry.insert("count".into(), AMQPValue::LongLongInt(1));
    entry.insert("reason".into(), text(death.reason.name()));
    entry.insert("queue".into(), text(death.queue));
    entry.insert("time".into(), AMQPValue::Timestamp(death.seconds));
    entry.insert("exchange".into(), text(death.exchange));
    entry.insert("routing-keys".into(), AMQPValue::FieldArray(keys));
    if let Some(expiration) = death.expiration {
        entry.insert("original-expiration".into(), AMQPValue::LongString(expiration.into()));
    }
    entry
}

fn field<'a>(entry: &'a FieldTable, name: &str) -> Option<&'a str> {
    entry.inner().get(name).and_then(long_text)
}

/// Whether a letter has been in this queue before and nobody rejected it since.
fn is_cycle(queue: &str, headers: &FieldTable) -> bool {
    let Some(AMQPValue::FieldArray(deaths)) = headers.inner().get("x-death") else { return false };
    for death in deaths.as_slice() {
        let AMQPValue::FieldTable(death) = death else { return false };
        if field(death, "reason") == Some("rejected") {
            return false;
        }
        if field(death, "queue") == Some(queue) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn death<'a>(queue: &'a str, reason: Reason) -> Death<'a> {
        Death { queue, reason, exchange: "", keys: vec!["k".into()], expiration: None, seconds: 1 }
    }

    fn counts(headers: &FieldTable) -> Vec<(String, i64)> {
        let Some(AMQPValue::FieldArray(deaths)) = headers.inner().get("x-death") else { return Vec::new() };
        let entry = |death: &AMQPValue| match death {
            AMQPValue::FieldTable(entry) => match entry.inner().get("count") {
                Some(AMQPValue::LongLongInt(count)) => Some((field(entry, "queue")?.to_owned(), *count)),
                _ => None,
            },
            _ => None,
        };
        deaths.as_slice().iter().filter_map(entry).collect()
    }

    #[test]
    fn the_same_death_again_is_counted_and_moves_to_the_front() {
        let mut headers = FieldTable::default();
        record(&mut headers, &death("a", Reason::Expired));
        record(&mut headers, &death("b", Reason::Rejected));
        record(&mut headers, &death("a", Reason::Expired));
        assert_eq!(counts(&headers), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
        assert_eq!(field(&headers, "x-first-death-queue"), Some("a"));
    }

    #[test]
    fn a_circle_counts_only_if_nobody_rejected_on_the_way() {
        let mut headers = FieldTable::default();
        record(&mut headers, &death("a", Reason::Expired));
        record(&mut headers, &death("b", Reason::Expired));
        assert!(is_cycle("a", &headers));
        assert!(!is_cycle("c", &headers));
        record(&mut headers, &death("c", Reason::Rejected));
        assert!(!is_cycle("a", &headers));
    }
}
