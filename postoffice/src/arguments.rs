//! What `queue.declare`'s arguments mean, and RabbitMQ's words for those that mean nothing
//! (<https://www.rabbitmq.com/docs/queues#optional-arguments>).

mod given;

use crate::{erlang, error::Refusal};
use amq_protocol::types::{AMQPValue, FieldTable};
use given::Given;
use std::sync::Arc;

/// The type of a queue. Quorum queues have one replica here; what sets them apart for a client is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum QueueType {
    #[default]
    Classic,
    Quorum,
}

/// What a full queue does with one message more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Overflow {
    #[default]
    DropHead,
    RejectPublish,
    RejectPublishDlx,
}

impl Overflow {
    pub(crate) fn refuses(self) -> bool {
        self != Self::DropHead
    }
}

/// A queue's arguments, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) queue_type: QueueType,
    /// Milliseconds that a message may wait.
    pub(crate) message_ttl: Option<u64>,
    /// Milliseconds that the queue may be unused.
    pub(crate) expires: Option<u64>,
    pub(crate) max_length: Option<u64>,
    /// Limit of the bodies' bytes together.
    pub(crate) max_bytes: Option<u64>,
    pub(crate) overflow: Overflow,
    pub(crate) dead_letter_exchange: Option<Arc<str>>,
    pub(crate) dead_letter_routing_key: Option<Arc<str>>,
    pub(crate) max_priority: Option<u8>,
    pub(crate) single_active_consumer: bool,
    /// How often a quorum queue's message may come back before it is dead-lettered.
    pub(crate) delivery_limit: Option<u64>,
    /// Milliseconds after which a quorum queue takes back what a consumer doesn't acknowledge.
    pub(crate) consumer_timeout: Option<u64>,
    pub(crate) delayed_retry: Option<DelayedRetry>,
}

/// How long a quorum queue keeps back what was returned to it
/// (<https://www.rabbitmq.com/docs/quorum-queues#delayed-retry>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DelayedRetry {
    /// After a failed delivery.
    failed: bool,
    /// After any other.
    returned: bool,
    /// Milliseconds after the first failure, and as many more after each further one,
    min: u64,
    /// up to this many.
    max: u64,
}

impl DelayedRetry {
    /// RabbitMQ checks none of these: where one makes no sense, nothing is delayed.
    fn from_arguments(arguments: &FieldTable) -> Option<Self> {
        let positive = |name: &str| {
            let number = arguments.inner().get(name).and_then(erlang::whole)?;
            u64::try_from(number).ok().filter(|&number| number > 0)
        };
        let (failed, returned) = match arguments.inner().get("x-delayed-retry-type")? {
            AMQPValue::LongString(name) => match name.as_bytes() {
                b"all" => (true, true),
                b"failed" => (true, false),
                b"returned" => (false, true),
                _ => return None,
            },
            _ => return None,
        };
        let min = positive("x-delayed-retry-min")?;
        Some(Self { failed, returned, min, max: positive("x-delayed-retry-max").unwrap_or(min) })
    }

    /// Milliseconds that a message is kept back of which this delivery came to nothing.
    pub(crate) fn delay(&self, failed: bool, failures: u32) -> Option<u64> {
        let applies = if failed { self.failed } else { self.returned };
        applies.then(|| self.min.saturating_mul(failures.max(1).into()).min(self.max))
    }
}

/// The arguments that classic queues know, in the order in which RabbitMQ compares them.
const CLASSIC: &[&str] = &[
    "x-expires",
    "x-message-ttl",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-max-length",
    "x-max-length-bytes",
    "x-max-priority",
    "x-overflow",
    "x-queue-mode",
    "x-queue-version",
    "x-single-active-consumer",
    "x-queue-type",
    "x-queue-master-locator",
    "x-queue-leader-locator",
];

/// The arguments that quorum queues know, in the order in which RabbitMQ compares them.
const QUORUM: &[&str] = &[
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-dead-letter-strategy",
    "x-expires",
    "x-max-length",
    "x-max-length-bytes",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
    "x-overflow",
    "x-single-active-consumer",
    "x-queue-type",
    "x-quorum-initial-group-size",
    "x-delivery-limit",
    "x-message-ttl",
    "x-queue-leader-locator",
    "x-consumer-disconnected-timeout",
    "x-consumer-timeout",
    "x-delayed-retry-type",
    "x-delayed-retry-min",
    "x-delayed-retry-max",
];

