//! [`PostOffice`]: an open office, from the side of the program that opened it.

use crate::{
    Builder, ConnectionState, Error, ExchangeState, Journal, PeekedMessage, QueueState, handshake::Credentials,
    queue::PageReader, server::Server,
};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

/// How long clients get to agree when the office closes.
const PATIENCE: Duration = Duration::from_secs(3);

/// An open post office. Dropping it closes it at once and frees its port; [`PostOffice::close`] tells the clients first.
///
/// Many of them can be open in one process; none knows of another.
pub struct PostOffice {
    pub(crate) server: Server,
    pub(crate) credentials: Credentials,
}

impl PostOffice {
    /// Opens an office on a free port of 127.0.0.1, for the user `guest` with the password `guest`. It is ready for
    /// clients when this returns. Needs a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let office = postoffice::PostOffice::open().await?;
    /// assert!(office.address().ip().is_loopback());
    /// # Ok(())
    /// # }
    /// ```
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
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let office = postoffice::PostOffice::builder().credentials("anna", "secret").memory_limit(1 << 20).open().await?;
    /// assert!(office.uri().starts_with("amqp://anna:secret@127.0.0.1:"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The address for clients: `amqp://127.0.0.1:PORT`, with user and password unless they are `guest`.
    ///
    /// An office that listens on all addresses is called by the loopback one. In an IPv6 address the colons are encoded,
    /// as in `amqp://%3A%3A1:5672`: for `[::1]` lapin would take `localhost`, which may be another broker. Clients that
    /// want brackets find what belongs into them in [`PostOffice::address`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let office = postoffice::PostOffice::open().await?;
    /// let properties = lapin::ConnectionProperties::default();
    /// let connection = lapin::Connection::connect(&office.uri(), properties).await?;
    /// assert!(connection.status().connected());
    /// # Ok(())
    /// # }
    /// ```
    pub fn uri(&self) -> String {
        self.uri_at(self.server.address)
    }

    /// The address for clients that reach the office by another one than its own: through a proxy, or from elsewhere.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let office = postoffice::PostOffice::builder().credentials("anna", "secret").open().await?;
    /// assert_eq!(office.uri_at("192.0.2.1:5672".parse()?), "amqp://anna:secret@192.0.2.1:5672");
    /// assert_eq!(office.uri_at("[2001:db8::5]:5672".parse()?), "amqp://anna:secret@2001%3Adb8%3A%3A5:5672");
    /// # Ok(())
    /// # }
    /// ```
    pub fn uri_at(&self, address: SocketAddr) -> String {
        let Credentials { user, password } = &self.credentials;
        let place = format!("{}:{}", percent_encoded(&host(address)), address.port());
        match (user.as_str(), password.as_str()) {
            ("guest", "guest") => format!("amqp://{place}"),
            (user, password) => format!("amqp://{}:{}@{place}", percent_encoded(user), percent_encoded(password)),
        }
    }

