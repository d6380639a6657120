//! The broker without a network: clients by name, a clock that goes on when it is told to, and everything that a client
//! would receive as values. The same calls give the same answers, whatever machine they are made on.
//!
//! It does for a broker what the server does: takes what lies in the outboxes, stores what is to be stored (in memory), lets
//! clients wait that publish while the memory is full, and fires the timers. Each client is one connection with one channel.
//!
//! ```
//! use amq_protocol::protocol::{AMQPClass, BasicProperties, queue};
//! use postoffice::simulation::{Options, Publication, Simulation};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut simulation = Simulation::new(Options::default());
//! simulation.connect("anna")?;
//! let declare = queue::Declare { queue: "hello".into(), durable: true, ..no_flags() };
//! simulation.call("anna", AMQPClass::Queue(queue::AMQPMethod::Declare(declare)))?;
//! simulation.publish("anna", Publication { routing_key: "hello".into(), body: b"Hi!".to_vec(), ..Publication::default() })?;
//! assert_eq!(simulation.view().queues[0].ready, 1);
//! # Ok(())
//! # }
//! # fn no_flags() -> queue::Declare {
//! #     let arguments = Default::default();
//! #     let (passive, durable, exclusive, auto_delete, nowait) = (false, false, false, false, false);
//! #     queue::Declare { queue: "".into(), passive, durable, exclusive, auto_delete, nowait, arguments }
//! # }
//! ```

mod disk;
mod input;
mod view;

pub use input::Publication;
pub use view::{BindingView, ClientView, ConsumerView, ExchangeView, MessageView, QueueView, UnacknowledgedView, View};

use crate::{
    broker::{Broker, Client, Fatal, Limits, Restore},
    effect::Outgoing,
    error::{Refusal, ReplyCode, short},
    journal::Event,
    limits::ResourceLimits,
    message::Message,
    properties::Properties,
    queue::Moment,
    randomness::Randomness,
    table::Table,
};
use amq_protocol::protocol::{AMQPClass, BasicProperties, channel, connection};
use disk::Disk;
use input::{CHANNEL, Input};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Arc,
};

/// So many turns the broker gets for one thing that happens. What is left then goes on with the next.
const TURNS: usize = 1_000;

/// The memory that clients may fill, unless [`Simulation::set_memory_limit`] says otherwise: 64 MiB.
const MEMORY: usize = 64 << 20;

/// What a simulation starts with.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What the names that the broker invents come from.
    pub seed: u64,
    /// The time in milliseconds since the start of 1970.
    pub now: u64,
    /// Whether a queue may be neither durable nor exclusive, which RabbitMQ refuses from 4.3 on.
    pub transient_nonexcl_queues: bool,
    /// Whether `basic.qos` may set one limit for all consumers of a channel, which RabbitMQ ignores from 4.3 on.
    pub global_qos: bool,
}

impl Default for Options {
    /// What RabbitMQ 4.3 permits, on 1 January 2026.
    fn default() -> Self {
        Self { seed: 1, now: 1_767_225_600_000, transient_nonexcl_queues: false, global_qos: false }
    }
}

/// Why something can't be done: nothing that a broker would say, since it doesn't come to that.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mistake {
    /// No client has this name.
    NoSuchClient(String),
    /// The client has a connection.
    IsConnected(String),
    /// The client has none any more.
    IsNotConnected(String),
    /// The broker, or the client, has closed the client's channel.
    ChannelIsClosed(String),
    /// The client's channel is open.
    ChannelIsOpen(String),
    /// The broker runs.
    IsRunning,
    /// The broker was stopped, or has crashed.
    IsNotRunning,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchClient(name) => write!(f, "there is no client '{name}': connect it first"),
            Self::IsConnected(name) => {
                write!(f, "'{name}' is connected already: choose another name, or close it first")
            }
            Self::IsNotConnected(name) => write!(f, "'{name}' has lost its connection: connect it again"),
            Self::ChannelIsClosed(name) => write!(f, "the channel of '{name}' is closed: reopen it first"),
            Self::ChannelIsOpen(name) => write!(f, "the channel of '{name}' is open"),
            Self::IsRunning => f.write_str("the broker runs already"),
            Self::IsNotRunning => f.write_str("the broker doesn't run: start it first"),
        }
    }
}

