//! The state of the post office, and what each method of a client does to it: a method in, effects out.
//!
//! Nothing in here knows a socket, a task or a clock. Time comes in as an argument, and what a client should receive is
//! laid into its outbox, from where the server takes it. So all of it can be tested without a network. The parts:
//!
//! - `queues`, `exchanges`, `bindings`: declaring, deleting, binding;
//! - `publish`: from a message to the queues that it goes to, and its confirm;
//! - `consume`: subscribing, getting, prefetch;
//! - `deliver`: from a queue to the consumer whose turn it is;
//! - `settle`: acknowledgements, requeues, transactions;
//! - `dead_letter`: the second life of what a queue gives up;
//! - `outbox`: what lies ready for each client, and who has to wait;
//! - `view`: looking inside without changing anything.

mod bindings;
mod consume;
mod dead_letter;
mod deliver;
mod exchanges;
mod outbox;
mod publish;
mod queues;
mod settle;
mod view;

#[cfg(test)]
mod tests;

use crate::{
    channel::{At, Channel},
    effect::Outgoing,
    error::{Refusal, ReplyCode},
    exchange::{Exchange, Kind},
    journal::Event,
    message::{Content, Message},
    queue::{Moment, NEVER, Queue},
    wire::{Ids, PUBLISH, Publish},
};
use amq_protocol::protocol::{AMQPClass, access, basic, channel, confirm, exchange, queue, tx};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

/// What the broker allows itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of messages at which publishers are blocked.
    pub(crate) memory: usize,
    /// Bytes of one message's body.
    pub(crate) message: u64,
    /// Queues, exchanges, bindings and consumers together.
    pub(crate) objects: usize,
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// The name that it gave its connection.
    pub(crate) name: Option<String>,
    /// Its address.
    pub(crate) peer: String,
    pub(crate) user: Arc<str>,
    /// It wants to be told when a queue that it consumes from is gone.
    pub(crate) hears_cancels: bool,
    /// It wants to be told when it is blocked.
    pub(crate) hears_blocks: bool,
    /// How many channels it may open.
    pub(crate) channel_max: u16,
}

/// An open connection.
#[derive(Debug)]
struct Connection {
    client: Client,
    channels: HashMap<u16, Channel>,
    /// What the client should receive and the server has not taken yet.
    outbox: Vec<Outgoing>,
    outbox_weight: usize,
    /// A consumer had to wait because the outbox was full.
    starving: bool,
    /// It was told that it is blocked.
    blocked: bool,
}

/// A subscription to a queue.
#[derive(Debug)]
struct Consumer {
    at: At,
    tag: Arc<str>,
    queue: u64,
    no_ack: bool,
    /// How many unacknowledged messages it may have; 0 is no limit.
    prefetch: u16,
    in_flight: usize,
    /// It could not take a message when it was its turn.
    paused: bool,
}

impl Consumer {
    fn has_room(&self) -> bool {
        self.prefetch == 0 || self.in_flight < usize::from(self.prefetch)
    }
}

/// An error that ends the whole connection, and the method that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fatal {
    pub(crate) refusal: Refusal,
    pub(crate) class_id: u16,
    pub(crate) method_id: u16,
}

/// Everything that the post office holds.
#[derive(Debug)]
pub(crate) struct Broker {
    limits: Limits,
    connections: HashMap<u64, Connection>,
    consumers: HashMap<u64, Consumer>,
    queues: HashMap<u64, Queue>,
    queue_ids: HashMap<Arc<str>, u64>,
    exchanges: HashMap<Arc<str>, Exchange>,
    /// How many bindings the exchanges have together.
    bindings: usize,
    /// Where direct replies go, by the name in the request's reply-to.
    reply_addresses: HashMap<Arc<str>, At>,
    /// Letters that a queue gave up and that are not sorted yet.
    dead: VecDeque<dead_letter::Dead>,
    /// When which queue has to be looked at.
    alarms: BTreeSet<(Moment, u64)>,
    /// Connections with something new in their outbox.
    woken: Vec<u64>,
    /// Bytes of the messages that queues and clients hold.
    memory: usize,
    is_full: bool,
    last_id: u64,
    /// What happened, as long as somebody wants to know.
    journal: Option<Vec<Event>>,
}

impl Broker {
    pub(crate) fn new(limits: Limits) -> Self {
        let predeclared = [
            ("", Kind::Direct),
            ("amq.direct", Kind::Direct),
            ("amq.fanout", Kind::Fanout),
            ("amq.topic", Kind::Topic),
            ("amq.headers", Kind::Headers),
            ("amq.match", Kind::Headers),
            ("amq.rabbitmq.trace", Kind::Topic),
        ];
        let exchanges = predeclared.map(|(name, kind)| {
            let mut exchange = Exchange::new(name.into(), kind);
            exchange.internal = name == "amq.rabbitmq.trace";
            (exchange.name.clone(), exchange)
        });
        Self {
            limits,
            connections: HashMap::new(),
            consumers: HashMap::new(),
            queues: HashMap::new(),
            queue_ids: HashMap::new(),
            exchanges: HashMap::from(exchanges),
            bindings: 0,
            reply_addresses: HashMap::new(),
            dead: VecDeque::new(),
            alarms: BTreeSet::new(),
            woken: Vec::new(),
            memory: 0,
            is_full: false,
            last_id: 0,
            journal: None,
        }
    }

    fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// A client has been let in.
    pub(crate) fn connect(&mut self, client: Client) -> u64 {
        let id = self.new_id();
        self.note(|| Event::Connected { connection: id, name: client.name.clone(), peer: client.peer.clone() });
        let connection = Connection {
            client,
            channels: HashMap::new(),
            outbox: Vec::new(),
            outbox_weight: 0,
            starving: false,
            blocked: false,
        };
        self.connections.insert(id, connection);
        id
    }

    /// A connection is closed or lost: what it had not acknowledged goes back, its exclusive queues go away.
    pub(crate) fn disconnect(&mut self, id: u64, now: Moment) {
        let Some(connection) = self.connections.get(&id) else { return };
        let mut channels: Vec<u16> = connection.channels.keys().copied().collect();
        channels.sort_unstable();
        channels.into_iter().for_each(|channel| self.close_channel(At { connection: id, channel }, now));
        let owned = self.queues.iter().filter(|(_, queue)| queue.owner == Some(id)).map(|(&queue, _)| queue);
        for queue in owned.collect::<Vec<_>>() {
            self.delete_queue(queue);
        }
        self.bury_the_dead(now);
        self.connections.remove(&id);
        self.note(|| Event::Disconnected { connection: id });
        self.check_memory();
    }

    /// Does what a client's method asks for. A mistake closes the channel, or is returned if it ends the connection.
    pub(crate) fn method(
        &mut self,
        connection: u64,
        channel: u16,
        ids: Ids,
        method: AMQPClass,
        now: Moment,
    ) -> Result<(), Fatal> {
        self.in_channel(connection, channel, ids, now, |broker, at| broker.perform(at, method, now))
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

    /// Refuses a message that was too large to be kept.
    pub(crate) fn too_large(&mut self, connection: u64, channel: u16, size: u64, now: Moment) -> Result<(), Fatal> {
        let limit = self.limits.message;
        self.in_channel(connection, channel, PUBLISH, now, |_, _| {
            let text = format!("message size {size} is larger than configured max size {limit}");
            Err(ReplyCode::PreconditionFailed.because(text))
        })
    }

    /// Runs an operation on a channel that is open, and closes the channel if the operation is refused.
    fn in_channel(
        &mut self,
        connection: u64,
        channel: u16,
        (class_id, method_id): Ids,
        now: Moment,
        operation: impl FnOnce(&mut Self, At) -> Result<(), Refusal>,
    ) -> Result<(), Fatal> {
        let at = At { connection, channel };
        let fatal = |refusal: Refusal| match refusal.code {
            // RabbitMQ blames no method for its own failures.
            ReplyCode::InternalError => Fatal { refusal, class_id: 0, method_id: 0 },
            _ => Fatal { refusal, class_id, method_id },
        };
        let Some(known) = self.connections.get_mut(&connection) else { return Ok(()) };
        match known.channels.get(&channel) {
            None => return self.open_channel(at, (class_id, method_id)),
            Some(open) if open.closing => {
                match (class_id, method_id) {
                    (20, 41) => drop(known.channels.remove(&channel)),
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
            Err(refusal) => {
                self.close_channel(at, now);
                let close = channel::Close {
                    reply_code: refusal.code as u16,
                    reply_text: refusal.reply_text(),
                    class_id,
                    method_id,
                };
                self.reply(at, AMQPClass::Channel(channel::AMQPMethod::Close(close)));
                if let Some(known) = self.connections.get_mut(&connection) {
                    known.channels.insert(channel, Channel::closing());
                }
            }
        }
        self.bury_the_dead(now);
        self.check_memory();
        Ok(())
    }

    fn open_channel(&mut self, at: At, (class_id, method_id): Ids) -> Result<(), Fatal> {
        let Some(connection) = self.connections.get_mut(&at.connection) else { return Ok(()) };
        let (open, max) = (connection.channels.len(), connection.client.channel_max);
        if max != 0 && open >= usize::from(max) {
            let text = format!("number of channels opened ({open}) has reached the negotiated channel_max ({max})");
            return Err(Fatal { refusal: ReplyCode::NotAllowed.because(text), class_id: 0, method_id: 0 });
        }
        if (class_id, method_id) != (20, 10) {
            let refusal = ReplyCode::ChannelError.because("expected 'channel.open'");
            return Err(Fatal { refusal, class_id, method_id });
        }
        connection.channels.insert(at.channel, Channel::default());
        self.reply(at, AMQPClass::Channel(channel::AMQPMethod::OpenOk(channel::OpenOk {})));
        Ok(())
    }

    /// Ends a channel: its consumers leave, what it had not acknowledged goes back to the queues.
    fn close_channel(&mut self, at: At, now: Moment) {
        let Some(connection) = self.connections.get_mut(&at.connection) else { return };
        let Some(mut channel) = connection.channels.remove(&at.channel) else { return };
        if let Some(replies) = &channel.reply_consumer {
            self.reply_addresses.remove(&replies.address);
        }
        let mut unacknowledged = channel.take_all();
        // What an open transaction had acknowledged was not acknowledged.
        let held = channel.transaction.take().unwrap_or_default().settlements;
        unacknowledged.extend(held.into_iter().flat_map(|(_, taken)| taken));
        let mut consumers: Vec<u64> = channel.consumers.into_values().collect();
        consumers.sort_unstable();
        let mut queues: Vec<u64> = consumers.iter().filter_map(|id| Some(self.consumers.get(id)?.queue)).collect();
        consumers.into_iter().for_each(|consumer| self.remove_consumer(consumer, now));
        self.requeue(unacknowledged, now);
        queues.dedup();
        for queue in queues {
            self.dispatch(queue, now); // to a single active consumer that has taken over
            self.set_alarm(queue);
        }
    }

    fn perform(&mut self, at: At, method: AMQPClass, now: Moment) -> Result<(), Refusal> {
        match method {
            AMQPClass::Basic(method) => self.basic(at, method, now),
            AMQPClass::Queue(method) => match method {
                queue::AMQPMethod::Declare(declare) => self.queue_declare(at, declare, now),
                queue::AMQPMethod::Bind(bind) => self.queue_bind(at, bind),
                queue::AMQPMethod::Unbind(unbind) => self.queue_unbind(at, unbind),
                queue::AMQPMethod::Purge(purge) => self.queue_purge(at, purge, now),
                queue::AMQPMethod::Delete(delete) => self.queue_delete(at, delete, now),
                _ => Err(unimplemented()),
            },
            AMQPClass::Exchange(method) => match method {
                exchange::AMQPMethod::Declare(declare) => self.exchange_declare(at, declare),
                exchange::AMQPMethod::Delete(delete) => self.exchange_delete(at, delete),
                exchange::AMQPMethod::Bind(bind) => self.exchange_bind(at, bind),
                exchange::AMQPMethod::Unbind(unbind) => self.exchange_unbind(at, unbind),
                _ => Err(unimplemented()),
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
                _ => Err(unimplemented()),
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
                Err(unimplemented())
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
            _ => Err(unimplemented()),
        }
    }

    /// The moment at which [`Broker::tick`] should be called, if nothing else happens.
    pub(crate) fn next_alarm(&self) -> Option<Moment> {
        self.alarms.first().map(|(moment, _)| *moment)
    }

    /// Lets time pass: what has expired by now goes.
    pub(crate) fn tick(&mut self, now: Moment) {
        while let Some(&(moment, queue)) = self.alarms.first()
            && moment <= now
        {
            self.alarms.pop_first();
            let Some(known) = self.queues.get_mut(&queue) else { continue };
            known.alarm = NEVER;
            if known.own_expiry() <= now {
                self.delete_queue(queue);
            } else {
                self.expire(queue, now);
                self.set_alarm(queue);
            }
        }
        self.bury_the_dead(now);
        self.check_memory();
    }

    /// Sets the alarm clock for a queue to when something in it expires next.
    fn set_alarm(&mut self, id: u64) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let due = queue.next_expiry().min(queue.own_expiry());
        if due != queue.alarm {
            self.alarms.remove(&(queue.alarm, id));
            queue.alarm = due;
            if due != NEVER {
                self.alarms.insert((due, id));
            }
        }
    }

    fn channel(&mut self, at: At) -> Option<&mut Channel> {
        self.connections.get_mut(&at.connection)?.channels.get_mut(&at.channel)
    }

    /// Writes something down, if somebody reads it.
    fn note(&mut self, event: impl FnOnce() -> Event) {
        if let Some(journal) = &mut self.journal {
            journal.push(event());
        }
    }

    /// Starts or ends the journal.
    pub(crate) fn keep_journal(&mut self, keep: bool) {
        match (keep, &self.journal) {
            (true, None) => self.journal = Some(Vec::new()),
            (false, Some(_)) => self.journal = None,
            _ => {}
        }
    }

    /// What happened since the last call.
    pub(crate) fn take_journal(&mut self) -> Vec<Event> {
        self.journal.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

fn unimplemented() -> Refusal {
    ReplyCode::CommandInvalid.because("unimplemented method")
}

/// How much memory one of `copies` of a message is charged for: its share, and its place in the queue.
fn charge(message: &Message, copies: usize) -> u32 {
    const PLACE: usize = 48;
    u32::try_from(message.cost() / copies.max(1) + PLACE).unwrap_or(u32::MAX)
}
