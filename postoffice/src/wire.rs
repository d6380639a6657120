//! Frames in and out (AMQP 0-9-1, section 4.2.3), on top of `amq-protocol`'s codec.
//!
//! The envelope of a frame is read here, in place, because the broker has to know a frame's size before it has the
//! frame, and because a body need not be copied twice; what is inside a frame the codec parses.

use crate::{
    effect::{Effect, Outgoing},
    erlang,
    error::{Refusal, ReplyCode, short},
    message::Message,
    table,
};
use amq_protocol::{
    frame::{AMQPFrame, WriteContext, gen_frame},
    protocol::{AMQPClass, basic, parse_class},
};

pub(crate) const METHOD: u8 = 1;
pub(crate) const HEADER: u8 = 2;
pub(crate) const BODY: u8 = 3;
pub(crate) const HEARTBEAT: u8 = 8;
const FRAME_END: u8 = 0xce;

/// The bytes of a frame around its payload.
pub(crate) const FRAME_OVERHEAD: usize = 8;

/// A complete frame, still in the buffer in which it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: u8,
    pub(crate) channel: u16,
    pub(crate) payload: &'a [u8],
}

/// The peer and we no longer agree where a frame starts; nothing that follows can be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LostSync {
    pub(crate) refusal: Refusal,
}

impl<'a> Frame<'a> {
    /// The frame at the start of `bytes` and its length, or nothing yet.
    pub(crate) fn first_in(bytes: &'a [u8], frame_max: u32) -> Result<Option<(Self, usize)>, LostSync> {
        let Some(([kind, c1, c0, s3, s2, s1, s0], rest)) = bytes.split_first_chunk::<7>() else { return Ok(None) };
        let (kind, channel) = (*kind, u16::from_be_bytes([*c1, *c0]));
        let size = u32::from_be_bytes([*s3, *s2, *s1, *s0]);
        // RabbitMQ lets a client exceed the limit by the eight bytes of the envelope: many get that wrong.
        if size > frame_max {
            let problem = format!("{{frame_too_large,{size},{}}}", frame_max - FRAME_OVERHEAD as u32);
            return Err(LostSync { refusal: frame_error(kind, &[], &problem) });
        }
        let Some((payload, rest)) = rest.split_at_checked(size as usize) else { return Ok(None) };
        match rest.first() {
            None => Ok(None),
            Some(&FRAME_END) => Ok(Some((Self { kind, channel, payload }, payload.len() + FRAME_OVERHEAD))),
            Some(other) => {
                let problem = format!("{{invalid_frame_end_marker,{other}}}");
                Err(LostSync { refusal: frame_error(kind, payload, &problem) })
            }
        }
    }

    /// The refusal of a frame of no known type, or too short for its type.
    pub(crate) fn unknown(&self) -> Refusal {
        frame_error(self.kind, self.payload, "unknown_frame")
    }

    /// The refusal of a well-formed frame that has no business there.
    pub(crate) fn unexpected(&self) -> Refusal {
        ReplyCode::UnexpectedFrame.because(format!("type {}, {}", self.kind, snippet(self.payload)))
    }
}

fn frame_error(kind: u8, payload: &[u8], problem: &str) -> Refusal {
    ReplyCode::FrameError.because(format!("type {kind}, {}: {problem}", snippet(payload)))
}

/// The start of a payload as RabbitMQ shows it: in Erlang's notation.
fn snippet(payload: &[u8]) -> String {
    match payload.get(..16) {
        Some(first) if payload.len() > 16 => format!("first 16 octets = {}", erlang::binary(first)),
        _ => format!("all octets = {}", erlang::binary(payload)),
    }
}

/// The numbers of a method's class and of the method in it, which an error names.
pub(crate) type Ids = (u16, u16);

/// Why a method frame can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadMethod {
    /// RabbitMQ drops such a connection without a word.
    Drop,
    /// The method is known, its arguments are not well-formed.
    Refuse { refusal: Refusal, ids: Ids },
}

/// Parses the payload of a method frame.
pub(crate) fn parse_method(payload: &[u8]) -> Result<(Ids, AMQPClass), BadMethod> {
    let Some(([c1, c0, m1, m0], fields)) = payload.split_first_chunk::<4>() else { return Err(BadMethod::Drop) };
    let (class_id, method_id) = (u16::from_be_bytes([*c1, *c0]), u16::from_be_bytes([*m1, *m0]));
    let ids = (class_id, method_id);
    let refuse = |refusal| BadMethod::Refuse { refusal, ids };
    if let Some(table) = table_in(class_id, method_id, fields) {
        table::check(table).map_err(|_| BadMethod::Drop)?;
    }
    if ids == (60, 10) {
        refuse_prefetch_size(fields).map_err(refuse)?;
    }
    match parse_class(payload) {
        Ok(([], method)) => Ok((ids, method)),
        _ if !is_known(class_id, method_id) => Err(BadMethod::Drop),
        _ => Err(refuse(ReplyCode::FrameError.because(format!("cannot decode {}", erlang::numbers(fields))))),
    }
}

/// The only part of `basic.qos` that the codec leaves out is one that RabbitMQ refuses.
fn refuse_prefetch_size(fields: &[u8]) -> Result<(), Refusal> {
    match fields.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes)) {
        None | Some(0) => Ok(()),
        Some(size) => Err(ReplyCode::NotImplemented.because(format!("prefetch_size!=0 ({size})"))),
    }
}

