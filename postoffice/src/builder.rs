//! How an office is opened as one wants it.

use crate::{
    Error, PostOffice, broker::Limits, deprecated::DeprecatedFeature, handshake::Credentials, limits::ResourceLimits,
    server::Server, shared::Options, trace::Trace,
};
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

/// Opens a [`PostOffice`] as you want it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let office = postoffice::Builder::default().listen("127.0.0.1:0".parse()?).open().await?;
/// assert_ne!(office.address().port(), 0);
/// # Ok(())
/// # }
/// ```
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
                limits: Limits {
                    memory: 1 << 30,
                    message: 16 << 20,
                    objects: 1_000_000,
                    consumer_timeout: 30 * 60 * 1000,
                    transient_nonexcl_queues: false,
                    global_qos: false,
                    resources: ResourceLimits::default(),
                },
                allow_remote: false,
                trace: None,
                data: None,
                disk_free_limit: 50_000_000,
            },
        }
    }
}

impl Builder {
    /// Listens on this address; port 0 is a free one.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let office = postoffice::PostOffice::builder().listen("[::1]:0".parse()?).open().await?;
    /// assert!(office.uri().starts_with("amqp://%3A%3A1:"), "[::1], as lapin has to have it");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.options.address = address;
        self
    }

    /// Lets in this user and nobody else. As with RabbitMQ, `guest` gets in from this machine only.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let office = postoffice::PostOffice::builder().credentials("anna", "a word/two").open().await?;
    /// assert!(office.uri().starts_with("amqp://anna:a%20word%2Ftwo@"), "as it may stand in an address");
    ///
    /// let guest = format!("amqp://guest:guest@{}", office.address());
    /// let refused = lapin::Connection::connect(&guest, lapin::ConnectionProperties::default()).await;
    /// assert!(refused.unwrap_err().to_string().contains("ACCESS_REFUSED"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.options.credentials = Credentials { user: user.into(), password: password.into() };
        self
    }

    /// Blocks publishers while what clients make the office keep takes more than this many bytes; 1 GiB if you don't say.
    /// They get `connection.blocked`, as from RabbitMQ's memory alarm (<https://www.rabbitmq.com/docs/alarms>). Where that can
    /// make no room, the connection that holds the most is closed with 506 RESOURCE_ERROR.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let office = postoffice::PostOffice::builder().memory_limit(64 << 20).open().await?; // 64 MiB
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.options.limits.memory = bytes;
        self
    }

    /// Refuses messages with a body of more than this many bytes; 16 MiB if you don't say, as RabbitMQ does. More
    /// than 512 MiB it takes from nobody.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use lapin::{BasicProperties, Connection, ConnectionProperties, options::*};
    /// let office = postoffice::PostOffice::builder().message_limit(16).open().await?;
    /// let connection = Connection::connect(&office.uri(), ConnectionProperties::default()).await?;
    /// let channel = connection.create_channel().await?;
    /// channel.confirm_select(ConfirmSelectOptions::default()).await?;
    ///
    /// let (options, text) = (BasicPublishOptions::default(), b"Life is short, I use Rust!"); // 26 bytes
    /// let sent = channel.basic_publish("".into(), "hello".into(), options, text, BasicProperties::default());
    /// assert!(sent.await?.await.unwrap_err().to_string().contains("PRECONDITION_FAILED"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn message_limit(mut self, bytes: u64) -> Self {
        self.options.limits.message = bytes;
        self
    }

    /// Limits what clients may have: connections, channels, queues, what waits in them, and so on; see [`ResourceLimits`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use postoffice::{PostOffice, ResourceLimits};
    ///
    /// let limits = ResourceLimits { max_queues: 100, max_length: Some(1000), ..ResourceLimits::default() };
    /// let office = PostOffice::builder().limits(limits).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn limits(mut self, limits: ResourceLimits) -> Self {
        self.options.limits.resources = limits;
        self
    }

    /// Permits what RabbitMQ has deprecated and refuses from 4.3 on, as its setting `deprecated_features.permit.…` does
    /// (<https://www.rabbitmq.com/docs/deprecated-features>).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use lapin::{Connection, ConnectionProperties, options::QueueDeclareOptions, types::FieldTable};
    /// use postoffice::{DeprecatedFeature, PostOffice};
    ///
    /// let as_before = PostOffice::builder().permit_deprecated(DeprecatedFeature::TransientNonexclQueues);
    /// for (office, is_permitted) in [(PostOffice::open().await?, false), (as_before.open().await?, true)] {
    ///     let connection = Connection::connect(&office.uri(), ConnectionProperties::default()).await?;
    ///     let channel = connection.create_channel().await?;
    ///     let neither_durable_nor_exclusive = QueueDeclareOptions::default();
    ///     let declared = channel.queue_declare("hello".into(), neither_durable_nor_exclusive, FieldTable::default());
    ///     assert_eq!(declared.await.is_ok(), is_permitted);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn permit_deprecated(mut self, feature: DeprecatedFeature) -> Self {
        match feature {
            DeprecatedFeature::TransientNonexclQueues => self.options.limits.transient_nonexcl_queues = true,
            DeprecatedFeature::GlobalQos => self.options.limits.global_qos = true,
        }
        self
    }

    /// Gives a consumer of a quorum queue this long to acknowledge a message; 30 minutes if you don't say, as RabbitMQ
    /// does. A queue or a consumer may say otherwise with `x-consumer-timeout`. Classic queues wait for ever
    /// (<https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout>).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let office = postoffice::PostOffice::builder().consumer_timeout(Duration::from_secs(5)).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn consumer_timeout(mut self, timeout: Duration) -> Self {
        self.options.limits.consumer_timeout = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Allows an address that other machines can reach. There is no TLS and one user.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use postoffice::{Error, PostOffice};
    ///
    /// let everywhere = PostOffice::builder().listen("0.0.0.0:0".parse()?).credentials("class", "secret");
    /// assert!(matches!(everywhere.clone().open().await, Err(Error::NotLoopback(_))));
    /// let office = everywhere.allow_remote(true).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn allow_remote(mut self, allow: bool) -> Self {
        self.options.allow_remote = allow;
        self
    }

    /// Gives each method that comes in (`→`) or goes out (`←`) to `line`, in words: the client's port, the channel, the
    /// method. It is called while the connection waits, so it had better be quick. If it panics, that connection ends.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use lapin::{Connection, ConnectionProperties};
    /// let (lines, printed) = std::sync::mpsc::channel();
    /// let trace = move |line: &str| drop(lines.send(line.to_owned()));
    /// let office = postoffice::PostOffice::builder().trace(trace).open().await?;
    ///
    /// let _connection = Connection::connect(&office.uri(), ConnectionProperties::default()).await?;
    /// assert!(printed.try_iter().any(|line| line.contains("→ connection.open vhost=\"/\"")));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn trace(mut self, line: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let trace: Trace = Arc::new(line);
        self.options.trace = Some(trace);
        self
    }

    /// Keeps durable exchanges, queues and bindings, and the persistent messages in durable queues, in this folder: they
    /// survive the end of the process, however it ends. The folder is made if it isn't there; one that holds something else
    /// is left alone. Without it everything is in memory.
    ///
    /// A persistent message is confirmed when it is on disk (`fsync`), as is what is declared when the answer comes
    /// (<https://www.rabbitmq.com/docs/confirms#when-publishes-are-confirmed>).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use lapin::{Connection, ConnectionProperties, options::QueueDeclareOptions, types::FieldTable};
    /// # let folder = tempfile::tempdir()?;
    /// use postoffice::PostOffice;
    ///
    /// let office = PostOffice::builder().data(folder.path()).open().await?;
    /// let connection = Connection::connect(&office.uri(), ConnectionProperties::default()).await?;
    /// let channel = connection.create_channel().await?;
    /// channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    /// drop(office);
    ///
    /// let office = PostOffice::builder().data(folder.path()).open().await?;
    /// assert!(office.queue("hello")?.durable);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.data = Some(folder.into());
        self
    }

    /// Blocks publishers while fewer than this many bytes are free on the disk of the data folder; 50 MB if you don't say,
    /// as RabbitMQ's `disk_free_limit` (<https://www.rabbitmq.com/docs/disk-alarms>).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let durable = postoffice::PostOffice::builder().data(folder.path());
    /// let office = durable.disk_free_limit(1 << 30).open().await?; // 1 GiB
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn disk_free_limit(mut self, bytes: u64) -> Self {
        self.options.disk_free_limit = bytes;
        self
    }

    /// Opens the office. Needs a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use postoffice::{Error, PostOffice};
    ///
    /// let first = PostOffice::open().await?;
    /// let second = PostOffice::builder().listen(first.address()).open().await;
    /// assert!(matches!(second, Err(Error::PortTaken(_))));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::PortTaken`], [`Error::NotLoopback`] unless remote clients are allowed, or [`Error::Listen`]; with a data folder
    /// [`Error::DataFolder`], [`Error::DataInUse`], [`Error::ForeignData`], [`Error::NewerData`] or [`Error::DataDamaged`].
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
