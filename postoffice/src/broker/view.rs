//! Looking inside, and the few things that an owner may do without being a client.

use super::Broker;
use crate::{
    destination::Destination,
    message::Message,
    queue::{Moment, PageReader, Queue},
    state::{BindingState, ConnectionState, ExchangeState, QueueState},
};
use std::sync::Arc;

/// The origin of what the owner of the broker does.
const OWNER: u64 = 0;

impl Broker {
    /// All queues by name.
    pub(crate) fn queue_states(&mut self, now: Moment) -> Vec<QueueState> {
        self.tick(now);
        let mut states: Vec<QueueState> = self.queues.values().map(state_of).collect();
        states.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        states
    }

    /// The queue with this name.
    pub(crate) fn queue_state(&mut self, name: &str, now: Moment) -> Option<QueueState> {
        self.tick(now);
        self.queues.get(self.queue_ids.get(name)?).map(state_of)
    }

    /// The next page of what waits in a queue, the next message first, and whether each was delivered before. To be copied
    /// when the broker isn't locked any more.
    pub(crate) fn page(
        &mut self,
        name: &str,
        reader: &mut PageReader,
        now: Moment,
    ) -> Option<Vec<(Arc<Message>, bool)>> {
        self.tick(now);
        let queue = self.queues.get(self.queue_ids.get(name)?)?;
        let entries = reader.next_page(queue).into_iter();
        Some(entries.map(|entry| (Arc::clone(&entry.message), entry.is_redelivered())).collect())
    }

    /// Throws away what waits in a queue; says how much that was.
    pub(crate) fn empty_queue(&mut self, name: &str, now: Moment) -> Option<usize> {
        let id = *self.queue_ids.get(name)?;
        Some(self.transact(id, now, |broker| broker.purge(id, now)))
    }

    /// Removes a queue.
    pub(crate) fn remove_queue(&mut self, name: &str, now: Moment) -> Option<()> {
        let id = *self.queue_ids.get(name)?;
        self.transact(id, now, |broker| broker.delete_queue(id));
        Some(())
    }

    /// Removes all queues, and all exchanges that clients have declared.
    pub(crate) fn reset(&mut self, now: Moment) {
        self.transact(OWNER, now, |broker| {
            let queues: Vec<u64> = broker.queues.keys().copied().collect();
            queues.into_iter().for_each(|id| broker.delete_queue(id));
            let declared = broker.exchanges.keys().filter(|name| !name.is_empty() && !name.starts_with("amq."));
            let declared: Vec<_> = declared.cloned().collect();
            declared.iter().for_each(|name| broker.delete_exchange(name));
        });
    }

    /// All exchanges by name.
    pub(crate) fn exchange_states(&self) -> Vec<ExchangeState> {
        let mut states: Vec<ExchangeState> = self
            .exchanges
            .values()
            .map(|exchange| {
                let mut bindings: Vec<BindingState> = exchange
                    .bindings()
                    .map(|binding| BindingState {
                        routing_key: binding.routing_key.to_string(),
                        destination: self.name_of(&binding.destination).to_string(),
                        to_exchange: matches!(binding.destination, Destination::Exchange(_)),
                    })
                    .collect();
                bindings.sort_unstable();
                ExchangeState {
                    name: exchange.name.to_string(),
                    kind: exchange.kind.name(),
                    durable: exchange.durable,
                    auto_delete: exchange.auto_delete,
                    internal: exchange.internal,
                    arguments: exchange.arguments.clone(),
                    bindings,
                }
            })
            .collect();
        states.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        states
    }

    /// All open connections, the oldest first.
    pub(crate) fn connection_states(&self) -> Vec<ConnectionState> {
        let mut states: Vec<ConnectionState> = self
            .connections
            .iter()
            .map(|(&id, connection)| ConnectionState {
                id,
                name: connection.client.name.clone(),
                peer: connection.client.peer.clone(),
                user: connection.client.user.to_string(),
                channels: connection.channels.values().filter(|channel| !channel.closing).count(),
                unacknowledged: connection.channels.values().map(|channel| channel.unacknowledged()).sum(),
                blocked: connection.blocked,
            })
            .collect();
        states.sort_unstable_by_key(|state| state.id);
        states
    }
}

fn state_of(queue: &Queue) -> QueueState {
    QueueState {
        name: queue.name.to_string(),
        ready: queue.len(),
        unacknowledged: queue.unacknowledged,
        consumers: queue.consumers.len(),
        durable: queue.durable,
        exclusive: queue.owner.is_some(),
        auto_delete: queue.auto_delete,
        arguments: queue.arguments.clone(),
    }
}
