//! What lies ready for each client, and a consumer whose client doesn't read has to wait for.

use super::{Broker, Connection};
use crate::{
    channel::At,
    effect::{Effect, Outgoing, delivery_weight},
    ledger::{Account, Charge, Ledger},
    message::Message,
    queue::Moment,
};
use amq_protocol::protocol::AMQPClass;
use std::sync::Arc;

/// How much may lie in a connection's outbox before its consumers have to wait: enough that the writer never runs dry,
/// little enough that a client which doesn't read costs next to nothing. The messages then stay in their queues.
const OUTBOX_LIMIT: usize = 256 * 1024;

/// What a client should receive and the server has not taken yet.
#[derive(Debug)]
pub(super) struct Outbox {
    items: Vec<Outgoing>,
    /// What waits until this batch is stored, with all that came after it.
    held: Vec<Outgoing>,
    held_until: Option<u64>,
    /// How much that is to write, in bytes or so.
    weight: usize,
    /// What of it are direct replies, which no consumer's limit bounds.
    replies: usize,
    /// For all but the messages, which are charged by themselves.
    charge: Charge,
}

impl Outbox {
    pub(super) fn new(ledger: &Arc<Ledger>) -> Self {
        let charge = Charge::new(ledger, Account::Transfers, 0);
        Self { items: Vec::new(), held: Vec::new(), held_until: None, weight: 0, replies: 0, charge }
    }

    /// Whether more may be laid into it.
    pub(super) fn has_room(&self) -> bool {
        self.weight < OUTBOX_LIMIT
    }

    /// Counts a delivery that will be laid into it in a moment.
    pub(super) fn reserve(&mut self, message: &Message) {
        self.weight += delivery_weight(message);
    }

    /// Takes back what [`Outbox::reserve`] counted.
    pub(super) fn release(&mut self, message: &Message) {
        self.weight -= delivery_weight(message);
    }

    pub(super) fn replies(&self) -> usize {
        self.replies
    }

    #[cfg(test)]
    pub(super) fn items(&self) -> &[Outgoing] {
        &self.items
    }

    pub(super) fn take(&mut self) -> Vec<Outgoing> {
        let mut taken = Vec::new();
        self.swap(&mut taken);
        taken
    }

    fn swap(&mut self, items: &mut Vec<Outgoing>) {
        std::mem::swap(&mut self.items, items);
        (self.weight, self.replies) = (0, 0);
        self.charge.resize(0);
    }

    fn push(&mut self, channel: u16, effect: Effect) {
        // Confirms that follow one another become one with `multiple`, as RabbitMQ does when it is busy.
        if let Effect::Confirm { delivery_tag, is_alone: false, .. } = effect
            && let Some(Outgoing {
                channel: last_channel,
                effect: Effect::Confirm { delivery_tag: last, multiple, is_alone: false },
            }) = self.last_mut()
            && *last_channel == channel
            && *last + 1 == delivery_tag
        {
            *last = delivery_tag;
            *multiple = true;
            return;
        }
        self.weight += effect.weight();
        self.charge.grow(effect.own_bytes());
        let outgoing = Outgoing { channel, effect };
        match self.held_until {
            None => self.items.push(outgoing),
            Some(_) => self.held.push(outgoing),
        }
    }

    fn last_mut(&mut self) -> Option<&mut Outgoing> {
        match self.held_until {
            None => self.items.last_mut(),
            Some(_) => self.held.last_mut(),
        }
    }

    /// Keeps back what comes from now on until this batch is stored.
    pub(super) fn hold_until(&mut self, batch: u64) {
        self.held_until = Some(batch);
    }

    /// A batch is stored: says whether something waits for the client that it didn't get before.
    pub(super) fn release_held(&mut self, batch: u64) -> bool {
        if self.held_until.is_none_or(|until| until > batch) {
            return false;
        }
        self.held_until = None;
        self.weight = self.items.iter().chain(&self.held).map(|outgoing| outgoing.effect.weight()).sum();
        self.items.append(&mut self.held);
        true
    }
}

impl Broker {
    /// Lays something into the outbox of a channel's client.
    pub(super) fn send(&mut self, at: At, effect: Effect) {
        if let Some(connection) = self.connections.get_mut(&at.connection) {
            post(&mut self.woken, connection, at, effect);
        }
    }

    pub(super) fn reply(&mut self, at: At, method: AMQPClass) {
        self.send(at, Effect::Method(Box::new(method)));
    }

    /// Sends a direct reply, which waits for its reader whatever lies there already.
    pub(super) fn send_reply(&mut self, at: At, effect: Effect) {
        let Some(connection) = self.connections.get_mut(&at.connection) else { return };
        connection.outbox.replies += effect.weight();
        post(&mut self.woken, connection, at, effect);
    }

    /// Takes what a client should receive now, in exchange for an empty list. All that was taken before has been
    /// written by then, so consumers that waited for the client to read can go on.
    pub(crate) fn take_outbox(&mut self, id: u64, into: &mut Vec<Outgoing>, now: Moment) {
        self.empty_outbox(id, into);
        self.transact(id, now, |broker| {
            let has_paused_consumers =
                broker.connections.get_mut(&id).map(|connection| std::mem::take(&mut connection.has_paused_consumers));
            if has_paused_consumers == Some(true) {
                broker.resume_connection(id, now);
            }
        });
    }

    /// The same for a client that is leaving: it gets what lies there, and nothing more.
    pub(crate) fn empty_outbox(&mut self, id: u64, into: &mut Vec<Outgoing>) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.outbox.swap(into);
        }
    }

    /// How much lies in a connection's outbox, in bytes or so.
    #[cfg(feature = "server")]
    pub(crate) fn outbox_weight(&self, id: u64) -> usize {
        self.connections.get(&id).map_or(0, |known| known.outbox.weight)
    }
}

/// Lays something into an outbox and notes the connection for waking. A function of its own, because those who deliver
/// hold other parts of the broker at the same time.
pub(super) fn post(woken: &mut Vec<u64>, connection: &mut Connection, at: At, effect: Effect) {
    if connection.close_reason.is_some() {
        return; // it will be told why, and nothing else
    }
    if connection.outbox.items.is_empty() {
        woken.push(at.connection);
    }
    connection.outbox.push(at.channel, effect);
}
