//! The queues of a post office with the messages that wait in them, looked at without taking any.

use postoffice::PostOffice;
use serde::Serialize;

/// How much of a message the queues' page shows.
const SHOWN_BODY: usize = 1 << 10;
/// How many messages of a queue that page shows.
const SHOWN_MESSAGES: usize = 50;

/// A queue as its page shows it, with the messages that wait in it.
#[derive(Debug, Serialize)]
pub struct ShownQueue {
    /// The queue's name.
    pub name: String,
    /// Messages that wait.
    pub ready: usize,
    /// Messages in consumers' hands.
    pub unacknowledged: usize,
    /// Its consumers.
    pub consumers: usize,
    /// Whether it outlives the broker, where the broker keeps anything at all.
    pub durable: bool,
    /// The messages at the front.
    pub messages: Vec<ShownMessage>,
}

/// A message that was looked at and left where it is.
#[derive(Debug, Serialize)]
pub struct ShownMessage {
    /// Its body as text; what isn't text is escaped.
    pub body: String,
    /// The size of the whole body in bytes.
    pub size: usize,
    /// The exchange it was published to.
    pub exchange: String,
    /// Its routing key.
    pub routing_key: String,
    /// Whether it has been out of the queue.
    pub redelivered: bool,
    /// Whether it is marked as persistent (delivery mode 2).
    pub persistent: bool,
}

/// The queues of a post office.
pub fn shown_queues(office: &PostOffice) -> Vec<ShownQueue> {
    let shown_queue = |queue: postoffice::QueueState| {
        let messages = office.peek(&queue.name).unwrap_or_default(); // it may be deleted in this moment
        let shown_message = |message: postoffice::PeekedMessage| ShownMessage {
            body: shown(&message.body),
            size: message.body.len(),
            exchange: message.exchange,
            routing_key: message.routing_key,
            redelivered: message.redelivered,
            persistent: *message.properties.delivery_mode() == Some(2),
        };
        ShownQueue {
            name: queue.name,
            ready: queue.ready,
            unacknowledged: queue.unacknowledged,
            consumers: queue.consumers,
            durable: queue.durable,
            messages: messages.into_iter().take(SHOWN_MESSAGES).map(shown_message).collect(),
        }
    };
    office.queues().into_iter().map(shown_queue).collect()
}

fn shown(body: &[u8]) -> String {
    let part = &body[..body.len().min(SHOWN_BODY)];
    match std::str::from_utf8(part) {
        Ok(text) => text.to_owned(),
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(&part[..error.valid_up_to()]).into_owned(),
        Err(_) => part.escape_ascii().to_string(),
    }
}