impl std::error::Error for Mistake {}

/// Something that a client receives.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// When, in milliseconds since the start of 1970.
    pub at: u64,
    /// Who.
    pub client: Arc<str>,
    /// What: a method, and the message that comes with some of them.
    pub method: AMQPClass,
    /// The message of `basic.deliver`, `basic.get-ok` and `basic.return`.
    pub content: Option<Content>,
}

/// A message on its way to a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// Its number, which it keeps on its way through queues. See [`Event::Published`].
    pub number: u64,
    /// Its properties.
    pub properties: BasicProperties,
    /// What it says.
    pub body: Vec<u8>,
}

/// Something that happened in the broker, or to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The broker's own journal.
    Event(Event),
    /// It was stopped in good order.
    Stopped,
    /// It has crashed.
    Crashed,
    /// It was started again.
    Started,
}

/// A broker with its clients, its clock and its disk.
#[derive(Debug)]
pub struct Simulation {
    options: Options,
    now: Moment,
    memory: usize,
    broker: Option<Broker>,
    disk: Disk,
    clients: BTreeMap<Arc<str>, ClientState>,
    /// Which client each connection is, or was.
    names: BTreeMap<u64, Arc<str>>,
    replies: Vec<Reply>,
    journal: Vec<(Moment, Happening)>,
    /// How often it was started: what it invents after a restart is new.
    starts: u64,
    /// The last id of a connection: no later one has it, after a restart either.
    work_left: bool,
}

/// What a client knows of itself.
#[derive(Debug, Default)]
struct ClientState {
    /// The broker's number for its connection, as long as it has one.
    connection: Option<u64>,
    has_channel: bool,
    /// What it has said and the broker doesn't read, because it has blocked the connection.
    unread: VecDeque<Input>,
}

impl Simulation {
    /// A broker that nobody has used, and that runs.
    pub fn new(options: Options) -> Self {
        let mut simulation = Self {
            options,
            now: options.now,
            memory: MEMORY,
            broker: None,
            disk: Disk::default(),
            clients: BTreeMap::new(),
            names: BTreeMap::new(),
            replies: Vec::new(),
            journal: Vec::new(),
            starts: 0,
            work_left: false,
        };
        simulation.open(false);
        simulation
    }

    /// The time in milliseconds since the start of 1970.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Opens a connection and a channel.
    ///
    /// # Errors
    /// [`Mistake::IsConnected`], [`Mistake::IsNotRunning`].
    pub fn connect(&mut self, name: &str) -> Result<(), Mistake> {
        let now = self.now;
        if self.clients.get(name).is_some_and(|known| known.connection.is_some()) {
            return Err(Mistake::IsConnected(name.to_owned()));
        }
        let broker = self.broker.as_mut().ok_or(Mistake::IsNotRunning)?;
        let client = Client {
            name: Some(name.to_owned()),
            peer: name.to_owned(),
            address: None,
            user: "guest".into(),
            consumer_cancel_notify: true,
            connection_blocked: true,
            channel_max: 1,
        };
        let id = broker.connect(client, now);
        let name: Arc<str> = name.into();
        self.names.insert(id, name.clone());
        let state = ClientState { connection: Some(id), has_channel: true, unread: VecDeque::new() };
        self.clients.insert(name, state);
        self.run(id, Input::open_channel());
        self.settle();
        Ok(())
    }

    /// Opens a channel again after the broker has closed it.
    ///
    /// # Errors
    /// [`Mistake::ChannelIsOpen`], or that the client isn't connected.
    pub fn reopen(&mut self, name: &str) -> Result<(), Mistake> {
        let client = self.connected(name)?;
        if client.has_channel {
            return Err(Mistake::ChannelIsOpen(name.to_owned()));
        }
        client.has_channel = true;
        client.unread.push_back(Input::open_channel());
        self.listen_to(name);
        Ok(())
    }

