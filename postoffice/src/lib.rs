//! A small, true AMQP 0-9-1 broker: a post office to open in a test, on a laptop, in a lesson.
//!
//! It speaks the protocol as RabbitMQ 3.10 does: the same replies, the same errors in the same words, the same order.
//! It keeps everything in memory: **what is in it when it closes is gone.** It is meant for learning and for tests, not
//! for mail that matters.
//!
//! ```
//! use lapin::{BasicProperties, Connection, ConnectionProperties, options::*, types::FieldTable};
//! use postoffice::PostOffice;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let office = PostOffice::open().await?;
//!
//! let connection = Connection::connect(&office.uri(), ConnectionProperties::default()).await?;
//! let channel = connection.create_channel().await?;
//! channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
//! channel.confirm_select(ConfirmSelectOptions::default()).await?;
//! channel
//!     .basic_publish("".into(), "hello".into(), BasicPublishOptions::default(), b"Hi!", BasicProperties::default())
//!     .await?
//!     .await?;
//!
//! assert_eq!(office.queue("hello")?.ready, 1);
//! assert_eq!(office.peek("hello")?[0].body, b"Hi!");
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod arguments;
mod assembly;
mod broker;
mod channel;
mod connection;
mod effect;
mod encoder;
mod equivalence;
mod erlang;
mod error;
mod exchange;
mod expiration;
mod handshake;
mod headers;
mod journal;
mod message;
mod pace;
mod properties;
mod queue;
mod rota;
mod server;
mod state;
mod table;
mod topic;
mod trace;
mod wire;

pub use crate::{
    error::Error,
    journal::{Event, Journal},
    state::{BindingState, ConnectionState, ExchangeState, Letter, QueueState},
};
pub use amq_protocol::{
    protocol::BasicProperties,
    types::{AMQPValue, FieldTable},
};

use crate::{
    broker::Limits,
    handshake::Credentials,
    server::{Options, Server},
    trace::Trace,
};
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// How long clients get to agree when the office closes.
const PATIENCE: Duration = Duration::from_secs(3);

/// An open post office. Dropping it closes it at once and frees its port; [`PostOffice::close`] tells the clients first.
///
/// Many of them can be open in one process; none knows of another.
pub struct PostOffice {
    server: Server,
    credentials: Credentials,
}

impl PostOffice {
    /// Opens an office on a free port of 127.0.0.1, for the user `guest` with the password `guest`. It is ready for
    /// clients when this returns. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Listen`] if the system gives no port.
    pub async fn open() -> Result<Self, Error> {
        Self::builder().open().await
    }

    /// Opens an office with an address, credentials and limits of your own.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), postoffice::Error> {
    /// let office = postoffice::PostOffice::builder().credentials("anna", "secret").memory_limit(1 << 20).open().await?;
    /// assert!(office.uri().starts_with("amqp://anna:secret@127.0.0.1:"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The address for clients: `amqp://127.0.0.1:PORT`, with user and password unless they are `guest`.
    pub fn uri(&self) -> String {
        let Credentials { user, password } = &self.credentials;
        let address = self.server.address;
        match (user.as_str(), password.as_str()) {
            ("guest", "guest") => format!("amqp://{address}"),
            (user, password) => format!("amqp://{}:{}@{address}", percent_encoded(user), percent_encoded(password)),
        }
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// All queues, by name.
    pub fn queues(&self) -> Vec<QueueState> {
        self.server.shared.with(None, |broker, now| broker.queue_states(now))
    }

    /// The queue with this name.
    ///
    /// # Errors
    /// [`Error::NoSuchQueue`], which names those that there are.
    pub fn queue(&self, name: &str) -> Result<QueueState, Error> {
        self.server.shared.with(None, |broker, now| broker.queue_state(name, now)).ok_or_else(|| self.no_queue(name))
    }

    /// The messages that wait in a queue, the next one first. They stay there, and nobody notices.
    ///
    /// # Errors
    /// [`Error::NoSuchQueue`].
    pub fn peek(&self, name: &str) -> Result<Vec<Letter>, Error> {
        self.server.shared.with(None, |broker, now| broker.letters(name, now)).ok_or_else(|| self.no_queue(name))
    }

    /// Throws away what waits in a queue, and says how many messages that were. What was delivered and is not yet
    /// acknowledged stays.
    ///
    /// # Errors
    /// [`Error::NoSuchQueue`].
    pub fn purge(&self, name: &str) -> Result<usize, Error> {
        self.server.shared.with(None, |broker, now| broker.empty_queue(name, now)).ok_or_else(|| self.no_queue(name))
    }

    /// Deletes a queue; its consumers are told.
    ///
    /// # Errors
    /// [`Error::NoSuchQueue`].
    pub fn delete(&self, name: &str) -> Result<(), Error> {
        self.server.shared.with(None, |broker, _| broker.remove_queue(name)).ok_or_else(|| self.no_queue(name))
    }

    /// Deletes all queues, and all exchanges that clients have declared. Connections stay open.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), postoffice::Error> {
    /// let office = postoffice::PostOffice::open().await?;
    /// office.reset();
    /// assert!(office.queues().is_empty());
    /// assert_eq!(office.exchanges()[1].name, "amq.direct");
    /// # Ok(())
    /// # }
    /// ```
    pub fn reset(&self) {
        self.server.shared.with(None, |broker, _| broker.reset());
    }

    /// All exchanges with their bindings, by name; the first is the default exchange.
    pub fn exchanges(&self) -> Vec<ExchangeState> {
        self.server.shared.with(None, |broker, _| broker.exchange_states())
    }

    /// All open connections, the oldest first.
    pub fn connections(&self) -> Vec<ConnectionState> {
        self.server.shared.with(None, |broker, _| broker.connection_states())
    }

    /// What happens from now on, in order. An office that nobody watches keeps no journal.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use lapin::{Connection, ConnectionProperties};
    /// use postoffice::{Event, PostOffice};
    ///
    /// let office = PostOffice::open().await?;
    /// let mut journal = office.journal();
    /// let named = ConnectionProperties::default().with_connection_name("anna".into());
    /// let _connection = Connection::connect(&office.uri(), named).await?;
    /// match journal.next().await {
    ///     Some(Event::Connected { name, .. }) => assert_eq!(name.as_deref(), Some("anna")),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn journal(&self) -> Journal {
        self.server.shared.journal()
    }

