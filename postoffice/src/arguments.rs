//! What `queue.declare`'s arguments mean, and RabbitMQ's words for those that mean nothing
//! (<https://www.rabbitmq.com/docs/queues#optional-arguments>).

use crate::{
    erlang,
    error::{Refusal, ReplyCode, queue_in_vhost},
};
use amq_protocol::types::{AMQPValue, FieldTable};
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
];

/// The arguments that only streams know.
const STREAM_ONLY: &[&str] = &["x-max-age", "x-stream-max-segment-size-bytes", "x-initial-cluster-size"];

/// Ten years in milliseconds: the longest time to live.
const LONGEST: i64 = 315_360_000_000;

impl QueueType {
    fn known_arguments(self) -> &'static [&'static str] {
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
                b"classic" => Some(Self::Classic),
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
        let given = Given { queue, arguments };
        let queue_type = given.queue_type()?;
        let known = queue_type.known_arguments();
        let knows = |name: &str| known.contains(&name);
        // The order of the checks is RabbitMQ's: a client with two mistakes hears of the same one.
        let settings = Self {
            queue_type,
            expires: given.whole("x-expires", knows, |value| match value {
                0 => Err(format!("{{value_zero,{value}}}")),
                _ => not_too_long(value),
            })?,
            message_ttl: given.whole("x-message-ttl", knows, not_too_long)?,
            dead_letter_exchange: given.text("x-dead-letter-exchange", knows, |_| Ok(()))?,
            dead_letter_routing_key: given.text("x-dead-letter-routing-key", knows, |_| {
                let has_exchange = arguments.inner().contains_key("x-dead-letter-exchange");
                if has_exchange { Ok(()) } else { Err("routing_key_but_no_dlx_defined".to_owned()) }
            })?,
            max_length: {
                given.text("x-dead-letter-strategy", knows, |text| match text {
                    "at-most-once" | "at-least-once" => Ok(()),
                    _ => Err("invalid_dlx_strategy".to_owned()),
                })?;
                given.whole("x-max-length", knows, not_negative)?
            },
            max_bytes: given.whole("x-max-length-bytes", knows, not_negative)?,
            max_priority: {
                given.whole("x-max-in-memory-length", knows, not_negative)?;
                given.whole("x-max-in-memory-bytes", knows, not_negative)?;
                let value = given.whole("x-max-priority", knows, |value| match value {
                    256.. => Err(format!("{{max_value_exceeded,{value}}}")),
                    _ => not_negative(value),
                })?;
                value.and_then(|value| u8::try_from(value).ok()).filter(|&value| value > 0)
            },
            overflow: match given
                .text("x-overflow", knows, |text| match text {
                    "drop-head" | "reject-publish" | "reject-publish-dlx" => Ok(()),
                    _ => Err("invalid_overflow".to_owned()),
                })?
                .as_deref()
            {
                Some("reject-publish") => Overflow::RejectPublish,
                Some("reject-publish-dlx") => Overflow::RejectPublishDlx,
                _ => Overflow::DropHead,
            },
            single_active_consumer: {
                given.text("x-queue-mode", knows, |text| match text {
                    "default" | "lazy" => Ok(()),
                    other => Err(format!("\"unsupported queue mode '{other}'\"")),
                })?;
                given.whole("x-queue-version", knows, |value| match value {
                    1 | 2 => Ok(()),
                    0.. => Err(format!("\"unsupported queue version '{value}'\"")),
                    _ => not_negative(value),
                })?;
                given.yes_or_no("x-single-active-consumer", knows)?
            },
            delivery_limit: {
                let group = |value| if value == 0 { Err("{value_zero,0}".to_owned()) } else { not_negative(value) };
                given.whole("x-quorum-initial-group-size", knows, group)?;
                given.text("x-queue-leader-locator", knows, |text| match text {
                    "client-local" | "balanced" | "random" | "least-leaders" => Ok(()),
                    _ => Err("invalid_queue_locator_arg".to_owned()),
                })?;
                // RabbitMQ 3.10 doesn't check this one; it ignores what isn't a number.
                arguments.inner().get("x-delivery-limit").and_then(erlang::integer).and_then(|n| u64::try_from(n).ok())
            },
        };
        given.refuse_foreign(queue_type)?;
        Ok(settings)
    }
}

/// The arguments of one declaration.
struct Given<'a> {
    queue: &'a str,
    arguments: &'a FieldTable,
}