    /// Has a client say something on its channel: any method but `basic.publish`, and those of a connection.
    ///
    /// # Errors
    /// [`Mistake::ChannelIsClosed`], or that the client isn't connected. What the broker refuses is no mistake of this kind, but a
    /// [`Reply`].
    pub fn call(&mut self, name: &str, method: AMQPClass) -> Result<(), Mistake> {
        self.say(name, Input::method(method))
    }

    /// Has a client publish a message.
    ///
    /// # Errors
    /// As [`Simulation::call`].
    pub fn publish(&mut self, name: &str, publication: Publication) -> Result<(), Mistake> {
        self.say(name, Input::publish(publication))
    }

    fn say(&mut self, name: &str, input: Input) -> Result<(), Mistake> {
        let client = self.connected(name)?;
        if !client.has_channel {
            return Err(Mistake::ChannelIsClosed(name.to_owned()));
        }
        client.has_channel = !input.closes_channel();
        client.unread.push_back(input);
        self.listen_to(name);
        Ok(())
    }

    /// Has a client close its connection in good order (`connection.close`).
    ///
    /// # Errors
    /// That the client isn't connected.
    pub fn close(&mut self, name: &str) -> Result<(), Mistake> {
        self.connected(name)?.unread.push_back(Input::Close);
        self.listen_to(name);
        Ok(())
    }

    /// Cuts a client's connection, as a network does that fails: nobody says a word.
    ///
    /// # Errors
    /// That the client isn't connected.
    pub fn cut(&mut self, name: &str) -> Result<(), Mistake> {
        self.connected(name)?;
        self.leave(name);
        self.settle();
        Ok(())
    }

    /// Lets time pass; what is due on the way happens in its order.
    pub fn advance(&mut self, milliseconds: u64) {
        let end = self.now.saturating_add(milliseconds);
        self.settle();
        while let Some(due) = self.due().filter(|&due| due <= end) {
            self.now = self.now.max(due);
            let now = self.now;
            self.with(|broker| broker.tick(now));
            self.settle();
            if self.work_left {
                break;
            }
        }
        self.now = end;
    }

    /// How many milliseconds from now something is due, if nothing else happens before.
    pub fn next(&self) -> Option<u64> {
        self.due().map(|due| due.saturating_sub(self.now))
    }

    fn due(&self) -> Option<Moment> {
        let broker = self.broker.as_ref()?;
        if self.work_left { Some(self.now) } else { broker.next_timer() }
    }

    /// Stops the broker in good order: each client is told `320 CONNECTION_FORCED`.
    ///
    /// # Errors
    /// [`Mistake::IsNotRunning`].
    pub fn stop(&mut self) -> Result<(), Mistake> {
        if self.broker.is_none() {
            return Err(Mistake::IsNotRunning);
        }
        let text = "broker forced connection closure with reason 'shutdown'";
        let refusal = ReplyCode::ConnectionForced.because(text);
        for name in self.open_clients() {
            self.force_close(&name, &refusal, (0, 0));
            self.settle();
        }
        self.broker = None;
        self.disk.is_clean = true;
        self.note(Happening::Stopped);
        Ok(())
    }

    /// Ends the broker as a crash of its machine does: nobody is told, and what is on disk is there at the next start.
    ///
    /// # Errors
    /// [`Mistake::IsNotRunning`].
    pub fn crash(&mut self) -> Result<(), Mistake> {
        self.broker.take().ok_or(Mistake::IsNotRunning)?;
        self.disk.is_clean = false;
        self.note(Happening::Crashed);
        for name in self.open_clients() {
            if let Some(connection) = self.clients.get_mut(&name).and_then(|client| std::mem::take(client).connection) {
                self.note(Happening::Event(Event::Disconnected { connection }));
            }
        }
        self.work_left = false;
        Ok(())
    }

    /// Starts the broker again, with what is on its disk.
    ///
    /// # Errors
    /// [`Mistake::IsRunning`].
    pub fn start(&mut self) -> Result<(), Mistake> {
        if self.broker.is_some() {
            return Err(Mistake::IsRunning);
        }
        self.open(true);
        self.note(Happening::Started);
        self.settle();
        Ok(())
    }

