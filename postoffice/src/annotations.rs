//! What the broker notes about a message beside what its sender said: the keys of copies, failed deliveries, deaths
//! (<https://www.rabbitmq.com/docs/dlx#effects>). RabbitMQ calls these annotations. They live outside the properties, so
//! no client can write them; a client reads the deaths as headers, which stand in for headers of its own with these names.
//!
//! Where a message goes when it dies is the broker's part.

use crate::{
    ledger::{REFERENCE, size_on_64_bits},
    queue::Moment,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most messages have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Annotations {
    /// The routing keys beside the message's own: those of `CC` and `BCC`, until a dead letter gets a key of its own.
    pub(crate) copies: Vec<Box<[u8]>>,
    /// Those that `BCC` named, which nobody is told.
    pub(crate) blind_copies: Vec<Box<[u8]>>,
    /// How many deliveries had failed when it came to its queue: those in queues where it died.
    pub(crate) failures: u32,
    deaths: Option<Deaths>,
}

/// Why a queue gave a message up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reason {
    Expired,
    Rejected,
    MaxLength,
    DeliveryLimit,
}

impl Reason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::MaxLength => "maxlen",
            Self::DeliveryLimit => "delivery_limit",
        }
    }
}

/// One death: where the message was, and how it had come there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Death {
    pub(crate) queue: Arc<str>,
    pub(crate) reason: Reason,
    pub(crate) exchange: Arc<str>,
    /// Milliseconds that it had been given to live.
    pub(crate) lifetime: Option<u64>,
    pub(crate) time: Moment,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Deaths {
    /// One for each queue and reason, the last death first.
    records: Vec<Record>,
    first: Place,
    last: Place,
}

/// How often a message died in the same queue for the same reason, and what the first of these deaths was like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    death: Death,
    routing_keys: Vec<Box<[u8]>>,
    count: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    queue: Arc<str>,
    reason: Reason,
    exchange: Arc<str>,
}

impl From<&Death> for Place {
    fn from(death: &Death) -> Self {
        Self { queue: death.queue.clone(), reason: death.reason, exchange: death.exchange.clone() }
    }
}

impl Annotations {
    /// What there is to note about a message with copies.
    pub(crate) fn of_copies(open: Vec<Box<[u8]>>, blind: Vec<Box<[u8]>>) -> Self {
        Self { copies: [&open[..], &blind].concat(), blind_copies: blind, ..Self::default() }
    }

    /// Writes down a death of a message that had this routing key.
    pub(crate) fn record(&mut self, death: Death, routing_key: &[u8]) {
        let last = Place::from(&death);
        let deaths =
            self.deaths.get_or_insert_with(|| Deaths { records: Vec::new(), first: last.clone(), last: last.clone() });
        deaths.last = last;
        let is_same = |known: &Record| known.death.queue == death.queue && known.death.reason == death.reason;
        let record = match deaths.records.iter().position(is_same) {
            Some(index) => {
                let mut known = deaths.records.remove(index);
                known.count = known.count.saturating_add(1);
                known
            }
            None => {
                let mut routing_keys: Vec<Box<[u8]>> = vec![routing_key.into()];
                routing_keys.extend(self.copies.iter().cloned());
                for blind in &self.blind_copies {
                    if let Some(index) = routing_keys.iter().position(|key| key == blind) {
                        routing_keys.remove(index);
                    }
                }
                Record { death, routing_keys, count: 1 }
            }
        };
        deaths.records.insert(0, record);
    }

    /// Whether a message would come by this queue again though nobody has rejected it since it was there.
    pub(crate) fn is_cycle(&self, queue: &str) -> bool {
        let since = self.deaths.iter().flat_map(|deaths| &deaths.records).map(|record| &record.death);
        let mut since = since.take_while(|death| death.reason != Reason::Rejected);
        since.any(|death| &*death.queue == queue)
    }

    /// The first and the last death, the name of each header first.
    fn first_and_last(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.deaths.iter().flat_map(|Deaths { first, last, .. }| {
            [
                ("x-first-death-exchange", &*first.exchange),
                ("x-first-death-queue", &*first.queue),
                ("x-first-death-reason", first.reason.name()),
                ("x-last-death-exchange", &*last.exchange),
                ("x-last-death-queue", &*last.queue),
                ("x-last-death-reason", last.reason.name()),
            ]
        })
    }

    /// The first and the last death as entries of a headers table, encoded.
    pub(crate) fn place_headers(&self) -> Vec<u8> {
        let mut entries = Encoded::default();
        self.write_places(&mut entries);
        entries.0
    }

    fn write_places(&self, entries: &mut Encoded) {
        self.first_and_last().for_each(|(name, text)| entries.named(name, |value| value.text(text.as_bytes())));
    }

    /// The deaths as entries of a headers table, in RabbitMQ's order, encoded (AMQP 0-9-1, section 4.2.5.5); nothing for
    /// a message that has never died.
    pub(crate) fn headers(&self) -> Vec<u8> {
        let Some(deaths) = &self.deaths else { return Vec::new() };
        let mut entries = Encoded::default();
        entries.named("x-death", |value| {
            value.container(b'A', |array| {
                deaths.records.iter().for_each(|record| array.container(b'F', |table| record.write(table)));
            });
        });
        self.write_places(&mut entries);
        entries.0
    }

