//! The broker as it was stored: what a start finds, put in its place again.
//!
//! What RabbitMQ knows no more after a crash is not known here either: a classic queue then takes all its messages for
//! delivered. What was at a consumer of a quorum queue comes back as from a channel that was lost.

use super::{Broker, bindings::add_restored, memory::queue_bytes, queues::check_exchange_name};
use crate::{
    arguments::{QueueType, Settings},
    destination::Destination,
    exchange::{Binding, Exchange, Kind},
    ledger::{Account, Charge, Place},
    message::{Content, Message, Source},
    queue::{Entry, Moment, Queue},
    store_op::{BindingRecord, BoundTo, ExchangeRecord, Position, QueueRecord, Stored, StoredMessage},
    table::Table,
};
use amq_protocol::types::{FieldTable, parsing::parse_field_table};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// A broker that is being put together.
pub(crate) struct Restore {
    broker: Broker,
    is_clean: bool,
    now: Moment,
    /// Of exchanges that are gone, with messages that are not.
    sources: HashMap<Box<str>, Arc<Source>>,
    /// What had come back to a quorum queue, by the queue and its place there.
    returned: BTreeMap<(u64, u64), Entry>,
    /// What was at a consumer of a quorum queue.
    delivered: BTreeMap<u64, Vec<Entry>>,
}

impl Restore {
    #[cfg(feature = "server")]
    pub(crate) fn new(limits: super::Limits, now: Moment) -> Self {
        Self::into(Broker::new(limits), now)
    }

    /// Puts what was stored into a broker that has nothing yet.
    pub(crate) fn into(mut broker: Broker, now: Moment) -> Self {
        broker.store.start();
        Self {
            broker,
            is_clean: true,
            now,
            sources: HashMap::new(),
            returned: BTreeMap::new(),
            delivered: BTreeMap::new(),
        }
    }

    /// Restores the definitions; says what can't be understood.
    pub(crate) fn begin(&mut self, stored: Stored) -> Result<(), String> {
        self.is_clean = stored.is_clean;
        stored.exchanges.into_iter().try_for_each(|record| self.exchange(record))?;
        stored.queues.into_iter().try_for_each(|record| self.queue(record))?;
        stored.bindings.into_iter().try_for_each(|record| self.binding(record))
    }

    fn exchange(&mut self, record: ExchangeRecord) -> Result<(), String> {
        let broker = &mut self.broker;
        let kind = Kind::named(&record.kind).map_err(|refusal| refusal.text)?;
        let mut exchange = Exchange::new(record.name.into(), kind, &broker.ledger);
        exchange.durable = record.durable;
        exchange.auto_delete = record.auto_delete;
        exchange.internal = record.internal;
        exchange.arguments = table(&record.arguments)?;
        exchange.alternate = check_exchange_name(&exchange.arguments, "alternate-exchange", &exchange.name)
            .map_err(|refusal| refusal.text)?;
        exchange.charge = Some(Charge::new(&broker.ledger, Account::Definitions, record.arguments.len()));
        broker.exchanges.insert(exchange.name.clone(), exchange);
        Ok(())
    }

    fn queue(&mut self, record: QueueRecord) -> Result<(), String> {
        let broker = &mut self.broker;
        let arguments = table(&record.arguments)?;
        let settings = Settings::from_arguments(&record.name, &arguments).map_err(|refusal| refusal.text)?;
        let bytes = queue_bytes(&record.name, Queue::priorities(&settings), record.arguments.len());
        let charge = Charge::new(&broker.ledger, Account::Definitions, bytes);
        let name: Arc<str> = record.name.into();
        let mut queue = Queue::new(name.clone(), settings, arguments, charge, self.now);
        queue.durable = true;
        queue.auto_delete = record.auto_delete;
        broker.last_id = broker.last_id.max(record.id);
        broker.queue_ids.insert(name, record.id);
        broker.queues.insert(record.id, queue);
        Ok(())
    }

    fn binding(&mut self, record: BindingRecord) -> Result<(), String> {
        let arguments = Table::parse(&record.arguments).map_err(|_| "arguments of a binding".to_owned())?;
        let destination = match record.destination {
            BoundTo::Queue(id) => Destination::Queue(id),
            BoundTo::Exchange(name) => Destination::Exchange(name.into()),
        };
        let is_there = match &destination {
            Destination::Queue(id) => self.broker.queues.contains_key(id),
            Destination::Exchange(name) => self.broker.exchanges.contains_key(name),
        };
        if is_there {
            let binding = Binding::new(destination, &record.routing_key, arguments);
            add_restored(&mut self.broker, &record.source, binding, arguments);
        }
        Ok(())
    }

    /// Restores a message. False where its queue is gone.
    pub(crate) fn message(&mut self, stored: StoredMessage<'_>) -> bool {
        let StoredMessage { queue: id, number, message, notes, exchange, routing_key, properties, body, annotations } =
            stored;
        if !self.broker.queues.contains_key(&id) {
            return false;
        }
        let source = self.source(exchange);
        let message = message.unwrap_or_else(|| self.broker.new_message_number());
        let Some(queue) = self.broker.queues.get_mut(&id) else { return false };
        let message = Message::new(source, message, Content::new(routing_key, properties, body), annotations);
        let mut entry = Entry {
            message: Place::new(message),
            number,
            expires: notes.expires,
            returns: notes.returns,
            failures: notes.failures,
            priority: notes.priority,
            is_stored: true,
        };
        queue.reserve_number(number);
        let is_classic = queue.settings.queue_type == QueueType::Classic;
        match notes.position {
            _ if is_classic => {
                entry.returns = u32::from(!self.is_clean);
                queue.restore(entry, None);
            }
            Position::Ready => queue.restore(entry, None),
            Position::Delayed(until) => queue.restore(entry, Some(until)),
            Position::Returned(place) => drop(self.returned.insert((id, place), entry)),
            Position::Delivered => self.delivered.entry(id).or_default().push(entry),
        }
        true
    }

    fn source(&mut self, exchange: &str) -> Arc<Source> {
        if let Some(known) = self.broker.exchanges.get(exchange) {
            return known.source().clone();
        }
        if let Some(known) = self.sources.get(exchange) {
            return known.clone();
        }
        let source = Arc::new(Source::new(exchange.into(), &self.broker.ledger));
        self.sources.insert(exchange.into(), source.clone());
        source
    }

    /// The broker, with everything in its place and the clock set.
    pub(crate) fn finish(mut self) -> Broker {
        let broker = &mut self.broker;
        for ((id, _), entry) in self.returned {
            let Some(queue) = broker.queues.get_mut(&id) else { continue };
            broker.store.note(id, &entry, queue.next_returned());
            queue.restore_returned(entry);
        }
        for (id, entries) in self.delivered {
            broker.put_back_all(id, entries, true, self.now);
        }
        let mut ids: Vec<u64> = broker.queues.keys().copied().collect();
        ids.sort_unstable();
        ids.into_iter().for_each(|id| broker.enforce_limits(id, self.now));
        broker.commit(self.now);
        self.broker
    }
}

fn table(bytes: &[u8]) -> Result<FieldTable, String> {
    match parse_field_table(bytes) {
        Ok((_, table)) => Ok(table),
        Err(_) => Err("arguments can't be read".to_owned()),
    }
}
