//! The state of the post office, and what each method of a client does to it: a method in, effects out.
//!
//! Nothing in here knows a socket, a task or a clock. Time comes in as an argument, and what a client should receive is
//! laid into its outbox, from where the server takes it. So all of it can be tested without a network. The parts:
//!
//! - `methods`: from a method to the part that does it, and what becomes of a mistake;
//! - `channels`, `queues`, `exchanges`, `bindings`: opening, declaring, binding, and the end of each;
//! - `publish`: from a message to the queues that it goes to, and its confirm;
//! - `limits`: refusing what is too much;
//! - `consume`: subscribing, getting, prefetch;
//! - `replies`: consumers without a queue, and how they are reached;
//! - `deliver`: from a queue to the consumer whose turn it is;
//! - `settle`: acknowledgements, requeues;
//! - `transactions`: what takes effect together;
//! - `dead_letter`: the second life of what a queue gives up;
//! - `alarms`: what happens because time passes;
//! - `timeouts`: taking back what isn't acknowledged in time;
//! - `outbox`: what lies ready for each client, and who has to wait;
//! - `view`: looking inside without changing anything.

mod alarms;
mod bindings;
mod channels;
mod consume;
mod dead_letter;
mod deliver;
mod exchanges;
mod limits;
mod methods;
mod outbox;
mod publish;
mod queues;
mod replies;
mod settle;
mod timeouts;
mod transactions;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use methods::Fatal;

use bindings::Bindings;
use replies::ReplyAddresses;

use crate::{
    channel::{At, Channel},
    effect::Outgoing,
    exchange::{Exchange, Kind},
    journal::Event,
    limits::ResourceLimits,
    message::Message,
    queue::{Moment, Queue},
};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::IpAddr,
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
    /// Milliseconds that a consumer of a quorum queue may take for an acknowledgement, unless it or its queue says so.
    pub(crate) consumer_timeout: u64,
    /// Whether a queue may be neither durable nor exclusive.
    pub(crate) transient_nonexcl_queues: bool,
    /// Whether the consumers of a channel may share one prefetch limit.
    pub(crate) global_qos: bool,
    /// What clients may have.
    pub(crate) resources: ResourceLimits,
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// The name that it gave its connection.
    pub(crate) name: Option<String>,
    /// Its address.
    pub(crate) peer: String,
    /// Whom limits per host are counted for; none on a loopback address, where each connection is counted by itself.
    pub(crate) address: Option<IpAddr>,
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
    /// The queues that it alone may use, and that go with it.
    queues: BTreeSet<u64>,
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
    priority: i64,
    /// How many unacknowledged messages it may have; 0 is no limit.
    prefetch: u16,
    in_flight: usize,
    /// Milliseconds that it may take for an acknowledgement.
    timeout: Option<u64>,
    /// How many messages were taken back from it that it has not settled since. Until then it gets no more.
    late: usize,
    /// It has settled those by a requeue, after which RabbitMQ forgets to serve it until it settles something else.
    forgotten: bool,
    /// It could not take a message when it was its turn.
    paused: bool,
    /// It was the single active consumer of a quorum queue, and gives way to one of higher priority as soon as it has
    /// acknowledged what it has.
    quiescing: bool,
}

impl Consumer {
    fn has_room(&self) -> bool {
        let is_served = self.late == 0 && !self.forgotten;
        // Without acknowledgements there is nothing to count.
        is_served && (self.no_ack || self.prefetch == 0 || self.in_flight < usize::from(self.prefetch))
    }
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
    bindings: Bindings,
    /// What each host has.
    usage: limits::Usage,
    /// Where direct replies go, by the name in the request's reply-to.
    reply_addresses: ReplyAddresses,
    /// Letters that a queue gave up and that are not sorted yet.
    dead: VecDeque<dead_letter::Dead>,
    /// When which queue has to be looked at.
    alarms: BTreeSet<(Moment, u64)>,
    /// When which delivery has to be acknowledged, by its channel and tag.
    deadlines: BTreeSet<(Moment, At, u64)>,
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
            ("amq.rabbitmq.log", Kind::Topic),
            ("amq.rabbitmq.trace", Kind::Topic),
        ];
        let exchanges = predeclared.map(|(name, kind)| {
            let mut exchange = Exchange::new(name.into(), kind);
            exchange.internal = name.starts_with("amq.rabbitmq.");
            (exchange.name.clone(), exchange)
        });
        Self {
            limits,
            connections: HashMap::new(),
            consumers: HashMap::new(),
            queues: HashMap::new(),
            queue_ids: HashMap::new(),
            exchanges: HashMap::from(exchanges),
            bindings: Bindings::default(),
            usage: limits::Usage::default(),
            reply_addresses: ReplyAddresses::new(),
            dead: VecDeque::new(),
            alarms: BTreeSet::new(),
            deadlines: BTreeSet::new(),
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
        self.usage.connections.add(client.host(id));
        let connection = Connection {
            client,
            channels: HashMap::new(),
            queues: BTreeSet::new(),
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
        let owned = self.connections.get_mut(&id).map(|connection| std::mem::take(&mut connection.queues));
        owned.into_iter().flatten().for_each(|queue| self.delete_queue(queue));
        self.route_dead_letters(now);
        self.usage.connections.remove(self.host(id));
        self.connections.remove(&id);
        self.note(|| Event::Disconnected { connection: id });
        self.check_memory();
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

/// How much memory one of `copies` of a message is charged for: its share, and its place in the queue.
fn charge(message: &Message, copies: usize) -> u32 {
    const PLACE: usize = 48;
    u32::try_from(message.cost() / copies.max(1) + PLACE).unwrap_or(u32::MAX)
}