    fn open(&mut self, again: bool) {
        self.starts += 1;
        let limits = Limits {
            memory: self.memory,
            message: input::MESSAGE_LIMIT,
            objects: 1_000_000,
            consumer_timeout: 30 * 60 * 1000,
            transient_nonexcl_queues: self.options.transient_nonexcl_queues,
            global_qos: self.options.global_qos,
            resources: ResourceLimits::default(),
        };
        let randomness = Randomness::seeded(self.options.seed.wrapping_mul(self.starts));
        let mut broker = Broker::with_randomness(limits, randomness);
        if again {
            broker.reserve_ids(self.names.last_key_value().map_or(0, |(&id, _)| id), self.disk.last_message());
        }
        let mut restore = Restore::into(broker, self.now);
        // What was written by a broker can be read by one.
        let _ = restore.begin(self.disk.definitions());
        self.disk.messages(|message| restore.message(message));
        let mut broker = restore.finish();
        broker.keep_journal(true);
        self.broker = Some(broker);
    }

    /// Sets how many bytes clients may make the broker keep. Over them those who publish are blocked.
    pub fn set_memory_limit(&mut self, bytes: usize) {
        self.memory = bytes;
        let now = self.now;
        self.with(|broker| broker.set_memory_limit(bytes, now));
        self.settle();
    }