impl Given<'_> {
    fn queue_type(&self) -> Result<QueueType, Refusal> {
        match (QueueType::of(self.arguments), self.arguments.inner().get("x-queue-type")) {
            (Some(queue_type), _) => Ok(queue_type),
            (None, Some(AMQPValue::LongString(name))) if name.as_bytes() == b"stream" => {
                Err(ReplyCode::NotImplemented.because("the post office keeps no streams"))
            }
            (None, Some(AMQPValue::LongString(name))) => {
                Err(self.invalid("x-queue-type", &format!("\"unsupported queue type '{name}'\"")))
            }
            (None, value) => Err(self.unacceptable("x-queue-type", value)),
        }
    }

    fn whole(
        &self,
        name: &str,
        knows: impl Fn(&str) -> bool,
        check: impl Fn(i64) -> Result<(), String>,
    ) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.arguments.inner().get(name).filter(|_| knows(name)) else { return Ok(None) };
        let Some(number) = erlang::integer(value) else {
            let problem = format!("\"expected integer, got {}\"", erlang::type_name(value));
            return Err(self.invalid(name, &problem));
        };
        check(number).map_err(|problem| self.invalid(name, &problem))?;
        Ok(u64::try_from(number).ok())
    }

    fn text(
        &self,
        name: &str,
        knows: impl Fn(&str) -> bool,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<Option<Arc<str>>, Refusal> {
        match self.arguments.inner().get(name).filter(|_| knows(name)) {
            None => Ok(None),
            Some(AMQPValue::LongString(text)) => {
                let text = text.to_string();
                check(&text).map_err(|problem| self.invalid(name, &problem))?;
                Ok(Some(text.into()))
            }
            value => Err(self.unacceptable(name, value)),
        }
    }

    fn yes_or_no(&self, name: &str, knows: impl Fn(&str) -> bool) -> Result<bool, Refusal> {
        match self.arguments.inner().get(name).filter(|_| knows(name)) {
            None => Ok(false),
            Some(AMQPValue::Boolean(yes)) => Ok(*yes),
            value => Err(self.unacceptable(name, value)),
        }
    }

    /// Refuses arguments that belong to another type of queue.
    fn refuse_foreign(&self, queue_type: QueueType) -> Result<(), Refusal> {
        let known = queue_type.known_arguments();
        let foreign =
            |name: &str| !known.contains(&name) && [CLASSIC, QUORUM, STREAM_ONLY].iter().any(|all| all.contains(&name));
        match self.arguments.inner().keys().find(|name| foreign(name.as_str())) {
            None => Ok(()),
            Some(name) => Err(ReplyCode::PreconditionFailed.because(format!(
                "invalid arg '{name}' for {} of queue type {}",
                queue_in_vhost(self.queue),
                queue_type.module()
            ))),
        }
    }

    fn unacceptable(&self, name: &str, value: Option<&AMQPValue>) -> Refusal {
        self.invalid(name, &format!("{{unacceptable_type,{}}}", value.map_or("none", erlang::type_name)))
    }

    fn invalid(&self, name: &str, problem: &str) -> Refusal {
        invalid_argument(name, &queue_in_vhost(self.queue), problem)
    }
}

/// RabbitMQ's words for an argument with a value that it can't use.
fn invalid_argument(name: &str, of: &str, problem: &str) -> Refusal {
    ReplyCode::PreconditionFailed.because(format!("invalid arg '{name}' for {of}: {problem}"))
}

fn not_negative(value: i64) -> Result<(), String> {
    if value < 0 { Err(format!("{{value_negative,{value}}}")) } else { Ok(()) }
}

fn not_too_long(value: i64) -> Result<(), String> {
    not_negative(value)?;
    if value > LONGEST { Err(format!("{{value_too_large,{value}}}")) } else { Ok(()) }
}

/// A message's own time to live in milliseconds: a whole number as text.
pub(crate) fn parse_expiration(text: &[u8]) -> Result<u64, Refusal> {
    let shown = String::from_utf8_lossy(text);
    let invalid =
        |problem: &str| ReplyCode::PreconditionFailed.because(format!("invalid expiration '{shown}': {problem}"));
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let digits = text.iter().skip(sign).take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at_checked(sign + digits).unwrap_or((text, &[]));
    if digits == 0 {
        return Err(invalid("no_integer"));
    }
    if !rest.is_empty() {
        return Err(invalid(&format!("{{leftover_string,\"{}\"}}", String::from_utf8_lossy(rest))));
    }
    let number = std::str::from_utf8(number).unwrap_or_default();
    match number.parse::<i64>() {
        Ok(value) => {
            not_too_long(value).map_err(|problem| invalid(&problem))?;
            Ok(value.unsigned_abs())
        }
        Err(_) => {
            let problem = if number.starts_with('-') { "value_negative" } else { "value_too_large" };
            Err(invalid(&format!("{{{problem},{}}}", number.trim_start_matches('+'))))
        }
    }
}

