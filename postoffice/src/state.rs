//! What one sees who looks into the office: copies that can be kept, compared and printed.

#[cfg(feature = "server")]
use crate::{message::Message, properties::Properties};
use amq_protocol::{protocol::BasicProperties, types::FieldTable};

/// A queue, as `rabbitmqctl list_queues` would show it. [`PostOffice::queue`](crate::PostOffice::queue) gives it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct QueueState {
    /// Its name.
    pub name: String,
    /// How many messages wait to be delivered.
    pub ready: usize,
    /// How many were delivered and are not yet acknowledged.
    pub unacknowledged: usize,
    /// How many consumers take from it.
    pub consumers: usize,
    /// It survives a restart: of RabbitMQ, and of a post office with a [data folder](crate::Builder::data).
    pub durable: bool,
    /// It belongs to one connection and goes with it.
    pub exclusive: bool,
    /// It goes with its last consumer.
    pub auto_delete: bool,
    /// The arguments that it was declared with.
    pub arguments: FieldTable,
}

/// A message that waits in a queue. [`PostOffice::peek`](crate::PostOffice::peek) gives it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PeekedMessage {
    /// What it says.
    pub body: Vec<u8>,
    /// The exchange that it was published to; empty for the default one.
    pub exchange: String,
    /// The routing key that it was published with.
    pub routing_key: String,
    /// Its properties.
    pub properties: BasicProperties,
    /// It was delivered before and came back.
    pub redelivered: bool,
}

impl PeekedMessage {
    #[cfg(feature = "server")]
    pub(crate) fn copy_of(message: &Message, redelivered: bool) -> Self {
        let properties = message.properties_for_clients();
        Self {
            body: message.content.body().to_vec(),
            exchange: message.exchange().to_string(),
            routing_key: message.routing_key().into_owned(),
            properties: Properties::parse(&properties).unwrap_or_default().readable(),
            redelivered,
        }
    }
}

/// An exchange. [`PostOffice::exchanges`](crate::PostOffice::exchanges) gives it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExchangeState {
    /// Its name; empty for the default exchange.
    pub name: String,
    /// `direct`, `fanout`, `topic`, `headers` or `x-local-random`.
    pub kind: &'static str,
    /// It survives a restart; see [`QueueState::durable`].
    pub durable: bool,
    /// It goes with its last binding.
    pub auto_delete: bool,
    /// Clients can't publish to it, only other exchanges can.
    pub internal: bool,
    /// The arguments that it was declared with.
    pub arguments: FieldTable,
    /// Where it sends what. The default exchange knows every queue by its name, which isn't listed.
    pub bindings: Vec<BindingState>,
}

/// A rule of an exchange, one of its [bindings](ExchangeState::bindings).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct BindingState {
    /// The key or pattern; a fanout exchange ignores it.
    pub routing_key: String,
    /// The queue or exchange that it leads to.
    pub destination: String,
    /// Whether that is an exchange.
    pub to_exchange: bool,
}

/// An open connection. [`PostOffice::connections`](crate::PostOffice::connections) gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionState {
    /// Its number; no other connection of this office has it, before or after.
    pub id: u64,
    /// The name that the client gave it, if it did.
    pub name: Option<String>,
    /// The client's address.
    pub peer: String,
    /// The user that logged in.
    pub user: String,
    /// How many channels are open.
    pub channels: usize,
    /// How many deliveries are not yet acknowledged.
    pub unacknowledged: usize,
    /// It tried to publish while the memory was full, and has to wait.
    pub blocked: bool,
}
