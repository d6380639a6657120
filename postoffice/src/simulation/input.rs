//! What a client says, in the form that the broker takes it, and what the broker says in the codec's.

use crate::{
    effect::Effect,
    error::{Refusal, ReplyCode, short},
    message::{Content, Message},
    request::{Ids, PUBLISH, Publish},
};
use amq_protocol::{
    frame::WriteContext,
    protocol::{AMQPClass, BasicProperties, basic, channel, exchange, queue},
    types::{FieldTable, generation::gen_field_table},
};
use std::sync::Arc;

/// The number of a client's one channel.
pub(super) const CHANNEL: u16 = 1;

/// The bytes of the largest body, as RabbitMQ has it.
pub(super) const MESSAGE_LIMIT: u64 = 16 << 20;

/// A message that a client publishes.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    /// The exchange; empty for the default one.
    pub exchange: String,
    /// The routing key.
    pub routing_key: String,
    /// Whether the client wants it back if it goes to no queue.
    pub mandatory: bool,
    /// The properties.
    pub properties: BasicProperties,
    /// The body.
    pub body: Vec<u8>,
}

/// Something that a client says.
#[derive(Debug)]
pub(super) enum Input {
    /// A method, and the entries of its table, where the broker wants them as they came.
    Method {
        ids: Ids,
        method: Box<AMQPClass>,
        table: Vec<u8>,
    },
    Publish {
        publish: Publish,
        content: Content,
    },
    /// What a server refuses before the broker sees it.
    Refused {
        ids: Ids,
        refusal: Refusal,
    },
    /// `connection.close`
    Close,
}

impl Input {
    pub(super) fn open_channel() -> Self {
        Self::method(AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})))
    }

    pub(super) fn method(method: AMQPClass) -> Self {
        let ids = (method.get_amqp_class_id(), method.get_amqp_method_id());
        let table = match &method {
            AMQPClass::Queue(queue::AMQPMethod::Bind(bind)) => entries(&bind.arguments),
            AMQPClass::Queue(queue::AMQPMethod::Unbind(unbind)) => entries(&unbind.arguments),
            AMQPClass::Exchange(exchange::AMQPMethod::Bind(bind)) => entries(&bind.arguments),
            AMQPClass::Exchange(exchange::AMQPMethod::Unbind(unbind)) => entries(&unbind.arguments),
            _ => Vec::new(),
        };
        Self::Method { ids, method: Box::new(method), table }
    }

    pub(super) fn publish(publication: Publication) -> Self {
        let Publication { exchange, routing_key, mandatory, properties, body } = publication;
        let size = body.len() as u64;
        if size > MESSAGE_LIMIT {
            let text = format!("message size {size} is larger than configured max size {MESSAGE_LIMIT}");
            return Self::Refused { ids: PUBLISH, refusal: ReplyCode::PreconditionFailed.because(text) };
        }
        let raw = basic::gen_properties(&properties)(WriteContext::from(Vec::new()))
            .map(|context| context.into_inner().0)
            .unwrap_or_default(); // writing to a Vec can't fail
        let content = Content::new(routing_key.as_bytes(), &raw, &body);
        let (exchange, routing_key) = (exchange.into_bytes(), routing_key.into_bytes());
        Self::Publish { publish: Publish { exchange, routing_key, mandatory, immediate: false }, content }
    }

    pub(super) fn is_publish(&self) -> bool {
        matches!(self, Self::Publish { .. } | Self::Refused { .. })
    }

    /// Whether the client ends its channel with this.
    pub(super) fn closes_channel(&self) -> bool {
        matches!(self, Self::Method { method, .. } if matches!(**method, AMQPClass::Channel(channel::AMQPMethod::Close(_))))
    }
}

fn entries(table: &FieldTable) -> Vec<u8> {
    let bytes = gen_field_table(table)(WriteContext::from(Vec::new())).map(|context| context.into_inner().0);
    bytes.unwrap_or_default().split_off(4) // after its length; writing to a Vec can't fail
}

/// What the broker sends as a method of the codec, and the message that comes with it.
pub(super) fn as_method(effect: Effect) -> (AMQPClass, Option<Arc<Message>>) {
    let (method, message) = match effect {
        Effect::Method(method) => return (*method, None),
        Effect::Deliver { consumer_tag, delivery_tag, redelivered, message } => {
            let (exchange, routing_key) = address(&message);
            let consumer_tag = short(&consumer_tag);
            let deliver = basic::Deliver { consumer_tag, delivery_tag, redelivered, exchange, routing_key };
            (basic::AMQPMethod::Deliver(deliver), Some(message))
        }
        Effect::GetOk { delivery_tag, redelivered, message_count, message } => {
            let (exchange, routing_key) = address(&message);
            let ok = basic::GetOk { delivery_tag, redelivered, exchange, routing_key, message_count };
            (basic::AMQPMethod::GetOk(ok), Some(message))
        }
        Effect::Return(message) => {
            let (exchange, routing_key) = address(&message);
            let (reply_code, reply_text) = (ReplyCode::NoRoute as u16, ReplyCode::NoRoute.name().into());
            (basic::AMQPMethod::Return(basic::Return { reply_code, reply_text, exchange, routing_key }), Some(message))
        }
        Effect::Confirm { delivery_tag, multiple, .. } => {
            (basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple }), None)
        }
        Effect::Nack { delivery_tag, multiple } => {
            (basic::AMQPMethod::Nack(basic::Nack { delivery_tag, multiple, requeue: false }), None)
        }
    };
    (AMQPClass::Basic(method), message)
}

fn address(message: &Message) -> (amq_protocol::types::ShortString, amq_protocol::types::ShortString) {
    (short(message.exchange()), short(&message.routing_key()))
}
