//! What one sees who looks into the broker from outside.

use super::Simulation;
use amq_protocol::{protocol::BasicProperties, types::FieldTable};

/// Everything that the broker holds, and its clients. While the broker doesn't run there are only these.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The time in milliseconds since the start of 1970.
    pub now: u64,
    /// Whether the broker runs.
    pub running: bool,
    /// Bytes that clients make the broker keep.
    pub memory_used: usize,
    /// How many of these there may be before publishers are blocked.
    pub memory_limit: usize,
    /// Whether publishers are blocked.
    pub memory_alarm: bool,
    /// All exchanges by name; the first is the default one.
    pub exchanges: Vec<ExchangeView>,
    /// All bindings by source; those of the default exchange, one to each queue, go without saying.
    pub bindings: Vec<BindingView>,
    /// All queues by name.
    pub queues: Vec<QueueView>,
    /// All clients by name, those included that have lost their connection.
    pub clients: Vec<ClientView>,
}

/// An exchange.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // they are what they are in `exchange.declare`
pub struct ExchangeView {
    pub name: String,
    pub kind: &'static str,
    pub durable: bool,
    pub auto_delete: bool,
    pub internal: bool,
    pub arguments: FieldTable,
}

/// A binding.
#[derive(Clone, Debug)]
pub struct BindingView {
    /// The exchange that sorts.
    pub source: String,
    /// The queue or exchange that it leads to.
    pub destination: String,
    /// Whether that is an exchange.
    pub to_exchange: bool,
    /// The routing key or pattern.
    pub routing_key: String,
    /// Its arguments.
    pub arguments: FieldTable,
}

/// A queue.
#[derive(Clone, Debug)]
pub struct QueueView {
    /// Its name.
    pub name: String,
    /// It survives a restart.
    pub durable: bool,
    /// The client that alone may use it.
    pub owner: Option<String>,
    /// It goes with its last consumer.
    pub auto_delete: bool,
    /// What it was declared with.
    pub arguments: FieldTable,
    /// How many messages wait.
    pub ready: usize,
    /// How many were delivered and are not acknowledged.
    pub unacknowledged: usize,
    /// Its consumers, in the order of their turns.
    pub consumers: Vec<ConsumerView>,
    /// The first 100 of the messages that wait, the next one first.
    pub messages: Vec<MessageView>,
}

/// A consumer.
#[derive(Clone, Debug)]
pub struct ConsumerView {
    /// Whose it is.
    pub client: String,
    /// Its tag.
    pub tag: String,
    /// How many unacknowledged messages it may have; 0 is no limit.
    pub prefetch: u16,
    /// How many it has.
    pub unacknowledged: usize,
    /// Whether it needs no acknowledgements.
    pub no_ack: bool,
    /// Whether it is served: of a queue with a single active consumer only one is.
    pub active: bool,
}

/// A message that waits in a queue.
#[derive(Clone, Debug)]
pub struct MessageView {
    /// Its number.
    pub number: u64,
    /// The exchange that it was published to last.
    pub exchange: String,
    /// Its routing key.
    pub routing_key: String,
    /// Its properties, its deaths among the headers.
    pub properties: BasicProperties,
    /// Its body.
    pub body: Vec<u8>,
    /// It was delivered before.
    pub redelivered: bool,
    /// When it is too old, in milliseconds since the start of 1970.
    pub expires_at: Option<u64>,
}

/// A client.
#[derive(Clone, Debug)]
pub struct ClientView {
    /// Its name.
    pub name: String,
    /// It has a connection.
    pub connected: bool,
    /// It has a channel.
    pub has_channel: bool,
    /// The broker has blocked its connection, since it publishes while the memory is full.
    pub blocked: bool,
    /// How much it has said that the broker hasn't read, being blocked.
    pub unread: usize,
    /// Its messages are confirmed.
    pub confirms: bool,
    /// It has a transaction open.
    pub transactional: bool,
    /// What it was given and hasn't acknowledged.
    pub unacknowledged: Vec<UnacknowledgedView>,
}

/// A delivery that waits for its acknowledgement.
#[derive(Clone, Debug)]
pub struct UnacknowledgedView {
    /// Its tag.
    pub delivery_tag: u64,
    /// The message's number.
    pub number: u64,
    /// The queue it came from.
    pub queue: String,
    /// The consumer that got it; none for `basic.get`.
    pub consumer_tag: Option<String>,
}

impl Simulation {
    /// Everything as it is now.
    pub fn view(&self) -> View {
        let name_of = |id: u64| self.client_of(id).unwrap_or_default().to_owned();
        let mut view = self.broker.as_ref().map(|broker| broker.picture(name_of)).unwrap_or_default();
        (view.now, view.running, view.memory_limit) = (self.now, self.broker.is_some(), self.memory);
        for (name, client) in &self.clients {
            let mut seen = ClientView {
                name: name.to_string(),
                connected: client.connection.is_some(),
                has_channel: client.has_channel,
                blocked: false,
                unread: client.unread.len(),
                confirms: false,
                transactional: false,
                unacknowledged: Vec::new(),
            };
            if let (Some(id), Some(broker)) = (client.connection, &self.broker) {
                broker.look_at_client(id, super::CHANNEL, &mut seen);
            }
            view.clients.push(seen);
        }
        view
    }
}