/// The arguments that only streams know.
const STREAM_ONLY: &[&str] =
    &["x-max-age", "x-stream-max-segment-size-bytes", "x-stream-filter-size-bytes", "x-initial-cluster-size"];

/// How often a quorum queue's message may fail, unless its queue says otherwise.
const DELIVERY_LIMIT: i64 = 20;

/// Ten years in milliseconds: the longest time to live.
const LONGEST: i64 = 315_360_000_000;

impl QueueType {
    /// In the order in which RabbitMQ compares them.
    pub(crate) fn known_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Classic => CLASSIC,
            Self::Quorum => QUORUM,
        }
    }

    /// The name of the Erlang module, which RabbitMQ shows.
    pub(crate) fn module(self) -> &'static str {
        match self {
            Self::Classic => "rabbit_classic_queue",
            Self::Quorum => "rabbit_quorum_queue",
        }
    }

    /// The type that the arguments ask for, if they ask for one that there is.
    pub(crate) fn of(arguments: &FieldTable) -> Option<Self> {
        match arguments.inner().get("x-queue-type") {
            None => Some(Self::Classic),
            Some(AMQPValue::LongString(name)) => match name.as_bytes() {
                // RabbitMQ takes the two odd ones for a client that left its default unset.
                b"classic" | b"" | b"undefined" => Some(Self::Classic),
                b"quorum" => Some(Self::Quorum),
                _ => None,
            },
            Some(_) => None,
        }
    }
}

impl Settings {
    /// Understands the arguments of a queue with this name.
    pub(crate) fn from_arguments(queue: &str, arguments: &FieldTable) -> Result<Self, Refusal> {
        let queue_type = Given { queue, arguments, known: &[] }.queue_type()?;
        let given = Given { queue, arguments, known: queue_type.known_arguments() };
        // The order of the checks is RabbitMQ's: a client with two mistakes hears of the same one. Some arguments are
        // checked though they mean nothing here.
        let expires = given.number("x-expires", |value| match value {
            0 => Err("{value_zero,0}".to_owned()),
            _ => not_too_long(value),
        })?;
        let message_ttl = given.number("x-message-ttl", not_too_long)?;
        let dead_letter_exchange = given.text("x-dead-letter-exchange", |_| Ok(()))?;
        let dead_letter_routing_key = given.text("x-dead-letter-routing-key", |_| {
            let has_exchange = arguments.inner().contains_key("x-dead-letter-exchange");
            if has_exchange { Ok(()) } else { Err("routing_key_but_no_dlx_defined".to_owned()) }
        })?;
        given.one_of("x-dead-letter-strategy", &["at-most-once", "at-least-once"], "invalid_dlx_strategy")?;
        let max_length = given.number("x-max-length", not_negative)?;
        let max_bytes = given.number("x-max-length-bytes", not_negative)?;
        given.number("x-max-in-memory-length", not_negative)?;
        given.number("x-max-in-memory-bytes", not_negative)?;
        let max_priority = given.number("x-max-priority", |value| match value {
            256.. => Err(format!("{{max_value_exceeded,{value}}}")),
            _ => not_negative(value),
        })?;
        let policies = ["drop-head", "reject-publish", "reject-publish-dlx"];
        let overflow = given.one_of("x-overflow", &policies, "invalid_overflow")?;
        given.number("x-queue-version", |version| match version {
            2 => Ok(()),
            0.. => Err(format!("\"unsupported queue version '{version}'\"")),
            _ => not_negative(version),
        })?;
        let single_active_consumer = given.flag("x-single-active-consumer")?;
        let consumer_timeout = given.number("x-consumer-timeout", not_negative)?;
        given.number("x-consumer-disconnected-timeout", not_negative)?;
        given.number("x-quorum-initial-group-size", |size| match size {
            0 => Err("{value_zero,0}".to_owned()),
            _ => not_negative(size),
        })?;
        let locators = ["client-local", "balanced", "random", "least-leaders", "min-masters"];
        given.one_of("x-queue-leader-locator", &locators, "invalid_queue_locator_arg")?;
        // RabbitMQ doesn't check this one: what isn't a whole number is as good as none, and below zero there is no limit.
        let delivery_limit = arguments.inner().get("x-delivery-limit").and_then(erlang::whole);
        let delivery_limit = u64::try_from(delivery_limit.unwrap_or(DELIVERY_LIMIT.into())).ok();
        given.refuse_foreign(queue_type)?;
        Ok(Self {
            queue_type,
            message_ttl,
            expires,
            max_length,
            max_bytes,
            overflow: match (overflow.as_deref(), queue_type) {
                (Some("reject-publish"), _) => Overflow::RejectPublish,
                (Some("reject-publish-dlx"), QueueType::Classic) => Overflow::RejectPublishDlx,
                _ => Overflow::DropHead,
            },
            dead_letter_exchange,
            dead_letter_routing_key,
            // Up to 255, as was checked; 0 is no priorities at all.
            max_priority: max_priority.and_then(|max| u8::try_from(max).ok()).filter(|&max| max > 0),
            single_active_consumer,
            delivery_limit: delivery_limit.filter(|_| queue_type == QueueType::Quorum),
            consumer_timeout,
            delayed_retry: DelayedRetry::from_arguments(arguments).filter(|_| queue_type == QueueType::Quorum),
        })
    }
}