    /// How much memory they take beside the message, roughly.
    pub(crate) fn cost(&self) -> usize {
        let keys = |keys: &[Box<[u8]>]| keys.iter().map(|key| REFERENCE + key.len()).sum::<usize>();
        let records = self.deaths.iter().flat_map(|deaths| &deaths.records);
        const SIZE: usize = size_on_64_bits::<Annotations>(160);
        const RECORD: usize = size_on_64_bits::<Record>(96);
        SIZE + keys(&self.copies)
            + keys(&self.blind_copies)
            + records.map(|record| RECORD + keys(&record.routing_keys)).sum::<usize>()
    }
}

impl Record {
    fn write(&self, table: &mut Encoded) {
        let Death { queue, reason, exchange, lifetime, time } = &self.death;
        if let Some(lifetime) = lifetime {
            table.named("original-expiration", |value| value.text(lifetime.to_string().as_bytes()));
        }
        table.named("count", |value| value.number(b'l', self.count.to_be_bytes()));
        table.named("reason", |value| value.text(reason.name().as_bytes()));
        table.named("queue", |value| value.text(queue.as_bytes()));
        table.named("time", |value| value.number(b'T', (time / 1000).to_be_bytes()));
        table.named("exchange", |value| value.text(exchange.as_bytes()));
        table.named("routing-keys", |value| {
            value.container(b'A', |array| self.routing_keys.iter().for_each(|key| array.text(key)));
        });
    }
}

/// Values of a table being written.
#[derive(Default)]
struct Encoded(Vec<u8>);

impl Encoded {
    /// The names are the ones above, all of them short.
    fn named(&mut self, name: &'static str, write: impl FnOnce(&mut Self)) {
        self.0.push(name.len() as u8);
        self.0.extend_from_slice(name.as_bytes());
        write(self);
    }

    fn text(&mut self, text: &[u8]) {
        self.container(b'S', |value| value.0.extend_from_slice(text));
    }

    fn number(&mut self, kind: u8, number: [u8; 8]) {
        self.0.push(kind);
        self.0.extend_from_slice(&number);
    }

    fn container(&mut self, kind: u8, write: impl FnOnce(&mut Self)) {
        self.0.extend_from_slice(&[kind, 0, 0, 0, 0]);
        let start = self.0.len();
        write(self);
        let length = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX); // the memory ends long before
        if let Some(place) = self.0.get_mut(start - 4..start) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amq_protocol::types::{AMQPValue, FieldTable, parsing::parse_field_table};

    fn death(queue: &str, reason: Reason) -> Death {
        Death { queue: queue.into(), reason, exchange: "x".into(), lifetime: None, time: 1_700_000_000_123 }
    }

    fn died(deaths: &[(&str, Reason)]) -> Annotations {
        let mut annotations = Annotations::default();
        deaths.iter().for_each(|(queue, reason)| annotations.record(death(queue, *reason), b"key"));
        annotations
    }

    fn headers(annotations: &Annotations) -> FieldTable {
        let entries = annotations.headers();
        let bytes = [&(entries.len() as u32).to_be_bytes()[..], &entries].concat();
        let (rest, table) = parse_field_table(&bytes[..]).unwrap();
        assert!(rest.is_empty());
        table
    }

    fn counts(annotations: &Annotations) -> Vec<(String, i64)> {
        let records = annotations.deaths.iter().flat_map(|deaths| &deaths.records);
        records.map(|record| (record.death.queue.to_string(), record.count)).collect()
    }

    #[test]
    fn the_same_death_again_is_counted_and_moves_to_the_front() {
        let annotations = died(&[("a", Reason::Expired), ("b", Reason::Rejected), ("a", Reason::Expired)]);
        assert_eq!(counts(&annotations), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
        let deaths: Vec<_> = annotations.first_and_last().map(|(_, text)| text).collect();
        assert_eq!(deaths, ["x", "a", "expired", "x", "a", "expired"]);
    }

    #[test]
    fn a_circle_counts_only_if_nobody_rejected_on_the_way() {
        let mut annotations = died(&[("a", Reason::Expired), ("b", Reason::Expired)]);
        assert!(annotations.is_cycle("a"));
        assert!(!annotations.is_cycle("c"));
        annotations.record(death("c", Reason::Rejected), b"key");
        assert!(!annotations.is_cycle("a"));
    }

    #[test]
    fn a_client_reads_the_deaths_as_headers_the_codec_understands() {
        assert!(Annotations::default().headers().is_empty());
        let mut annotations = Annotations {
            copies: vec![b"cc".as_slice().into(), b"bcc".as_slice().into()],
            blind_copies: vec![b"bcc".as_slice().into()],
            ..Annotations::default()
        };
        annotations.record(Death { lifetime: Some(50), ..death("a", Reason::MaxLength) }, b"key");
        let encoded = String::from_utf8_lossy(&annotations.headers()).into_owned();
        let places = ["x-death", "original-expiration", "count", "reason", "queue", "time", "exchange", "routing-keys"];
        assert!(places.map(|name| encoded.find(name)).is_sorted(), "a client may show them in their order");
        let table = headers(&annotations);
        assert_eq!(table.inner().len(), 7);
        let Some(AMQPValue::FieldArray(deaths)) = table.inner().get("x-death") else { panic!("{table:?}") };
        let [AMQPValue::FieldTable(death)] = deaths.as_slice() else { panic!("{deaths:?}") };
        let text = |text: &str| AMQPValue::LongString(text.into());
        assert_eq!(death.inner().get("original-expiration"), Some(&text("50")));
        assert_eq!(death.inner().get("time"), Some(&AMQPValue::Timestamp(1_700_000_000)));
        assert_eq!(
            death.inner().get("routing-keys"),
            Some(&AMQPValue::FieldArray(vec![text("key"), text("cc")].into()))
        );
    }
}