/// The entries of the table among a method's arguments, for the methods that have one.
fn table_in(class_id: u16, method_id: u16, fields: &[u8]) -> Option<&[u8]> {
    // How many bytes, short strings and bytes again stand before the table.
    let (before, strings, after) = match (class_id, method_id) {
        (10, 11) => (0, 0, 0),            // connection.start-ok
        (40, 10) => (2, 2, 1),            // exchange.declare
        (40, 30) | (40, 40) => (2, 3, 1), // exchange.bind, exchange.unbind
        (50, 10) => (2, 1, 1),            // queue.declare
        (50, 20) => (2, 3, 1),            // queue.bind
        (50, 50) => (2, 3, 0),            // queue.unbind
        (60, 20) => (2, 2, 1),            // basic.consume
        _ => return None,
    };
    let mut rest = fields.get(before..)?;
    for _ in 0..strings {
        rest = rest.get(1 + usize::from(*rest.first()?)..)?;
    }
    let (length, entries) = rest.get(after..)?.split_first_chunk::<4>()?;
    entries.get(..u32::from_be_bytes(*length) as usize)
}

/// Whether RabbitMQ knows the method at all, be it one that only servers send.
fn is_known(class_id: u16, method_id: u16) -> bool {
    match class_id {
        10 => matches!(method_id, 10 | 11 | 20 | 21 | 30 | 31 | 40 | 41 | 50 | 51 | 60 | 61 | 70 | 71),
        20 => matches!(method_id, 10 | 11 | 20 | 21 | 40 | 41),
        30 => matches!(method_id, 10 | 11),
        40 => matches!(method_id, 10 | 11 | 20 | 21 | 30 | 31 | 40 | 51),
        50 => matches!(method_id, 10 | 11 | 20 | 21 | 30 | 31 | 40 | 41 | 50 | 51),
        60 => {
            matches!(method_id, 10 | 11 | 20 | 21 | 30 | 31 | 40 | 50 | 60 | 70..=72 | 80 | 90 | 100 | 110 | 111 | 120)
        }
        85 => matches!(method_id, 10 | 11),
        90 => matches!(method_id, 10 | 11 | 20 | 21 | 30 | 31),
        _ => false,
    }
}

/// Turns what a client should receive into bytes, in one buffer that is reused.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was written out; a buffer that grew for a large message is given back.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(256 * 1024);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn heartbeat(&mut self) {
        self.frame(AMQPFrame::Heartbeat);
    }

    pub(crate) fn method(&mut self, channel: u16, method: AMQPClass) {
        self.frame(AMQPFrame::Method(channel, method));
    }

    pub(crate) fn outgoing(&mut self, outgoing: Outgoing, frame_max: u32) {
        let Outgoing { channel, effect } = outgoing;
        let basic = |method| AMQPClass::Basic(method);
        match effect {
            Effect::Method(method) => self.method(channel, *method),
            Effect::Confirm { delivery_tag, multiple } => {
                self.method(channel, basic(basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple })));
            }
            Effect::Refuse { delivery_tag } => {
                let nack = basic::Nack { delivery_tag, multiple: false, requeue: false };
                self.method(channel, basic(basic::AMQPMethod::Nack(nack)));
            }
            Effect::Deliver { consumer_tag, delivery_tag, redelivered, message } => {
                let deliver = basic::Deliver {
                    consumer_tag: short(&consumer_tag),
                    delivery_tag,
                    redelivered,
                    exchange: short(&message.exchange),
                    routing_key: short(message.routing_key()),
                };
                self.method(channel, basic(basic::AMQPMethod::Deliver(deliver)));
                self.content(channel, &message, frame_max);
            }
            Effect::GetOk { delivery_tag, redelivered, message_count, message } => {
                let get_ok = basic::GetOk {
                    delivery_tag,
                    redelivered,
                    exchange: short(&message.exchange),
                    routing_key: short(message.routing_key()),
                    message_count,
                };
                self.method(channel, basic(basic::AMQPMethod::GetOk(get_ok)));
                self.content(channel, &message, frame_max);
            }
            Effect::Return(message) => {
                let code = ReplyCode::NoRoute;
                let returned = basic::Return {
                    reply_code: code as u16,
                    reply_text: short(code.name()),
                    exchange: short(&message.exchange),
                    routing_key: short(message.routing_key()),
                };
                self.method(channel, basic(basic::AMQPMethod::Return(returned)));
                self.content(channel, &message, frame_max);
            }
        }
    }

    fn frame(&mut self, frame: AMQPFrame) {
        let start = self.bytes.len();
        match gen_frame(&frame)(WriteContext::from(std::mem::take(&mut self.bytes))) {
            Ok(context) => self.bytes = context.into_inner().0,
            // Writing to a Vec doesn't fail; were it to, the peer must not get half a frame.
            Err(_) => self.bytes.truncate(start),
        }
    }

    /// The content header with the sender's own property bytes, and the body in frames of at most `frame_max` bytes.
    fn content(&mut self, channel: u16, message: &Message, frame_max: u32) {
        let (properties, body) = (message.content.raw_properties(), message.content.body());
        self.envelope(HEADER, channel, 12 + properties.len());
        self.bytes.extend_from_slice(&[0, 60, 0, 0]); // class basic, weight 0
        self.bytes.extend_from_slice(&(body.len() as u64).to_be_bytes());
        self.bytes.extend_from_slice(properties);
        self.bytes.push(FRAME_END);
        for piece in body.chunks((frame_max as usize).saturating_sub(FRAME_OVERHEAD).max(1)) {
            self.envelope(BODY, channel, piece.len());
            self.bytes.extend_from_slice(piece);
            self.bytes.push(FRAME_END);
        }
    }

    fn envelope(&mut self, kind: u8, channel: u16, size: usize) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&channel.to_be_bytes());
        self.bytes.extend_from_slice(&(size as u32).to_be_bytes());
    }
}