    /// Closes the office as RabbitMQ shuts down: takes no more clients and tells each one `320 CONNECTION_FORCED`. Clients
    /// that don't agree within three seconds are dropped.
    pub async fn close(self) {
        self.server.close(PATIENCE).await;
    }

    fn no_queue(&self, name: &str) -> Error {
        let existing = self.queues().into_iter().map(|queue| queue.name).collect();
        Error::NoSuchQueue { name: name.to_owned(), existing }
    }
}

impl fmt::Debug for PostOffice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostOffice").field("address", &self.server.address).finish_non_exhaustive()
    }
}

/// Opens a [`PostOffice`] as you want it.
#[derive(Clone)]
pub struct Builder {
    options: Options,
}

impl Default for Builder {
    fn default() -> Self {
        let guest = || "guest".to_owned();
        Self {
            options: Options {
                address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                credentials: Credentials { user: guest(), password: guest() },
                limits: Limits { memory: 1 << 30, message: 128 << 20, objects: 1_000_000 },
                allow_remote: false,
                trace: None,
            },
        }
    }
}

impl Builder {
    /// Listens on this address; port 0 is a free one.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.options.address = address;
        self
    }

    /// Lets in this user and nobody else. As with RabbitMQ, `guest` gets in from this machine only.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.options.credentials = Credentials { user: user.into(), password: password.into() };
        self
    }

    /// Blocks publishers while the messages in the office take more than this many bytes; 1 GiB if you don't say. They
    /// get `connection.blocked`, as from RabbitMQ's memory alarm (<https://www.rabbitmq.com/docs/alarms>).
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.options.limits.memory = bytes;
        self
    }

    /// Refuses messages with a body of more than this many bytes; 128 MiB if you don't say, as RabbitMQ does.
    #[must_use]
    pub fn message_limit(mut self, bytes: u64) -> Self {
        self.options.limits.message = bytes;
        self
    }

    /// Allows an address that other machines can reach. There is no TLS and one user.
    #[must_use]
    pub fn allow_remote(mut self, allow: bool) -> Self {
        self.options.allow_remote = allow;
        self
    }

    /// Gives each method that comes in (`→`) or goes out (`←`) to `line`, in words: the client's port, the channel, the
    /// method. It is called while the connection waits, so it had better be quick.
    #[must_use]
    pub fn trace(mut self, line: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let trace: Trace = Arc::new(line);
        self.options.trace = Some(trace);
        self
    }

    /// Opens the office. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Error::PortTaken`], [`Error::NotLoopback`] unless remote clients are allowed, or [`Error::Listen`].
    pub async fn open(self) -> Result<PostOffice, Error> {
        let credentials = self.options.credentials.clone();
        Ok(PostOffice { server: Server::open(self.options).await?, credentials })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("address", &self.options.address).finish_non_exhaustive()
    }
}

/// A user or password as it may stand in an address.
fn percent_encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
