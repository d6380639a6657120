//! The RabbitMQ that tests compare with.
//!
//! [`Node`] is a private one: its own ports, its own data, its own `epmd`; gone with the test. It is started from
//!
//! 1. the folder that `RABBITMQ_ROOT` names in the environment, which the script `make-root` makes, or else
//! 2. the RabbitMQ that is installed, if that is [`NEEDED_VERSION`] or newer,
//!
//! and leaves either as it is. [`RabbitMq`] is for tests that need no more than an address; it is such a node, or else
//!
//! 3. the running broker that `RABBITMQ_AMQP_ADDR` names (`amqp://127.0.0.1:5672`).
#![warn(missing_docs)]

mod installation;
mod node;
mod running;
mod version;

use installation::Installation;
pub use node::Node;
use std::{
    env,
    fmt::Display,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Once,
};
pub use version::{NEEDED_VERSION, Version};

/// Names a root folder with RabbitMQ and its Erlang.
const ROOT: &str = "RABBITMQ_ROOT";

/// Names a running RabbitMQ.
const AMQP_ADDR: &str = "RABBITMQ_AMQP_ADDR";

const REMEDY: &str = "`rabbitmq-node/make-root DIR` makes a folder with a new one for RABBITMQ_ROOT";

/// Why there is no RabbitMQ.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program isn't there.
    #[error("{0} is not installed ({REMEDY})")]
    NotInstalled(&'static str),
    /// There is a RabbitMQ, but one that answers unlike the one that this project follows.
    #[error("{place} is RabbitMQ {found}, and {NEEDED_VERSION} or newer is needed ({REMEDY})")]
    TooOld {
        /// Its version.
        found: Version,
        /// Its program, folder or address.
        place: String,
    },
    /// Which RabbitMQ this program is can't be told.
    #[error("{0} isn't beside RabbitMQ's plugins, which tell its version ({REMEDY})")]
    NoVersion(String),
    /// What a variable in the environment names is of no use.
    #[error("{variable}={value} can't be used: {why}")]
    Named {
        /// `RABBITMQ_ROOT` or `RABBITMQ_AMQP_ADDR`.
        variable: &'static str,
        /// What it is set to.
        value: String,
        /// What is wrong with it.
        why: Box<Error>,
    },
    /// A root is entered in a mount namespace, and this user can't have one.
    #[error("a root is entered in a mount namespace, which this user can't make (root can): {0}")]
    NotPermitted(String),
    /// The node was started and did not come up; the text is what it printed.
    #[error("the private RabbitMQ node did not start:\n{0}")]
    NotStarted(String),
    /// No RabbitMQ answers at the address.
    #[error("no RabbitMQ answers there: {0}")]
    NoAnswer(String),
    /// A file, port or process could not be had.
    #[error("can't prepare a private RabbitMQ node: {0}")]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Whether this machine just hasn't a RabbitMQ that is new enough, so that a test may be skipped. What a variable
    /// names has to be right.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::NotInstalled(_) | Self::TooOld { .. } | Self::NoVersion(_))
    }

    fn of(self, variable: &'static str, value: String) -> Self {
        Self::Named { variable, value, why: self.into() }
    }
}

/// A RabbitMQ to compare with: a private node, or else the running broker that `RABBITMQ_AMQP_ADDR` names.
#[derive(Debug)]
pub struct RabbitMq {
    amqp_addr: String,
    socket_addr: SocketAddr,
    version: Version,
    node: Option<Node>,
}

impl RabbitMq {
    /// Starts a node as [`Node::start`] does, or, where there is nothing to start it from, takes the running broker.
    ///
    /// # Errors
    /// Those of [`Node::start`] and [`RabbitMq::at`].
    pub fn find(dir: impl AsRef<Path>, plugins: &[&str]) -> Result<Self, Error> {
        match (Node::start(dir, plugins), variable(AMQP_ADDR)) {
            (Ok(node), _) => Ok(Self {
                amqp_addr: node.amqp_addr(),
                socket_addr: (Ipv4Addr::LOCALHOST, node.amqp_port()).into(),
                version: node.version(),
                node: Some(node),
            }),
            (Err(error), Some(amqp_addr)) if error.is_missing() => {
                Self::at(&amqp_addr).map_err(|why| why.of(AMQP_ADDR, amqp_addr))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// The same, or `None` where this machine has no such RabbitMQ, which it says on stderr. With `CI=true` in the
    /// environment that is a failure.
    ///
    /// # Panics
    /// When RabbitMQ can't be had though it should.
    pub fn find_or_skip(dir: impl AsRef<Path>, plugins: &[&str]) -> Option<Self> {
        or_skip(Self::find(dir, plugins))
    }

    /// The running broker at this address.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] where no RabbitMQ is, and [`Error::TooOld`].
    pub fn at(amqp_addr: &str) -> Result<Self, Error> {
        let (socket_addr, version) = running::look_at(amqp_addr)?;
        if !version.is_new_enough() {
            return Err(Error::TooOld { found: version, place: socket_addr.to_string() });
        }
        say_version(version, socket_addr);
        Ok(Self { amqp_addr: amqp_addr.to_owned(), socket_addr, version, node: None })
    }

    /// The address for AMQP clients, as a URI.
    pub fn amqp_addr(&self) -> &str {
        &self.amqp_addr
    }

    /// The same without user and virtual host.
    pub fn socket_addr(&self) -> SocketAddr {
        self.socket_addr
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The private node, which has a `rabbitmqctl` and a log, and may be shut down.
    pub fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }

    /// The same for a test that can't do without; where there is none, it says so on stderr.
    ///
    /// # Panics
    /// With `CI=true` in the environment when there is none.
    pub fn node_or_skip(&self) -> Option<&Node> {
        if self.node.is_none() {
            skip(format_args!("this test needs a node of its own, and {AMQP_ADDR} names a broker of others"));
        }
        self.node()
    }
}

/// Where the nodes of this process come from.
fn find_installation() -> Result<Installation, Error> {
    match variable(ROOT) {
        Some(root) => Installation::in_root(Path::new(&root)).map_err(|why| why.of(ROOT, root)),
        None => Installation::installed(),
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn or_skip<T>(found: Result<T, Error>) -> Option<T> {
    match found {
        Ok(found) => return Some(found),
        Err(error) if error.is_missing() => skip(error),
        Err(error) => panic!("{error}"),
    }
    None
}

/// Says on stderr, where `cargo test` shows it, that a test can't run here, and why; with `CI=true` that is a failure. The
/// one way to skip a test in this workspace: `.ci/run` counts these lines.
pub fn skip(reason: impl Display) {
    assert!(env::var("CI").as_deref() != Ok("true"), "{reason}");
    say(format_args!("skipped: {reason}"));
}

/// A result is worth as much as what it was compared with, so each test program names that, once.
fn say_version(version: Version, place: impl Display) {
    static SAID: Once = Once::new();
    SAID.call_once(|| say(format_args!("compared with RabbitMQ {version}: {place}")));
}

/// Not eprintln: the test runner shows what that prints for failed tests only.
fn say(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}"); // a closed stderr is no reason to fail
}
