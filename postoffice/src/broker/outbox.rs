//! What lies ready for each client, and who has to wait: a consumer whose client doesn't read, a publisher while the
//! memory is full (<https://www.rabbitmq.com/docs/connection-blocked>).

use super::{Broker, Connection};
use crate::{
    channel::At,
    effect::{Effect, Outgoing, delivery_weight},
    message::Message,
    queue::Moment,
};
use amq_protocol::protocol::{AMQPClass, connection};

/// How much may lie in a connection's outbox before its consumers have to wait: enough that the writer never runs dry,
/// little enough that a client which doesn't read costs next to nothing. The messages then stay in their queues.
const OUTBOX_LIMIT: usize = 256 * 1024;

impl Connection {
    /// Whether more may be laid into the outbox.
    pub(super) fn has_room(&self) -> bool {
        self.outbox_weight < OUTBOX_LIMIT
    }

    /// Counts a delivery that will be laid into the outbox in a moment.
    pub(super) fn reserve(&mut self, message: &Message) {
        self.outbox_weight += delivery_weight(message);
    }

    /// Takes back what [`Connection::reserve`] counted.
    pub(super) fn release(&mut self, message: &Message) {
        self.outbox_weight -= delivery_weight(message);
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

    /// Takes what a client should receive now, in exchange for an empty list. All that was taken before has been
    /// written by then, so consumers that waited for the client to read can go on.
    pub(crate) fn take_outbox(&mut self, id: u64, into: &mut Vec<Outgoing>, now: Moment) {
        self.empty_outbox(id, into);
        let starving = self.connections.get_mut(&id).map(|connection| std::mem::take(&mut connection.starving));
        if starving == Some(true) {
            self.resume_connection(id, now);
        }
    }

    /// The same for a client that is leaving: it gets what lies there, and nothing more.
    pub(crate) fn empty_outbox(&mut self, id: u64, into: &mut Vec<Outgoing>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        std::mem::swap(&mut connection.outbox, into);
        connection.outbox_weight = 0;
    }

    /// How much lies in a connection's outbox, in bytes or so.
    pub(crate) fn outbox_weight(&self, id: u64) -> usize {
        self.connections.get(&id).map_or(0, |known| known.outbox_weight)
    }

    /// The connections that have something new in their outbox since the last call.
    pub(crate) fn take_woken(&mut self, into: &mut Vec<u64>) {
        into.append(&mut self.woken);
    }

    /// Whether publishers have to wait for consumers to make room.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// A client publishes while the memory is full: tells it to wait. RabbitMQ tells only those who try.
    pub(crate) fn block(&mut self, id: u64) {
        let Some(known) = self.connections.get_mut(&id) else { return };
        if !std::mem::replace(&mut known.blocked, true) && known.client.hears_blocks {
            let reason = "low on memory".into();
            let blocked = connection::AMQPMethod::Blocked(connection::Blocked { reason });
            self.reply(At { connection: id, channel: 0 }, AMQPClass::Connection(blocked));
        }
    }

    /// Whether a connection was told to wait and has not been released.
    pub(crate) fn is_blocked(&self, id: u64) -> bool {
        self.connections.get(&id).is_some_and(|known| known.blocked)
    }

    /// Raises the alarm over the limit, and lowers it with a tenth to spare, so that it doesn't flutter.
    pub(super) fn check_memory(&mut self) {
        if self.memory > self.limits.memory {
            self.is_full = true;
        } else if self.is_full && self.memory <= self.limits.memory / 10 * 9 {
            self.is_full = false;
            let blocked = self.connections.iter_mut().filter(|(_, known)| known.blocked);
            for (&id, known) in blocked {
                known.blocked = false;
                let at = At { connection: id, channel: 0 };
                if known.client.hears_blocks {
                    let unblocked = connection::AMQPMethod::Unblocked(connection::Unblocked {});
                    let effect = Effect::Method(Box::new(AMQPClass::Connection(unblocked)));
                    post(&mut self.woken, known, at, effect);
                } else {
                    self.woken.push(id);
                }
            }
        }
    }
}

/// Lays something into an outbox and notes the connection for waking. A function of its own, because those who deliver
/// hold other parts of the broker at the same time.
pub(super) fn post(woken: &mut Vec<u64>, connection: &mut Connection, at: At, effect: Effect) {
    if connection.outbox.is_empty() {
        woken.push(at.connection);
    }
    connection.outbox_weight += effect.weight();
    // Confirms that follow one another become one with `multiple`, as RabbitMQ does when it is busy.
    if let Effect::Confirm { delivery_tag, is_alone: false, .. } = effect
        && let Some(Outgoing { channel, effect: Effect::Confirm { delivery_tag: last, multiple, is_alone: false } }) =
            connection.outbox.last_mut()
        && *channel == at.channel
        && *last + 1 == delivery_tag
    {
        *last = delivery_tag;
        *multiple = true;
        return;
    }
    connection.outbox.push(Outgoing { channel: at.channel, effect });
}
