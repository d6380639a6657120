//! The state of the post office, and what each method of a client does to it: a method in, effects out.
//!
//! Nothing in here knows a socket, a task or a clock. Time comes in as an argument, and what a client should receive is
//! laid into its outbox, from where the server takes it. So all of it can be tested without a network. Whatever comes in is a
//! transaction, which ends in one place, [`Broker::commit`]. The parts:
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
//! - `dead_letter`: the second life of what a queue gives up, and `backlog`: what of that has to wait;
//! - `timers`: what happens because time passes;
//! - `timeouts`: taking back what isn't acknowledged in time;
//! - `outbox`: what lies ready for each client, and who has to wait for it to read;
//! - `memory`: who has to wait, and who is refused, while the memory is full;
//! - `durable`: what survives, collected as it changes; `restore`: put back at the start;
//! - `picture`: all of it, for somebody who draws it;
//! - `view`: looking inside without changing anything.

mod backlog;
mod bindings;
mod channels;
mod consume;
mod dead_letter;
mod deliver;
mod durable;
mod exchanges;
mod limits;
mod memory;
mod methods;
mod outbox;
mod picture;
mod publish;
mod queues;
mod replies;
mod restore;
mod settle;
mod timeouts;
mod timers;
mod transactions;
#[cfg(feature = "server")]
mod view;

#[cfg(test)]
mod tests;

pub(crate) use methods::Fatal;
pub(crate) use restore::Restore;

use backlog::{Backlog, STEPS_IN_A_TURN};
use bindings::Bindings;
use durable::StoreLog;
use outbox::Outbox;
use replies::ReplyAddresses;

use crate::{
    channel::{At, Channel},
    error::Refusal,
    exchange::{Exchange, Kind},
    journal::Event,
    ledger::{Account, Charge, Ledger},
    limits::ResourceLimits,
    queue::{Moment, Queue},
    randomness::Randomness,
};
use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    sync::Arc,
};

/// What the broker allows itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes that clients may make the broker keep. Over them publishers are blocked.
    pub(crate) memory: usize,
    /// Bytes of one message's body.
    #[cfg_attr(not(feature = "server"), allow(dead_code))] // what the server alone reads
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
    pub(crate) consumer_cancel_notify: bool,
    /// It wants to be told when it is blocked.
    pub(crate) connection_blocked: bool,
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
    outbox: Outbox,
    /// What its task charges for messages of which a part is still to come.
    half_sent: Arc<Charge>,
    /// A consumer had to wait because the outbox was full.
    has_paused_consumers: bool,
    /// It was told that it is blocked.
    blocked: bool,
    /// Why it has to be closed; it has no say any more.
    close_reason: Option<Refusal>,
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
    _charge: Charge,
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
    /// What queues gave up and what is not routed yet.
    dead_letters: Backlog,
    /// Which connection or queue has caused the transaction at hand.
    origin: u64,
    /// How many steps of dead-lettering this turn has left.
    steps_left: usize,
    #[cfg(test)]
    steps_taken: usize,
    /// When which queue has to be looked at.
    timers: BTreeSet<(Moment, u64)>,
    /// When which delivery has to be acknowledged, by its channel and tag.
    deadlines: BTreeSet<(Moment, At, u64)>,
    /// Connections with something new in their outbox.
    woken: Vec<u64>,
    /// All bytes that clients make the broker keep.
    ledger: Arc<Ledger>,
    /// What is to be stored; nothing where nothing is.
    store: StoreLog,
    /// Publishers have to wait for room in memory.
    memory_alarm: bool,
    /// And on disk.
    disk_alarm: bool,
    /// Somebody began to wait, or is gone: it has to be seen whether waiting can make room.
    recheck_pinned: bool,
    last_id: u64,
    /// The number of the message that came last.
    last_message: u64,
    randomness: Randomness,
    /// What happened, as long as somebody wants to know.
    journal: Option<Vec<Event>>,
}

impl Broker {
    #[cfg(feature = "server")]
    pub(crate) fn new(limits: Limits) -> Self {
        Self::with_randomness(limits, Randomness::default())
    }

