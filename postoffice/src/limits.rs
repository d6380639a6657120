//! How much clients may have: limits of the whole broker, of a connection, a channel, a queue, and of one host. Refusing
//! what is too much is the broker's part.

use std::{fmt, net::IpAddr};

/// How much clients may have; [`Builder::limits`](crate::Builder::limits) sets it. Where RabbitMQ has the same limit, the
/// refusal has its words. Unless said otherwise, there is no limit but the one of 1,000,000 queues, exchanges, bindings and
/// consumers together.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use lapin::{Connection, ConnectionProperties, options::QueueDeclareOptions, types::FieldTable};
/// use postoffice::{PostOffice, ResourceLimits};
///
/// let limits = ResourceLimits { max_queues: 0, ..ResourceLimits::default() };
/// let office = PostOffice::builder().limits(limits).open().await?;
/// let connection = Connection::connect(&office.uri(), ConnectionProperties::default()).await?;
/// let channel = connection.create_channel().await?;
/// let declared = channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default());
/// let refusal = declared.await.unwrap_err().to_string();
/// assert!(refusal.ends_with(
///     "PRECONDITION_FAILED - cannot declare queue 'hello': queue limit in vhost '/' (0) is reached"
/// ));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Open connections, as RabbitMQ's `max_connections`; 10,000 unless you say otherwise. As many sockets again may be in
    /// their handshake; one more is closed without a word.
    pub max_connections: usize,
    /// Channels of a connection, as RabbitMQ's `max_channels_per_connection`; 2,047 unless you say otherwise.
    pub max_channels_per_connection: u16,
    /// Consumers of a channel, as RabbitMQ's `consumer_max_per_channel`.
    pub max_consumers_per_channel: usize,
    /// Deliveries of a channel that wait for an acknowledgement, as if the client had set no more for its channel with
    /// `basic.qos`. Consumers wait until there is room; `basic.get` is refused. RabbitMQ has no such limit.
    pub max_unacknowledged_per_channel: usize,
    /// Queues, as the limit `max-queues` of a virtual host.
    pub max_queues: usize,
    /// Messages that wait in a queue, as `max-length` of an operator policy: a queue with a higher `x-max-length`, or none,
    /// is limited to this, and its `x-overflow` says what becomes of one message more.
    pub max_length: Option<u64>,
    /// Exchanges with those that are there from the start, as RabbitMQ's `cluster_exchange_limit`.
    pub max_exchanges: usize,
    /// What one host may have.
    pub per_host: HostLimits,
}

/// What one host may have: all connections from one address, and everything that exists because one of them has declared
/// it. On a loopback address each connection counts as a host of its own. RabbitMQ has no such limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLimits {
    /// Open connections. As many sockets again may be in their handshake.
    pub max_connections: usize,
    /// Queues.
    pub max_queues: usize,
    /// Exchanges.
    pub max_exchanges: usize,
    /// Bindings.
    pub max_bindings: usize,
    /// Methods that it may send in a second; a host that is faster is read more slowly. Two seconds' worth may come at once.
    pub requests_per_second: Option<u32>,
    /// The same for bytes.
    pub bytes_per_second: Option<u32>,
}

impl Default for ResourceLimits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_channels_per_connection: 2_047,
            max_consumers_per_channel: usize::MAX,
            max_unacknowledged_per_channel: usize::MAX,
            max_queues: usize::MAX,
            max_length: None,
            max_exchanges: usize::MAX,
            per_host: HostLimits::default(),
        }
    }
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            max_connections: usize::MAX,
            max_queues: usize::MAX,
            max_exchanges: usize::MAX,
            max_bindings: usize::MAX,
            requests_per_second: None,
            bytes_per_second: None,
        }
    }
}

/// Whom limits per host are counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    Address(IpAddr),
    /// A connection on a loopback address, by its number.
    Connection(u64),
}

impl Host {
    /// For whom counts what was read from a data folder; no connection has this number.
    pub(crate) const NOBODY: Self = Self::Connection(0);
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "host {address}"),
            Self::Connection(_) => f.write_str("this connection"),
        }
    }
}