fn not_negative(value: i64) -> Result<(), String> {
    if value < 0 { Err(format!("{{value_negative,{value}}}")) } else { Ok(()) }
}

pub(crate) fn not_too_long(value: i64) -> Result<(), String> {
    not_negative(value)?;
    if value > LONGEST { Err(format!("{{value_too_large,{value}}}")) } else { Ok(()) }
}

/// A consumer's arguments, understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConsumerSettings {
    pub(crate) priority: i64,
    /// Milliseconds that it may take for an acknowledgement, if it says so itself.
    pub(crate) timeout: Option<u64>,
}

impl ConsumerSettings {
    /// Understands the arguments of `basic.consume` for a queue of this name and type.
    pub(crate) fn from_arguments(queue: &str, queue_type: QueueType, arguments: &FieldTable) -> Result<Self, Refusal> {
        const ANYWHERE: &[&str] =
            &["x-consumer-timeout", "x-priority", "x-stream-filter", "x-stream-match-unfiltered", "x-stream-offset"];
        let known: &[&str] = match queue_type {
            QueueType::Classic => &["x-priority"],
            QueueType::Quorum => &["x-priority", "x-consumer-timeout"],
        };
        let given = Given { queue, arguments, known };
        let priority = given.integer("x-priority")?.unwrap_or(0);
        let timeout = given.number("x-consumer-timeout", not_negative)?;
        given.refuse_unknown(queue_type, |name| ANYWHERE.contains(&name))?;
        Ok(Self { priority, timeout })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, value: AMQPValue) -> FieldTable {
        let mut table = FieldTable::default();
        table.insert(name.into(), value);
        table
    }

    fn refusal(name: &str, value: AMQPValue) -> String {
        Settings::from_arguments("q", &table(name, value)).unwrap_err().text
    }

    #[test]
    fn a_bad_argument_is_refused_in_rabbitmqs_words() {
        let text = "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue 'q' in vhost '/': ";
        assert_eq!(refusal("x-message-ttl", AMQPValue::LongInt(-1)), format!("{text}{{value_negative,-1}}"));
        let expected = format!("{text}\"expected integer, got longstr\"");
        assert_eq!(refusal("x-message-ttl", AMQPValue::LongString("1".into())), expected);
    }

    #[test]
    fn an_argument_of_another_queue_type_is_refused() {
        let mut arguments = table("x-queue-type", AMQPValue::LongString("quorum".into()));
        arguments.insert("x-max-priority".into(), AMQPValue::LongInt(3));
        let text = Settings::from_arguments("q", &arguments).unwrap_err().text;
        assert_eq!(
            text,
            "PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue 'q' in vhost '/' of queue type rabbit_quorum_queue"
        );
    }

    #[test]
    fn an_unknown_argument_is_nobodys_business() {
        assert_eq!(Settings::from_arguments("q", &table("x-mine", AMQPValue::Void)), Ok(Settings::default()));
    }
}
