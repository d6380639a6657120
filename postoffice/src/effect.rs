//! What the broker wants a client to receive, before it is bytes.

use crate::{ledger::size_on_64_bits, message::Message};
use amq_protocol::protocol::AMQPClass;
use std::sync::Arc;

/// Something to send on a channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outgoing {
    pub(crate) channel: u16,
    pub(crate) effect: Effect,
}

/// The kinds of things that a channel sends. Those that go out by the thousand have a form of their own that costs no
/// allocation while the broker is locked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// A method without content.
    Method(Box<AMQPClass>),
    /// `basic.deliver`
    Deliver { consumer_tag: Arc<str>, delivery_tag: u64, redelivered: bool, message: Arc<Message> },
    /// `basic.get-ok`
    GetOk { delivery_tag: u64, redelivered: bool, message_count: u32, message: Arc<Message> },
    /// `basic.return` of a message that no queue took
    Return(Arc<Message>),
    /// `basic.ack`, the publisher's confirm; of a message that no queue took it stays alone, as in RabbitMQ, which sends
    /// it before it looks at the next message
    Confirm { delivery_tag: u64, multiple: bool, is_alone: bool },
    /// `basic.nack`, the publisher's refusal
    Nack { delivery_tag: u64, multiple: bool },
}

impl Effect {
    /// How many bytes it holds on to beside its message, roughly.
    pub(crate) fn own_bytes(&self) -> usize {
        match self {
            Self::Method(_) => 200,
            _ => 2 * const { size_on_64_bits::<Outgoing>(48) }, // a list has room for more than it holds
        }
    }

    /// How many bytes it is to write, roughly.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Deliver { message, .. } | Self::GetOk { message, .. } | Self::Return(message) => {
                delivery_weight(message)
            }
            Self::Method(_) => 200,
            Self::Confirm { .. } | Self::Nack { .. } => 30,
        }
    }
}

/// The weight of a message on its way to a client.
pub(crate) fn delivery_weight(message: &Message) -> usize {
    100 + message.body_length()
}
