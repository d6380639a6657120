//! The methods that a client sends, and short ways to say the usual ones.

use amq_protocol::{
    protocol::{AMQPClass, basic, channel, confirm, connection, exchange, queue, tx},
    types::{AMQPValue, FieldArray, FieldTable},
};

/// A method that a client can send.
pub trait Method {
    fn class(self) -> AMQPClass;
}

impl Method for AMQPClass {
    fn class(self) -> AMQPClass {
        self
    }
}

macro_rules! methods {
    ($($class:ident $module:ident: $($method:ident)*;)*) => {$($(
        impl Method for $module::$method {
            fn class(self) -> AMQPClass {
                AMQPClass::$class($module::AMQPMethod::$method(self))
            }
        }
    )*)*};
}

methods! {
    Connection connection: StartOk TuneOk Open Close CloseOk UpdateSecret;
    Channel channel: Open Flow FlowOk Close CloseOk;
    Exchange exchange: Declare Delete Bind Unbind;
    Queue queue: Declare Bind Purge Delete Unbind;
    Basic basic: Qos Consume Cancel Publish Get Ack Reject RecoverAsync Recover Nack Deliver;
    Tx tx: Select Commit Rollback;
    Confirm confirm: Select;
}

pub fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in entries {
        table.insert(key.into(), value);
    }
    table
}

pub fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

pub fn list(names: &[&str]) -> AMQPValue {
    AMQPValue::FieldArray(FieldArray::from(names.iter().map(|name| text(name)).collect::<Vec<_>>()))
}

pub fn int(value: i32) -> AMQPValue {
    AMQPValue::LongInt(value)
}

pub fn flag(value: bool) -> AMQPValue {
    AMQPValue::Boolean(value)
}

/// A durable queue.
pub fn a_queue(name: &str) -> queue::Declare {
    queue::Declare { queue: name.into(), durable: true, ..Default::default() }
}

pub fn a_queue_with<const N: usize>(name: &str, arguments: [(&str, AMQPValue); N]) -> queue::Declare {
    queue::Declare { arguments: table(arguments), ..a_queue(name) }
}

pub fn is_there_a_queue(name: &str) -> queue::Declare {
    queue::Declare { queue: name.into(), passive: true, ..Default::default() }
}

/// The arguments of a queue that sends its dead letters on with their own routing key.
pub fn to_exchange(exchange: &str) -> [(&'static str, AMQPValue); 1] {
    [("x-dead-letter-exchange", text(exchange))]
}

/// The same with another routing key.
pub fn send_to(exchange: &str, routing_key: &str) -> [(&'static str, AMQPValue); 2] {
    [("x-dead-letter-exchange", text(exchange)), ("x-dead-letter-routing-key", text(routing_key))]
}

/// A durable exchange.
pub fn an_exchange(name: &str, kind: &str) -> exchange::Declare {
    exchange::Declare { exchange: name.into(), kind: kind.into(), durable: true, ..Default::default() }
}

pub fn is_there_an_exchange(name: &str) -> exchange::Declare {
    exchange::Declare { exchange: name.into(), passive: true, ..Default::default() }
}

pub fn binding(queue: &str, exchange: &str, routing_key: &str) -> queue::Bind {
    queue::Bind {
        queue: queue.into(),
        exchange: exchange.into(),
        routing_key: routing_key.into(),
        ..Default::default()
    }
}

pub fn to(exchange: &str, routing_key: &str) -> basic::Publish {
    basic::Publish { exchange: exchange.into(), routing_key: routing_key.into(), ..Default::default() }
}

pub fn mandatory(exchange: &str, routing_key: &str) -> basic::Publish {
    basic::Publish { mandatory: true, ..to(exchange, routing_key) }
}

pub fn properties() -> basic::AMQPProperties {
    basic::AMQPProperties::default()
}

pub fn properties_with_headers<const N: usize>(entries: [(&str, AMQPValue); N]) -> basic::AMQPProperties {
    properties().with_headers(table(entries))
}

/// A consumer that acknowledges.
pub fn a_consumer(queue: &str, tag: &str) -> basic::Consume {
    basic::Consume { queue: queue.into(), consumer_tag: tag.into(), ..Default::default() }
}

/// A consumer that doesn't acknowledge.
pub fn a_listener(queue: &str, tag: &str) -> basic::Consume {
    basic::Consume { no_ack: true, ..a_consumer(queue, tag) }
}

pub fn one_from(queue: &str) -> basic::Get {
    basic::Get { queue: queue.into(), no_ack: false }
}

pub fn qos(prefetch_count: u16) -> basic::Qos {
    basic::Qos { prefetch_count, global: false }
}

pub fn ack(delivery_tag: u64) -> basic::Ack {
    basic::Ack { delivery_tag, multiple: false }
}

pub fn nack(delivery_tag: u64) -> basic::Nack {
    basic::Nack { delivery_tag, multiple: false, requeue: true }
}

pub fn reject(delivery_tag: u64) -> basic::Reject {
    basic::Reject { delivery_tag, requeue: false }
}

pub fn cancel(tag: &str) -> basic::Cancel {
    basic::Cancel { consumer_tag: tag.into(), nowait: false }
}

/// Acknowledges everything up to a delivery; 0 is all there is.
pub fn all_up_to(delivery_tag: u64) -> basic::Ack {
    basic::Ack { delivery_tag, multiple: true }
}
