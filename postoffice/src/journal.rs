//! What happens in the post office, for those who want to watch: figures, tests, a curious student.

#[cfg(feature = "server")]
mod readers;

#[cfg(feature = "server")]
pub use readers::Journal;
#[cfg(feature = "server")]
pub(crate) use readers::Readers;

use std::sync::Arc;

/// Something that happened, in the order in which it did.
///
/// Connections are known by a number that is theirs as long as the office is open; see [`ConnectionState::id`].
///
/// [`ConnectionState::id`]: crate::ConnectionState::id
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A client was let in.
    Connected {
        /// The connection's number.
        connection: u64,
        /// The name that the client gave it, if it did.
        name: Option<String>,
        /// The client's address.
        peer: String,
    },
    /// A connection was closed or lost.
    Disconnected {
        /// The connection's number.
        connection: u64,
    },
    /// A queue was created.
    QueueDeclared {
        /// Its name.
        queue: Arc<str>,
    },
    /// A queue was deleted, or has expired.
    QueueDeleted {
        /// Its name.
        queue: Arc<str>,
    },
    /// An exchange was created.
    ExchangeDeclared {
        /// Its name.
        exchange: Arc<str>,
    },
    /// An exchange was deleted.
    ExchangeDeleted {
        /// Its name.
        exchange: Arc<str>,
    },
    /// A rule was added to an exchange.
    Bound {
        /// The exchange that sorts.
        exchange: Arc<str>,
        /// The queue or exchange that the rule leads to.
        destination: Arc<str>,
        /// The routing key or pattern of the rule.
        routing_key: Arc<str>,
    },
    /// A rule was taken away.
    Unbound {
        /// The exchange that sorts.
        exchange: Arc<str>,
        /// The queue or exchange that the rule led to.
        destination: Arc<str>,
        /// The routing key or pattern of the rule.
        routing_key: Arc<str>,
    },
    /// A message came in and was sorted.
    Published {
        /// The message's number, which it keeps as long as the office is open, as a dead letter too.
        message: u64,
        /// The connection it came from; none for a dead letter, which the office itself sends on.
        connection: Option<u64>,
        /// The exchange it was published to.
        exchange: Arc<str>,
        /// Its routing key.
        routing_key: Arc<str>,
        /// The queues it went to. Empty: it was dropped, unless [`Event::Returned`] follows.
        queues: Vec<Arc<str>>,
        /// The size of its body in bytes.
        size: usize,
    },
    /// A message that went to no queue came back to its sender, who had asked for that (`mandatory`).
    Returned {
        /// The message's number, which it keeps as long as the office is open, as a dead letter too.
        message: u64,
        /// The sender's connection.
        connection: u64,
        /// The exchange that had no place for it.
        exchange: Arc<str>,
        /// Its routing key.
        routing_key: Arc<str>,
    },
    /// A full queue refused a message (`x-overflow`).
    Refused {
        /// The message's number, which it keeps as long as the office is open, as a dead letter too.
        message: u64,
        /// The queue.
        queue: Arc<str>,
    },
    /// A consumer started.
    Subscribed {
        /// Its connection.
        connection: u64,
        /// Its tag.
        consumer_tag: Arc<str>,
        /// The queue it takes from.
        queue: Arc<str>,
    },
    /// A consumer ended.
    Unsubscribed {
        /// Its connection.
        connection: u64,
        /// Its tag.
        consumer_tag: Arc<str>,
        /// The queue it took from.
        queue: Arc<str>,
    },
    /// A message was handed to a consumer, or taken with `basic.get`.
    Delivered {
        /// The message's number, which it keeps as long as the office is open, as a dead letter too.
        message: u64,
        /// The queue it came from.
        queue: Arc<str>,
        /// The receiver's connection.
        connection: u64,
        /// The consumer's tag; none for `basic.get`.
        consumer_tag: Option<Arc<str>>,
        /// The delivery tag, which counts per channel.
        delivery_tag: u64,
        /// Whether it had been handed out before.
        redelivered: bool,
    },
    /// A message was acknowledged and is gone.
    Acknowledged {
        /// The message's number, which it keeps as long as the office is open, as a dead letter too.
        message: u64,
        /// The queue it came from.
        queue: Arc<str>,
        /// The delivery tag it had.
        delivery_tag: u64,
    },
    /// A message went back to its queue: rejected, or its receiver is gone.
    Requeued {
        /// The message's number, which it keeps as long as the office is open, as a dead letter too.
        message: u64,
        /// The queue.
        queue: Arc<str>,
    },
    /// A queue gave a message up; where it has a dead-letter exchange, [`Event::Published`] follows.
    DeadLettered {
        /// The message's number, which it keeps as long as the office is open, as a dead letter too.
        message: u64,
        /// The queue.
        queue: Arc<str>,
        /// Why: `expired`, `rejected`, `maxlen` or `delivery_limit`.
        reason: &'static str,
        /// Its dead-letter exchange, if it has one and that is there.
        exchange: Option<Arc<str>>,
    },
    /// What waited in a queue was thrown away.
    Purged {
        /// The queue.
        queue: Arc<str>,
        /// How many messages that were.
        messages: usize,
    },
    /// A client could not log in: it gave a wrong user or password.
    AuthenticationFailed {
        /// The client's address.
        peer: String,
        /// The user that it wanted to be.
        user: String,
    },
    /// A client was refused what is more than it may have; see [`ResourceLimits`](crate::ResourceLimits).
    LimitReached {
        /// Its connection; none if it wasn't let in.
        connection: Option<u64>,
        /// The client's address.
        peer: String,
        /// Which limit, in the words that the client gets.
        reason: String,
    },
}
