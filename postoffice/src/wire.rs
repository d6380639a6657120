//! Frames as they come in (AMQP 0-9-1, section 4.2.3), on top of `amq-protocol`'s codec.
//!
//! The envelope of a frame is read here, in place, because the broker has to know a frame's size before it has the
//! frame, and because a body need not be copied twice; what is inside a frame the codec parses.

use crate::{
    erlang,
    error::{Refusal, ReplyCode},
    table,
};
use amq_protocol::protocol::{AMQPClass, parse_class};

pub(crate) const METHOD: u8 = 1;
pub(crate) const HEADER: u8 = 2;
pub(crate) const BODY: u8 = 3;
pub(crate) const HEARTBEAT: u8 = 8;
pub(crate) const FRAME_END: u8 = 0xce;

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
    let text = format!("type {kind}, {}: ", snippet(payload));
    // Erlang breaks a term at 80 columns, after the first part of it.
    let column = text.len() - text.rfind('\n').map_or(0, |newline| newline + 1);
    let problem = match problem.split_once(',') {
        Some((name, rest)) if column + problem.len() > 80 => format!("{name},\n{}{rest}", " ".repeat(column + 1)),
        _ => problem.to_owned(),
    };
    ReplyCode::FrameError.because(text + &problem)
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

/// The ids of `basic.publish`.
pub(crate) const PUBLISH: Ids = (60, 40);

/// A `basic.publish` whose content follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(crate) exchange: String,
    /// Any bytes: RabbitMQ asks for UTF-8 in other methods, but not here.
    pub(crate) routing_key: Vec<u8>,
    pub(crate) mandatory: bool,
    pub(crate) immediate: bool,
}

impl Publish {
    /// Parses the fields after the ids. By hand, because the codec can't hold such a routing key.
    fn parse(fields: &[u8]) -> Option<Self> {
        let (exchange, rest) = short_string(fields.get(2..)?)?;
        let (routing_key, rest) = short_string(rest)?;
        let &[bits] = rest else { return None };
        Some(Self {
            // A name that isn't UTF-8 is no exchange's name; it goes on as what a person would see of it.
            exchange: String::from_utf8_lossy(exchange).into_owned(),
            routing_key: routing_key.to_vec(),
            mandatory: bits & 1 != 0,
            immediate: bits & 2 != 0,
        })
    }
}

fn short_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    rest.split_at_checked(length.into())
}

/// A method as it came, parsed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Method {
    Publish(Publish),
    Other(AMQPClass),
}

/// Parses the payload of a method frame.
pub(crate) fn parse_method(payload: &[u8]) -> Result<(Ids, Method), BadMethod> {
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
    let method = match ids {
        PUBLISH => Publish::parse(fields).map(Method::Publish),
        _ => parse_class(payload).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, method)| Method::Other(method)),
    };
    match method {
        Some(method) => Ok((ids, method)),
        None if !is_known(class_id, method_id) => Err(BadMethod::Drop),
        None => Err(refuse(ReplyCode::FrameError.because(format!("cannot decode {}", erlang::numbers(fields))))),
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