/// Checks the arguments of `basic.consume`; gives the consumer's priority.
pub(crate) fn consumer_priority(queue: &str, queue_type: QueueType, arguments: &FieldTable) -> Result<i64, Refusal> {
    let given = Given { queue, arguments };
    let priority = match arguments.inner().get("x-priority") {
        None => 0,
        Some(value) => erlang::integer(value).ok_or_else(|| {
            given.invalid("x-priority", &format!("\"expected integer, got {}\"", erlang::type_name(value)))
        })?,
    };
    let knows_failover = queue_type == QueueType::Classic;
    given.yes_or_no("x-cancel-on-ha-failover", |_| knows_failover)?;
    let foreign = |name: &str| name == "x-stream-offset" || (name == "x-cancel-on-ha-failover" && !knows_failover);
    match arguments.inner().keys().find(|name| foreign(name.as_str())) {
        None => Ok(priority),
        Some(name) => Err(ReplyCode::PreconditionFailed.because(format!(
            "invalid arg '{name}' for {} of queue type {}",
            queue_in_vhost(queue),
            queue_type.module()
        ))),
    }
}

/// Compares the arguments of a second declaration with the first one's, as far as RabbitMQ does.
pub(crate) fn check_same(queue: &str, current: &FieldTable, received: &FieldTable) -> Result<(), Refusal> {
    let known = QueueType::of(current).unwrap_or_default().known_arguments();
    known.iter().try_for_each(|name| check_same_argument(&queue_in_vhost(queue), name, current, received))
}

/// Compares one argument of two declarations of the same thing.
pub(crate) fn check_same_argument(
    of: &str,
    name: &str,
    current: &FieldTable,
    received: &FieldTable,
) -> Result<(), Refusal> {
    let (current, received) = (current.inner().get(name), received.inner().get(name));
    let is_classic = |value: &AMQPValue| name == "x-queue-type" && erlang::plain(value) == "classic";
    match (current, received) {
        (None, None) => Ok(()),
        (Some(a), Some(b)) if a == b => Ok(()),
        (Some(a), Some(b)) => match (erlang::number(a), erlang::number(b)) {
            (Some(x), Some(y)) if x == y => Ok(()),
            _ => Err(inequivalent(of, name, &quoted(a), &quoted(b))),
        },
        (Some(only), None) | (None, Some(only)) if is_classic(only) => Ok(()),
        (current, received) => Err(inequivalent(of, name, &with_type(current), &with_type(received))),
    }
}

/// RabbitMQ's words for a second declaration that differs from the first.
pub(crate) fn inequivalent(of: &str, what: &str, current: &str, received: &str) -> Refusal {
    ReplyCode::PreconditionFailed
        .because(format!("inequivalent arg '{what}' for {of}: received {received} but current is {current}"))
}

fn quoted(value: &AMQPValue) -> String {
    format!("'{}'", erlang::plain(value))
}

fn with_type(value: Option<&AMQPValue>) -> String {
    match value {
        None => "none".to_owned(),
        Some(value) => format!("the value {} of type '{}'", quoted(value), erlang::type_name(value)),
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

    #[test]
    fn a_second_declaration_may_say_the_same_number_in_another_width() {
        let (int, long) = (AMQPValue::LongInt(9), AMQPValue::LongLongInt(9));
        assert_eq!(check_same("q", &table("x-expires", int.clone()), &table("x-expires", long)), Ok(()));
        let error = check_same("q", &table("x-expires", int), &FieldTable::default()).unwrap_err();
        let expected = "PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue 'q' in vhost '/': received none but \
                        current is the value '9' of type 'signedint'";
        assert_eq!(error.text, expected);
    }

    #[test]
    fn an_expiration_is_a_whole_number_of_milliseconds_as_text() {
        assert_eq!(parse_expiration(b"60000"), Ok(60_000));
        let text = |bytes: &[u8]| parse_expiration(bytes).unwrap_err().text;
        assert_eq!(text(b"soon"), "PRECONDITION_FAILED - invalid expiration 'soon': no_integer");
        assert_eq!(text(b"1s"), "PRECONDITION_FAILED - invalid expiration '1s': {leftover_string,\"s\"}");
        assert_eq!(text(b"-1"), "PRECONDITION_FAILED - invalid expiration '-1': {value_negative,-1}");
    }
}
