//! What the broker does about the bytes that its ledger counts: over the limit publishers are blocked
//! (<https://www.rabbitmq.com/docs/connection-blocked>), and where that can make no room somebody is refused with
//! 506 RESOURCE_ERROR.
//!
//! Waiting makes room where consumers can take what fills the memory: what is in queues. What one client alone can let go of
//! is *pinned*: publishes of an uncommitted transaction, messages of which a part is still to come, direct replies that
//! aren't read. While publishers wait, and definitions and pinned bytes alone keep the alarm on, the connections with the
//! most of them are closed, until what is left can go.

use super::{Broker, Connection};
use crate::{
    channel::At,
    error::{Refusal, ReplyCode},
    ledger::{Account, Charge, Ledger, size_on_64_bits},
    queue::Moment,
};
use amq_protocol::protocol::{AMQPClass, connection};
use std::sync::Arc;

/// The bytes that definitions may take however little memory there is: enough for a lesson on blocked publishers.
const DEFINITIONS_AT_LEAST: usize = 16 * 1024;

impl Connection {
    /// The bytes that nobody but this client can let go of.
    fn pinned(&self) -> usize {
        let transactions = self.channels.values().flat_map(|channel| &channel.transaction);
        self.half_sent.bytes() + self.outbox.replies() + transactions.map(|open| open.bytes()).sum::<usize>()
    }
}

impl Broker {
    /// The count of what clients make this broker keep.
    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Where a connection charges for the messages of which it has sent a part.
    #[cfg(feature = "server")]
    pub(crate) fn half_sent(&self, id: u64) -> Option<Arc<Charge>> {
        self.connections.get(&id).map(|known| known.half_sent.clone())
    }

    /// Charges for something that clients define, or refuses it where definitions take half of the memory. Publishers
    /// couldn't wait for these to go.
    pub(super) fn charge_definition(&self, bytes: usize) -> Result<Charge, Refusal> {
        let limit = (self.limits.memory / 2).max(DEFINITIONS_AT_LEAST);
        if self.ledger.held_for(Account::Definitions).saturating_add(bytes) > limit {
            let text =
                format!("queues, exchanges, bindings and consumers would take more than {limit} bytes of memory");
            return Err(ReplyCode::ResourceError.because(text));
        }
        Ok(Charge::new(&self.ledger, Account::Definitions, bytes))
    }

    /// Whether publishers have to wait for room.
    pub(crate) fn is_alarmed(&self) -> bool {
        self.memory_alarm || self.disk_alarm
    }

    /// Whether the disk is too full to take more.
    #[cfg(feature = "server")]
    pub(crate) fn set_disk_alarm(&mut self, on: bool) {
        self.disk_alarm = on;
        if !self.is_alarmed() {
            self.unblock_all();
        }
    }

    /// The bytes down to which the memory has to be emptied for the alarm to end: a tenth below the limit, so that it
    /// doesn't flutter.
    fn low_water(&self) -> usize {
        self.limits.memory / 10 * 9
    }

    /// A client publishes while the memory is full: tells it to wait. RabbitMQ tells only those who try. False where there
    /// is room by now.
    pub(crate) fn block(&mut self, id: u64, now: Moment) -> bool {
        self.transact(id, now, |broker| {
            broker.check_memory();
            if !broker.is_alarmed() {
                return;
            }
            broker.recheck_pinned = true;
            let Some(known) = broker.connections.get_mut(&id) else { return };
            if !std::mem::replace(&mut known.blocked, true) && known.client.connection_blocked {
                let reason = match (broker.disk_alarm, broker.memory_alarm) {
                    (true, true) => "low on disk & memory",
                    (true, false) => "low on disk",
                    (false, _) => "low on memory",
                };
                let reason = reason.into();
                let blocked = connection::AMQPMethod::Blocked(connection::Blocked { reason });
                broker.reply(At { connection: id, channel: 0 }, AMQPClass::Connection(blocked));
            }
        });
        self.is_blocked(id)
    }

    /// Whether a connection was told to wait and has not been released.
    pub(crate) fn is_blocked(&self, id: u64) -> bool {
        self.connections.get(&id).is_some_and(|known| known.blocked)
    }

    /// Why a connection has to be closed, once that is so.
    pub(crate) fn close_reason(&self, id: u64) -> Option<Refusal> {
        self.connections.get(&id)?.close_reason.clone()
    }

    /// Raises the alarm over the limit, and lowers it when there is room again. A part of [`Broker::commit`].
    pub(super) fn check_memory(&mut self) {
        let held = self.ledger.held();
        if held > self.limits.memory {
            self.memory_alarm = true;
        } else if self.memory_alarm && held <= self.low_water() {
            self.memory_alarm = false;
            if !self.disk_alarm {
                self.unblock_all();
            }
        }
        if self.memory_alarm && std::mem::take(&mut self.recheck_pinned) {
            self.refuse_pinned();
        }
    }

    fn unblock_all(&mut self) {
        let blocked = self.connections.iter_mut().filter(|(_, known)| known.blocked);
        let mut blocked: Vec<(u64, bool)> = blocked
            .map(|(&id, known)| {
                known.blocked = false;
                (id, known.client.connection_blocked)
            })
            .collect();
        blocked.sort_unstable();
        for (id, connection_blocked) in blocked {
            if connection_blocked {
                let unblocked = connection::AMQPMethod::Unblocked(connection::Unblocked {});
                self.reply(At { connection: id, channel: 0 }, AMQPClass::Connection(unblocked));
            }
            self.woken.push(id);
        }
    }

    /// Closes those connections that hold the most of what nobody else can let go of, where the alarm couldn't end else.
    fn refuse_pinned(&mut self) {
        let open = self.connections.iter().filter(|(_, known)| known.close_reason.is_none());
        let mut holders: Vec<(usize, u64)> = open.map(|(&id, known)| (known.pinned(), id)).collect();
        holders.sort_unstable();
        let pinned = holders.iter().map(|(bytes, _)| bytes).sum::<usize>();
        let mut left = self.ledger.held_for(Account::Definitions) + pinned;
        while left > self.low_water()
            && let Some((bytes @ 1.., id)) = holders.pop()
        {
            left -= bytes;
            self.close_for_memory(id, bytes);
        }
    }

    fn close_for_memory(&mut self, id: u64, bytes: usize) {
        let limit = self.limits.memory;
        let Some(known) = self.connections.get_mut(&id) else { return };
        known.close_reason = Some(ReplyCode::ResourceError.because(format!(
            "the memory limit of {limit} bytes is reached, and this connection holds {bytes} bytes of it in messages that \
             are not complete, not committed or not read"
        )));
        known.outbox.take();
        self.woken.push(id);
    }
}

/// The bytes of a queue, exchange, binding or consumer beside what belongs to it.
pub(super) const DEFINITION: usize = 512;

/// The bytes of a queue: a list of messages for each priority, and its name three times.
pub(super) fn queue_bytes(name: &str, priorities: usize, arguments: usize) -> usize {
    DEFINITION + priorities * size_on_64_bits::<[usize; 4]>(32) + 3 * name.len() + arguments
}
