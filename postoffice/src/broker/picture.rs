//! Everything that the broker holds, for somebody who draws it.

use super::Broker;
use crate::{
    destination::Destination,
    message::Message,
    properties::Properties,
    queue::{NEVER, Queue},
    simulation::{
        BindingView, ClientView, ConsumerView, ExchangeView, MessageView, QueueView, UnacknowledgedView, View,
    },
    table::Table,
};

/// How many of a queue's messages are shown.
const SHOWN: usize = 100;

impl Broker {
    /// What there is but the clients. `client` gives a connection's name.
    pub(crate) fn picture(&self, client: impl Fn(u64) -> String) -> View {
        let mut queues: Vec<QueueView> = self.queues.values().map(|queue| self.look_at_queue(queue, &client)).collect();
        queues.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut known: Vec<_> = self.exchanges.values().collect();
        known.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let exchanges = known.iter().map(|exchange| ExchangeView {
            name: exchange.name.to_string(),
            kind: exchange.kind.name(),
            durable: exchange.durable,
            auto_delete: exchange.auto_delete,
            internal: exchange.internal,
            arguments: exchange.arguments.clone(),
        });
        let bindings = known.iter().flat_map(|exchange| {
            exchange.bindings().map(|binding| BindingView {
                source: exchange.name.to_string(),
                destination: self.name_of(&binding.destination).to_string(),
                to_exchange: matches!(binding.destination, Destination::Exchange(_)),
                routing_key: binding.routing_key.to_string(),
                arguments: Table::checked(binding.arguments()).to_field_table(),
            })
        });
        View {
            memory_used: self.ledger.held(),
            memory_alarm: self.is_alarmed(),
            exchanges: exchanges.collect(),
            bindings: bindings.collect(),
            queues,
            ..View::default()
        }
    }

    fn look_at_queue(&self, queue: &Queue, client: impl Fn(u64) -> String) -> QueueView {
        let is_single = queue.settings.single_active_consumer;
        let consumers = queue.consumers.iter().filter_map(|id| Some((id, self.consumers.get(&id)?)));
        let consumers = consumers.map(|(id, consumer)| ConsumerView {
            client: client(consumer.at.connection),
            tag: consumer.tag.to_string(),
            prefetch: consumer.prefetch,
            unacknowledged: consumer.in_flight,
            no_ack: consumer.no_ack,
            active: !is_single || queue.holder == Some(id),
        });
        let messages = queue.iter().take(SHOWN).map(|entry| MessageView {
            number: entry.message.number,
            exchange: entry.message.exchange().to_string(),
            routing_key: entry.message.routing_key().into_owned(),
            properties: readable(&entry.message),
            body: entry.message.content.body().to_vec(),
            redelivered: entry.is_redelivered(),
            expires_at: (entry.expires != NEVER).then_some(entry.expires),
        });
        QueueView {
            name: queue.name.to_string(),
            durable: queue.durable,
            owner: queue.owner.map(&client),
            auto_delete: queue.auto_delete,
            arguments: queue.arguments.clone(),
            ready: queue.len(),
            unacknowledged: queue.unacknowledged,
            consumers: consumers.collect(),
            messages: messages.collect(),
        }
    }

    /// Adds what the broker knows of a client's channel.
    pub(crate) fn look_at_client(&self, id: u64, number: u16, seen: &mut ClientView) {
        let Some(connection) = self.connections.get(&id) else { return };
        seen.blocked = connection.blocked;
        let Some(channel) = connection.channels.get(&number) else { return };
        (seen.confirms, seen.transactional) = (channel.confirms, channel.transaction.is_some());
        let open = channel.deliveries().map(|(tag, kept)| UnacknowledgedView {
            delivery_tag: tag,
            number: kept.entry.message.number,
            queue: self.queues.get(&kept.queue).map(|queue| queue.name.to_string()).unwrap_or_default(),
            consumer_tag: kept.consumer.as_ref().map(|(_, tag)| tag.to_string()),
        });
        seen.unacknowledged = open.collect();
    }

    /// Gives no number up to these again, to connections, queues and messages.
    pub(crate) fn reserve_ids(&mut self, id: u64, message: u64) {
        self.last_id = self.last_id.max(id);
        self.last_message = self.last_message.max(message);
    }

    /// Sets another limit for what clients may make the broker keep.
    pub(crate) fn set_memory_limit(&mut self, bytes: usize, now: crate::queue::Moment) {
        self.transact(0, now, |broker| {
            broker.limits.memory = bytes;
            broker.recheck_pinned = true;
        });
    }
}

fn readable(message: &Message) -> amq_protocol::protocol::BasicProperties {
    let raw = message.properties_for_clients();
    Properties::parse(&raw).map(|properties| properties.readable()).unwrap_or_default() // they were read when they came
}
