//! From a client's method to the part of the broker that does it, and what becomes of a mistake: it closes the channel, or
//! the whole connection (AMQP 0-9-1, section 4.8).

use super::Broker;
use crate::{
    channel::{At, Channel},
    error::{Refusal, ReplyCode},
    message::Content,
    queue::Moment,
    request::{Ids, PUBLISH, Publish},
    table::Table,
};
use amq_protocol::protocol::{AMQPClass, access, basic, channel, confirm, exchange, queue, tx};

/// An error that ends the whole connection, and the method that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fatal {
    pub(crate) refusal: Refusal,
    pub(crate) class_id: u16,
    pub(crate) method_id: u16,
}

impl Broker {
    /// Does what a client's method asks for. Where names in its table matter that the codec can't hold, the table comes with
    /// it. A mistake closes the channel, or is returned if it ends the connection.
    pub(crate) fn method(
        &mut self,
        connection: u64,
        channel: u16,
        ids: Ids,
        method: AMQPClass,
        table: Table<'_>,
        now: Moment,
    ) -> Result<(), Fatal> {
        self.in_channel(connection, channel, ids, now, |broker, at| broker.perform(at, method, table, now))
    }

    /// Routes a client's message.
    pub(crate) fn publish(
        &mut self,
        connection: u64,
        channel: u16,
        publish: &Publish,
        content: Content,
        now: Moment,
    ) -> Result<(), Fatal> {
        self.in_channel(connection, channel, PUBLISH, now, |broker, at| broker.accept(at, publish, content, now))
    }

    /// Refuses what was known to be refused before the channel came to it.
    pub(crate) fn refuse(
        &mut self,
        connection: u64,
        channel: u16,
        ids: Ids,
        refusal: Refusal,
        now: Moment,
    ) -> Result<(), Fatal> {
        self.in_channel(connection, channel, ids, now, |_, _| Err(refusal))
    }

    /// Runs an operation on a channel that is open, and closes the channel if the operation is refused.
    fn in_channel(
        &mut self,
        connection: u64,
        channel: u16,
        ids: Ids,
        now: Moment,
        operation: impl FnOnce(&mut Self, At) -> Result<(), Refusal>,
    ) -> Result<(), Fatal> {
        let at = At { connection, channel };
        self.transact(connection, now, |broker| broker.attempt(at, ids, now, operation))
    }