    pub(crate) fn with_randomness(limits: Limits, randomness: Randomness) -> Self {
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
        let ledger = Arc::new(Ledger::default());
        let exchanges = predeclared.map(|(name, kind)| {
            let mut exchange = Exchange::new(name.into(), kind, &ledger);
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
            reply_addresses: ReplyAddresses::new(&randomness),
            randomness,
            dead_letters: Backlog::default(),
            origin: 0,
            steps_left: STEPS_IN_A_TURN,
            #[cfg(test)]
            steps_taken: 0,
            timers: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            woken: Vec::new(),
            ledger,
            store: StoreLog::default(),
            memory_alarm: false,
            disk_alarm: false,
            recheck_pinned: false,
            last_id: 0,
            last_message: 0,
            journal: None,
        }
    }

    /// A number for a message that has come in.
    fn new_message_number(&mut self) -> u64 {
        self.last_message += 1;
        self.last_message
    }

    fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Runs one transaction: something that a client does, or that the passing of time or the owner of the broker causes.
    /// Everything that changes the broker comes through here. `origin` is the connection or the queue that the work which
    /// follows is counted for.
    fn transact<T>(&mut self, origin: u64, now: Moment, operation: impl FnOnce(&mut Self) -> T) -> T {
        self.origin = origin;
        let result = operation(self);
        self.commit(now);
        result
    }

    /// Ends a transaction, and is the only place that does: routes what it made queues give up, then checks the memory. When
    /// it returns, everything that the transaction changed is changed, and what is to be sent to clients lies in their
    /// outboxes; nothing of it is sent, since the server takes from those later. Whoever has to store messages
    /// before they are confirmed collects them here.
    ///
    /// Routing is bounded: a turn (from one [`Broker::end_turn`] to the next, while others wait for the lock) has a number
    /// of steps. What they don't reach goes on in later turns, each origin in its own order.
    fn commit(&mut self, now: Moment) {
        self.route_dead_letters(now);
        self.check_memory();
    }

    /// Ends a turn: gives the connections that have something new in their outbox since the last one, and says whether work
    /// is left that [`Broker::resume_dead_letters`] has to go on with.
    pub(crate) fn end_turn(&mut self, woken: &mut Vec<u64>) -> bool {
        woken.append(&mut self.woken);
        self.steps_left = STEPS_IN_A_TURN;
        self.dead_letters.is_unfinished()
    }

    /// A client has been let in.
    pub(crate) fn connect(&mut self, client: Client, now: Moment) -> u64 {
        let id = self.new_id();
        self.transact(id, now, |broker| {
            broker.note(|| Event::Connected { connection: id, name: client.name.clone(), peer: client.peer.clone() });
            broker.usage.connections.add(client.host(id));
            let connection = Connection {
                client,
                channels: HashMap::new(),
                queues: BTreeSet::new(),
                outbox: Outbox::new(&broker.ledger),
                half_sent: Arc::new(Charge::new(&broker.ledger, Account::Transfers, 0)),
                has_paused_consumers: false,
                blocked: false,
                close_reason: None,
            };
            broker.connections.insert(id, connection);
        });
        id
    }

    /// A connection is closed or lost: what it had not acknowledged goes back, its exclusive queues go away.
    pub(crate) fn disconnect(&mut self, id: u64, now: Moment) {
        self.transact(id, now, |broker| {
            let Some(connection) = broker.connections.get(&id) else { return };
            let mut channels: Vec<u16> = connection.channels.keys().copied().collect();
            channels.sort_unstable();
            let channels: Vec<At> = channels.into_iter().map(|channel| At { connection: id, channel }).collect();
            broker.close_channels(&channels, now);
            let owned = broker.connections.get_mut(&id).map(|connection| std::mem::take(&mut connection.queues));
            owned.into_iter().flatten().for_each(|queue| broker.delete_queue(queue));
            broker.usage.connections.remove(broker.host(id));
            broker.connections.remove(&id).into_iter().for_each(|gone| gone.half_sent.resize(0));
            broker.note(|| Event::Disconnected { connection: id });
            broker.recheck_pinned = true;
        });
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