    /// The address that it listens on.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let office = postoffice::PostOffice::open().await?;
    /// assert_eq!(office.uri(), format!("amqp://{}", office.address()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// All queues, by name.
    ///
    /// ```
    #[doc = include_str!("a_letter_waits.txt")]
    /// // A client has declared the queue `hello` and sent "Hi!" to it.
    /// let names: Vec<_> = office.queues().into_iter().map(|queue| queue.name).collect();
    /// assert_eq!(names, ["hello"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn queues(&self) -> Vec<QueueState> {
        self.server.shared.with(None, |broker, now| broker.queue_states(now))
    }

    /// The queue with this name.
    ///
    /// ```
    #[doc = include_str!("a_letter_waits.txt")]
    /// // A client has declared the queue `hello` and sent "Hi!" to it.
    /// let hello = office.queue("hello")?;
    /// assert_eq!((hello.ready, hello.unacknowledged, hello.consumers), (1, 0, 0));
    ///
    /// let error = office.queue("helo").unwrap_err();
    /// assert_eq!(error.to_string(), "no queue 'helo'; there are: 'hello'");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchQueue`], which names those that there are.
    pub fn queue(&self, name: &str) -> Result<QueueState, Error> {
        self.server.shared.with(None, |broker, now| broker.queue_state(name, now)).ok_or_else(|| self.no_queue(name))
    }

    /// The messages that wait in a queue, the next one first. They stay there, and nobody notices: of a long queue others can
    /// use the office between one page and the next, and what comes or goes meanwhile may be in the list or not.
    ///
    /// ```
    #[doc = include_str!("a_letter_waits.txt")]
    /// // A client has declared the queue `hello` and sent "Hi!" to it.
    /// assert_eq!(office.peek("hello")?[0].body, b"Hi!");
    /// assert!(!office.peek("hello")?[0].redelivered, "the first look has left no trace");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchQueue`].
    pub fn peek(&self, name: &str) -> Result<Vec<PeekedMessage>, Error> {
        let mut reader = PageReader::default();
        let mut messages = Vec::new();
        loop {
            let page = self.server.shared.with(None, |broker, now| broker.page(name, &mut reader, now));
            let page = page.ok_or_else(|| self.no_queue(name))?;
            if page.is_empty() {
                return Ok(messages);
            }
            messages.extend(page.iter().map(|(message, redelivered)| PeekedMessage::copy_of(message, *redelivered)));
        }
    }

    /// Throws away what waits in a queue, and says how many messages that were. What was delivered and is not yet
    /// acknowledged stays.
    ///
    /// ```
    #[doc = include_str!("a_letter_waits.txt")]
    /// // A client has declared the queue `hello` and sent "Hi!" to it.
    /// assert_eq!(office.purge("hello")?, 1);
    /// assert_eq!(office.queue("hello")?.ready, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchQueue`].
    pub fn purge(&self, name: &str) -> Result<usize, Error> {
        self.server.shared.with(None, |broker, now| broker.empty_queue(name, now)).ok_or_else(|| self.no_queue(name))
    }

    /// Deletes a queue; its consumers are told.
    ///
    /// ```
    #[doc = include_str!("a_letter_waits.txt")]
    /// // A client has declared the queue `hello` and sent "Hi!" to it.
    /// office.delete("hello")?;
    /// assert!(office.queues().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchQueue`].
    pub fn delete(&self, name: &str) -> Result<(), Error> {
        self.server.shared.with(None, |broker, now| broker.remove_queue(name, now)).ok_or_else(|| self.no_queue(name))
    }

    /// Deletes all queues, and all exchanges that clients have declared. Connections stay open.
    ///
    /// ```
    #[doc = include_str!("a_letter_waits.txt")]
    /// // A client has declared the queue `hello` and sent "Hi!" to it.
    /// office.reset();
    /// assert!(office.queues().is_empty());
    /// assert_eq!(office.exchanges()[1].name, "amq.direct", "what RabbitMQ has from the start stays");
    /// # Ok(())
    /// # }
    /// ```
    pub fn reset(&self) {
        self.server.shared.with(None, |broker, now| broker.reset(now));
    }

    /// All exchanges with their bindings, by name; the first is the default exchange.
    ///
    /// ```
    #[doc = include_str!("a_letter_waits.txt")]
    /// // A client has declared the queue `hello` and sent "Hi!" to it.
    /// let ways = FieldTable::default();
    /// channel.queue_bind("hello".into(), "amq.fanout".into(), "".into(), QueueBindOptions::default(), ways).await?;
    ///
    /// let exchanges = office.exchanges();
    /// let fanout = exchanges.iter().find(|exchange| exchange.name == "amq.fanout").expect("it is always there");
    /// assert_eq!(fanout.bindings[0].destination, "hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn exchanges(&self) -> Vec<ExchangeState> {
        self.server.shared.with(None, |broker, _| broker.exchange_states())
    }

    /// All open connections, the oldest first.
    ///
    /// ```
    #[doc = include_str!("a_letter_waits.txt")]
    /// // A client called `anna` is connected.
    /// let [anna] = &office.connections()[..] else { panic!("somebody else is here") };
    /// assert_eq!((anna.name.as_deref(), anna.user.as_str(), anna.channels), (Some("anna"), "guest", 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn connections(&self) -> Vec<ConnectionState> {
        self.server.shared.with(None, |broker, _| broker.connection_states())
    }

    /// Closes a client's connection, as `rabbitmqctl close_connection` does: it is told `320 CONNECTION_FORCED` and why. Says
    /// whether there was a connection with this [number](ConnectionState::id).
    ///
    /// ```
    #[doc = include_str!("a_letter_waits.txt")]
    /// // A client is connected.
    /// let mut journal = office.journal();
    /// let id = office.connections()[0].id;
    /// assert!(office.close_connection(id, "it is late"));
    /// assert_eq!(journal.next().await, Some(Event::Disconnected { connection: id }));
    /// assert!(!office.close_connection(id, "once more"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn close_connection(&self, id: u64, reason: &str) -> bool {
        self.server.shared.close_connection(id, reason)
    }

    /// What happens from now on, in order. An office that nobody watches keeps no journal.
    ///
    /// ```
    #[doc = include_str!("a_letter_waits.txt")]
    /// // A client has a channel and the queue `hello`.
    /// let mut journal = office.journal();
    /// channel.queue_purge("hello".into(), QueuePurgeOptions::default()).await?;
    /// channel.queue_delete("hello".into(), QueueDeleteOptions::default()).await?;
    /// loop {
    ///     match journal.next().await {
    ///         Some(Event::QueueDeleted { queue }) => break assert_eq!(&*queue, "hello"),
    ///         Some(other) => println!("{other:?}"),
    ///         None => unreachable!("the office is open"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn journal(&self) -> Journal {
        self.server.shared.journal()
    }

    /// Closes the office as RabbitMQ shuts down: takes no more clients and tells each one `320 CONNECTION_FORCED`. Clients
    /// that don't agree within three seconds are dropped. What is in it can be looked at until it is dropped itself.
    ///
    /// ```
    #[doc = include_str!("a_letter_waits.txt")]
    /// // A client is connected.
    /// office.close().await;
    /// assert!(!connection.status().connected(), "it was told");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close(&self) {
        self.server.close(PATIENCE).await;
    }

    /// Ends the office as a crash of RabbitMQ's machine does: no client is told, each finds its connection cut. With a
    /// [data folder](Builder::data) what survives that is there at the next start. What is in the office can be looked at
    /// until it is dropped.
    ///
    /// ```
    #[doc = include_str!("a_letter_waits.txt")]
    /// // A client is connected.
    /// office.crash().await;
    /// let refused = lapin::Connection::connect(&office.uri(), lapin::ConnectionProperties::default()).await;
    /// assert!(refused.is_err(), "nobody listens there any more");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn crash(&self) {
        self.server.crash(PATIENCE).await;
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

/// Where a client finds what listens on this address.
fn host(address: SocketAddr) -> String {
    match (address.ip().to_canonical(), address) {
        (IpAddr::V4(ip), _) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        (IpAddr::V6(ip), _) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.to_string(),
        // A link-local address means nothing without its interface.
        (ip, SocketAddr::V6(address)) if address.scope_id() != 0 => format!("{ip}%{}", address.scope_id()),
        (ip, _) => ip.to_string(),
    }
}

/// A user, password or host as it may stand in an address.
fn percent_encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