    fn attempt(
        &mut self,
        at: At,
        (class_id, method_id): Ids,
        now: Moment,
        operation: impl FnOnce(&mut Self, At) -> Result<(), Refusal>,
    ) -> Result<(), Fatal> {
        let fatal = |refusal: Refusal| match refusal.is_internal() {
            true => Fatal { refusal, class_id: 0, method_id: 0 },
            false => Fatal { refusal, class_id, method_id },
        };
        let Some(known) = self.connections.get_mut(&at.connection) else { return Ok(()) };
        match known.channels.get(&at.channel) {
            None => return self.open_channel(at, (class_id, method_id)),
            Some(open) if open.closing => {
                match (class_id, method_id) {
                    (20, 41) => drop(known.channels.remove(&at.channel)),
                    (20, 40) => self.reply(at, AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {}))),
                    _ => {}
                }
                return Ok(());
            }
            Some(_) => {}
        }
        match operation(self, at) {
            Ok(()) => {}
            Err(refusal) if refusal.code.is_hard() => return Err(fatal(refusal)),
            Err(refusal) => self.fail_channel(at, &refusal, (class_id, method_id), now),
        }
        Ok(())
    }

    /// Closes a channel with a reason, and waits for the client to agree.
    pub(super) fn fail_channel(&mut self, at: At, refusal: &Refusal, (class_id, method_id): Ids, now: Moment) {
        self.close_channel(at, now);
        let (reply_code, reply_text) = (refusal.code as u16, refusal.reply_text());
        let close = channel::Close { reply_code, reply_text, class_id, method_id };
        self.reply(at, AMQPClass::Channel(channel::AMQPMethod::Close(close)));
        if let Some(known) = self.connections.get_mut(&at.connection) {
            known.channels.insert(at.channel, Channel::closing());
        }
    }

    fn perform(&mut self, at: At, method: AMQPClass, table: Table<'_>, now: Moment) -> Result<(), Refusal> {
        match method {
            AMQPClass::Basic(method) => self.basic(at, method, now),
            AMQPClass::Queue(method) => match method {
                queue::AMQPMethod::Declare(declare) => self.queue_declare(at, declare, now),
                queue::AMQPMethod::Bind(bind) => self.queue_bind(at, bind, table),
                queue::AMQPMethod::Unbind(unbind) => self.queue_unbind(at, unbind, table),
                queue::AMQPMethod::Purge(purge) => self.queue_purge(at, purge, now),
                queue::AMQPMethod::Delete(delete) => self.queue_delete(at, delete, now),
                _ => Err(Refusal::unimplemented()),
            },
            AMQPClass::Exchange(method) => match method {
                exchange::AMQPMethod::Declare(declare) => self.exchange_declare(at, declare),
                exchange::AMQPMethod::Delete(delete) => self.exchange_delete(at, delete),
                exchange::AMQPMethod::Bind(bind) => self.exchange_bind(at, bind, table),
                exchange::AMQPMethod::Unbind(unbind) => self.exchange_unbind(at, unbind, table),
                _ => Err(Refusal::unimplemented()),
            },
            AMQPClass::Channel(method) => match method {
                channel::AMQPMethod::Open(_) => Err(ReplyCode::ChannelError.because("second 'channel.open' seen")),
                channel::AMQPMethod::Close(_) => {
                    self.close_channel(at, now);
                    self.reply(at, AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})));
                    Ok(())
                }
                channel::AMQPMethod::Flow(channel::Flow { active: true }) => {
                    let ok = channel::FlowOk { active: true };
                    self.reply(at, AMQPClass::Channel(channel::AMQPMethod::FlowOk(ok)));
                    Ok(())
                }
                channel::AMQPMethod::Flow(_) => Err(ReplyCode::NotImplemented.because("active=false")),
                _ => Err(Refusal::unimplemented()),
            },
            AMQPClass::Confirm(confirm::AMQPMethod::Select(select)) => self.confirm_select(at, select),
            AMQPClass::Tx(tx::AMQPMethod::Select(_)) => self.tx_select(at),
            AMQPClass::Tx(tx::AMQPMethod::Commit(_)) => self.tx_commit(at, now),
            AMQPClass::Tx(tx::AMQPMethod::Rollback(_)) => self.tx_rollback(at),
            AMQPClass::Access(access::AMQPMethod::Request(_)) => {
                self.reply(at, AMQPClass::Access(access::AMQPMethod::RequestOk(access::RequestOk {})));
                Ok(())
            }
            AMQPClass::Connection(_) | AMQPClass::Confirm(_) | AMQPClass::Tx(_) | AMQPClass::Access(_) => {
                Err(Refusal::unimplemented())
            }
        }
    }

    fn basic(&mut self, at: At, method: basic::AMQPMethod, now: Moment) -> Result<(), Refusal> {
        match method {
            basic::AMQPMethod::Ack(ack) => self.basic_ack(at, ack, now),
            basic::AMQPMethod::Nack(nack) => self.basic_nack(at, nack, now),
            basic::AMQPMethod::Reject(reject) => self.basic_reject(at, reject, now),
            basic::AMQPMethod::Get(get) => self.basic_get(at, get, now),
            basic::AMQPMethod::Consume(consume) => self.basic_consume(at, consume, now),
            basic::AMQPMethod::Cancel(cancel) => self.basic_cancel(at, cancel, now),
            basic::AMQPMethod::Qos(qos) => self.basic_qos(at, qos, now),
            basic::AMQPMethod::Recover(recover) => self.basic_recover(at, recover.requeue, true, now),
            basic::AMQPMethod::RecoverAsync(recover) => self.basic_recover(at, recover.requeue, false, now),
            _ => Err(Refusal::unimplemented()),
        }
    }
}