    /// What clients have received since the last call, in order.
    pub fn take_replies(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.replies)
    }

    /// What has happened since the last call, in order, and when.
    pub fn take_journal(&mut self) -> Vec<(u64, Happening)> {
        std::mem::take(&mut self.journal)
    }

    /// The name of the client that has, or had, the connection with this number.
    pub fn client_of(&self, connection: u64) -> Option<&str> {
        self.names.get(&connection).map(|name| &**name)
    }

    fn note(&mut self, happening: Happening) {
        self.journal.push((self.now, happening));
    }

    fn open_clients(&self) -> Vec<Arc<str>> {
        let open = self.clients.iter().filter_map(|(name, client)| Some((client.connection?, name.clone())));
        let by_age: BTreeMap<u64, Arc<str>> = open.collect();
        by_age.into_values().collect()
    }

    fn connected(&mut self, name: &str) -> Result<&mut ClientState, Mistake> {
        if self.broker.is_none() && self.clients.contains_key(name) {
            return Err(Mistake::IsNotRunning);
        }
        let client = self.clients.get_mut(name).ok_or_else(|| Mistake::NoSuchClient(name.to_owned()))?;
        match client.connection {
            Some(_) => Ok(client),
            None => Err(Mistake::IsNotConnected(name.to_owned())),
        }
    }

    fn with<T: Default>(&mut self, run: impl FnOnce(&mut Broker) -> T) -> T {
        self.broker.as_mut().map(run).unwrap_or_default()
    }

    /// Reads what a client has said, until it is blocked, and does what follows.
    fn listen_to(&mut self, name: &str) {
        self.read(name);
        self.settle();
    }

    fn read(&mut self, name: &str) {
        let now = self.now;
        while let Some(client) = self.clients.get_mut(name)
            && let Some(id) = client.connection
            && let Some(broker) = &mut self.broker
            && !broker.is_blocked(id)
            && let Some(input) = client.unread.pop_front()
        {
            let is_full = broker.is_alarmed() || broker.ledger().held() > self.memory;
            if input.is_publish() && is_full && broker.block(id, now) {
                client.unread.push_front(input);
                return;
            }
            self.run(id, input);
        }
    }

    /// Runs what a client has said against the broker.
    fn run(&mut self, id: u64, input: Input) {
        let now = self.now;
        let Some(broker) = &mut self.broker else { return };
        let outcome = match input {
            Input::Close => {
                let Some(name) = self.names.get(&id).cloned() else { return };
                self.leave(&name);
                let ok = connection::AMQPMethod::CloseOk(connection::CloseOk {});
                return self.hand_over(&name, AMQPClass::Connection(ok), None);
            }
            Input::Method { ids, method, table } => {
                broker.method(id, CHANNEL, ids, *method, Table::checked(&table), now)
            }
            Input::Publish { publish, content } => broker.publish(id, CHANNEL, &publish, content, now),
            Input::Refused { ids, refusal } => broker.refuse(id, CHANNEL, ids, refusal, now),
        };
        if let Err(Fatal { refusal, class_id, method_id }) = outcome
            && let Some(name) = self.names.get(&id).cloned()
        {
            self.force_close(&name, &refusal, (class_id, method_id));
        }
    }

    /// Does what follows from what has happened, until nothing more does.
    fn settle(&mut self) {
        let mut woken = Vec::new();
        for _ in 0..TURNS {
            let now = self.now;
            let Some(broker) = &mut self.broker else { return };
            if let Some((batch, ops)) = broker.take_store_ops() {
                self.disk.write(ops);
                broker.stored(batch);
            }
            let events = broker.take_journal();
            self.journal.extend(events.into_iter().map(|event| (now, Happening::Event(event))));
            self.work_left = broker.end_turn(&mut woken);
            if woken.is_empty() && !self.work_left {
                return;
            }
            if self.work_left {
                broker.resume_dead_letters(now);
            }
            for id in woken.drain(..) {
                self.serve(id);
            }
        }
        self.work_left = true;
    }

    /// Something lies ready for a client, or it may go on.
    fn serve(&mut self, id: u64) {
        let Some(name) = self.names.get(&id).cloned() else { return };
        if let Some(refusal) = self.broker.as_ref().and_then(|broker| broker.close_reason(id)) {
            return self.force_close(&name, &refusal, (0, 0));
        }
        let (now, mut outbox) = (self.now, Vec::new());
        self.with(|broker| broker.take_outbox(id, &mut outbox, now));
        outbox.into_iter().for_each(|outgoing| self.receive(&name, outgoing));
        self.read(&name);
    }

    /// A client is gone: it gets what lay ready for it, unless its connection was cut.
    fn leave(&mut self, name: &str) -> Option<u64> {
        let client = self.clients.get_mut(name)?;
        let id = std::mem::take(client).connection?;
        let now = self.now;
        self.with(|broker| broker.disconnect(id, now));
        Some(id)
    }

    /// The broker closes a client's connection.
    fn force_close(&mut self, name: &Arc<str>, refusal: &Refusal, (class_id, method_id): (u16, u16)) {
        let Some(id) = self.clients.get(name).and_then(|client| client.connection) else { return };
        let mut outbox = Vec::new();
        self.with(|broker| broker.empty_outbox(id, &mut outbox));
        outbox.into_iter().for_each(|outgoing| self.receive(name, outgoing));
        self.leave(name);
        let (reply_code, reply_text) = (refusal.code as u16, short(&refusal.text));
        let close = connection::Close { reply_code, reply_text, class_id, method_id };
        self.hand_over(name, AMQPClass::Connection(connection::AMQPMethod::Close(close)), None);
    }

    /// A client receives something; to the end of its channel it agrees.
    fn receive(&mut self, name: &Arc<str>, outgoing: Outgoing) {
        let (method, message) = input::as_method(outgoing.effect);
        let is_close = matches!(method, AMQPClass::Channel(channel::AMQPMethod::Close(_)));
        self.hand_over(name, method, message.as_deref());
        if is_close && let Some(client) = self.clients.get_mut(name) {
            client.has_channel = false;
            // What it had said since counts for nothing.
            client.unread.retain(|input| matches!(input, Input::Close));
            if let Some(id) = client.connection {
                self.run(id, Input::method(AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {}))));
            }
        }
    }

    fn hand_over(&mut self, name: &Arc<str>, method: AMQPClass, message: Option<&Message>) {
        let content = message.map(|message| Content {
            number: message.number,
            properties: readable(message),
            body: message.content.body().to_vec(),
        });
        self.replies.push(Reply { at: self.now, client: name.clone(), method, content });
    }
}

/// A message's properties as a client gets them.
fn readable(message: &Message) -> BasicProperties {
    let raw = message.properties_for_clients();
    Properties::parse(&raw).map(|properties| properties.readable()).unwrap_or_default() // they were read when they came
}
