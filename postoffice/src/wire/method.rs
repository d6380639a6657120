//! A method as it came: its fields looked over, then parsed by the codec (AMQP 0-9-1, section 4.2.4).
//!
//! The codec can't hold names that aren't UTF-8, and it calls itself for tables within tables. RabbitMQ refuses such names
//! in the methods' own fields and lets them pass in tables. So this looks first, and hands on the tables whose names matter.

use crate::{
    erlang,
    error::{Refusal, ReplyCode},
    request::{Ids, PUBLISH, Publish},
    table::Table,
};
use amq_protocol::protocol::{AMQPClass, parse_class};
use std::borrow::Cow;

/// Why a method frame can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadMethod {
    /// No such method.
    Unknown,
    /// A table in it is none.
    Table,
    /// Too much of it, or too little.
    Undecodable(Ids, Refusal),
    /// A name in it isn't UTF-8.
    NotUtf8(Ids),
}

/// What becomes of a peer whose frame can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is dropped without a word.
    Drop,
    /// Its connection is closed in so many words.
    Refuse { refusal: Refusal, ids: Ids },
}

impl BadMethod {
    /// What RabbitMQ does about it on a channel.
    pub(crate) fn on_channel(self) -> Verdict {
        match self {
            Self::Unknown | Self::Table => Verdict::Drop,
            Self::Undecodable(ids, refusal) => Verdict::Refuse { refusal, ids },
            Self::NotUtf8(_) => Verdict::Refuse { refusal: not_utf8(), ids: (0, 0) },
        }
    }

    /// The same on channel 0 of an open connection.
    pub(crate) fn on_channel_0(self) -> Verdict {
        match self {
            Self::Unknown => Verdict::Drop,
            Self::Table | Self::Undecodable(..) => Verdict::Refuse { refusal: Refusal::internal(), ids: (0, 0) },
            Self::NotUtf8(ids) => Verdict::Refuse { refusal: not_utf8(), ids },
        }
    }

    /// The same on channel 0 of a connection that is about to be opened.
    pub(crate) fn in_opening(self) -> Verdict {
        match self {
            Self::NotUtf8(ids) => Verdict::Refuse { refusal: not_utf8(), ids },
            _ => Verdict::Drop,
        }
    }
}

fn not_utf8() -> Refusal {
    ReplyCode::FrameError.because("Malformed UTF-8 in shortstr")
}

impl Publish {
    /// Parses the fields after the ids.
    fn parse(fields: &[u8]) -> Option<Self> {
        let (exchange, rest) = next_field(b's', fields.get(2..)?)?;
        let (routing_key, rest) = next_field(b's', rest)?;
        let &[bits] = rest else { return None };
        Some(Self {
            exchange: exchange.to_vec(),
            routing_key: routing_key.to_vec(),
            mandatory: bits & 1 != 0,
            immediate: bits & 2 != 0,
        })
    }
}

/// A method, parsed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Method {
    Publish(Publish),
    /// A method with content that only servers send.
    ServersContent,
    /// One that is refused whatever comes of it.
    Refused(Refusal),
    /// Any other, and the entries of its table where more of them matter than the codec can hold.
    Other(AMQPClass, Box<[u8]>),
}

/// Parses the payload of a method frame, which has the ids at least.
pub(crate) fn parse_method(payload: &[u8]) -> Result<(Ids, Method), BadMethod> {
    let Some(([c1, c0, m1, m0], fields)) = payload.split_first_chunk::<4>() else { return Err(BadMethod::Unknown) };
    let ids = (u16::from_be_bytes([*c1, *c0]), u16::from_be_bytes([*m1, *m0]));
    let undecodable = || {
        let text = format!("cannot decode {}", erlang::numbers(fields));
        BadMethod::Undecodable(ids, ReplyCode::FrameError.because(text))
    };
    if ids == PUBLISH {
        return Ok((ids, Method::Publish(Publish::parse(fields).ok_or_else(undecodable)?)));
    }
    let layout = layout_of(ids).ok_or(BadMethod::Unknown)?;
    let mut rest = fields;
    for &kind in layout {
        rest = next_field(kind, rest).ok_or_else(undecodable)?.1;
    }
    if !rest.is_empty() {
        return Err(undecodable());
    }
    let table = match ids {
        // basic.return, basic.deliver and basic.get-ok: RabbitMQ looks no further than this.
        (60, 50 | 60 | 71) => return Ok((ids, Method::ServersContent)),
        _ => check_fields(ids, layout, fields)?,
    };
    if let Some(refusal) = refuse_prefetch_size(ids, fields) {
        return Ok((ids, Method::Refused(refusal)));
    }
    let Some((start, table)) = table else { return decode(ids, payload, &[]).ok_or_else(undecodable) };
    let kept = if matters(ids) { table.bytes() } else { &[] };
    match table.readable() {
        Cow::Borrowed(_) => decode(ids, payload, kept),
        Cow::Owned(entries) => {
            let (before, rest) = payload.split_at_checked(start + 4).unwrap_or_default();
            let after = rest.get(4 + table.bytes().len()..).unwrap_or_default();
            let length = (entries.len() as u32).to_be_bytes();
            decode(ids, &[before, &length, &entries, after].concat(), kept)
        }
    }
    .ok_or_else(undecodable)
}

fn decode(ids: Ids, payload: &[u8], table: &[u8]) -> Option<(Ids, Method)> {
    parse_class(payload).ok().map(|(_, method)| (ids, Method::Other(method, table.into())))
}

/// Looks over the fields in the order in which RabbitMQ does. If there is a table among them, gives it and where it starts.
fn check_fields<'a>(ids: Ids, layout: &[u8], fields: &'a [u8]) -> Result<Option<(usize, Table<'a>)>, BadMethod> {
    let (mut rest, mut table) = (fields, None);
    for &kind in layout {
        let Some((field, after)) = next_field(kind, rest) else { break };
        match kind {
            b's' if std::str::from_utf8(field).is_err() => return Err(BadMethod::NotUtf8(ids)),
            b'T' => {
                let start = fields.len() - rest.len();
                table = Some((start, Table::parse(field).map_err(|_| BadMethod::Table)?));
            }
            _ => {}
        }
        rest = after;
    }
    Ok(table)
}

/// Whether names that aren't text matter in this method's table: in what clients say of themselves, and in bindings.
fn matters(ids: Ids) -> bool {
    matches!(ids, (10, 11) | (40, 30 | 40) | (50, 20 | 50))
}

/// The only part of `basic.qos` that the codec leaves out is one that RabbitMQ refuses.
fn refuse_prefetch_size(ids: Ids, fields: &[u8]) -> Option<Refusal> {
    let size = u32::from_be_bytes(*fields.first_chunk().filter(|_| ids == (60, 10))?);
    (size > 0).then(|| ReplyCode::NotImplemented.because(format!("prefetch_size!=0 ({size})")))
}

/// The field that the bytes begin with, without its length, and the rest.
fn next_field(kind: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match kind {
        b's' => {
            let (&length, rest) = bytes.split_first()?;
            rest.split_at_checked(length.into())
        }
        b'S' | b'T' => {
            let (length, rest) = bytes.split_first_chunk()?;
            rest.split_at_checked(u32::from_be_bytes(*length) as usize)
        }
        size => bytes.split_at_checked(usize::from(size - b'0')),
    }
}

/// The fields of each method that RabbitMQ knows, be it one that only servers send: so many bytes (eight flags are one), a
/// short string, a long string, a table.
fn layout_of(ids: Ids) -> Option<&'static [u8]> {
    Some(match ids {
        // connection: start, secure, tune, open, close, blocked, update-secret
        (10, 10) => b"11TSS",
        (10, 11) => b"TsSs",
        (10, 20 | 21) => b"S",
        (10, 30 | 31) => b"242",
        (10, 40) => b"ss1",
        (10, 41) => b"s",
        (10, 50) => b"2s22",
        (10, 60) => b"s",
        (10, 70) => b"Ss",
        (10, 51 | 61 | 71) => b"",
        // channel: open, flow, close
        (20, 10) => b"s",
        (20, 11) => b"S",
        (20, 20 | 21) => b"1",
        (20, 40) => b"2s22",
        (20, 41) => b"",
        // access: request
        (30, 10) => b"s1",
        (30, 11) => b"2",
        // exchange: declare, delete, bind, unbind
        (40, 10) => b"2ss1T",
        (40, 20) => b"2s1",
        (40, 30 | 40) => b"2sss1T",
        (40, 11 | 21 | 31 | 51) => b"",
        // queue: declare, bind, purge, delete, unbind
        (50, 10) => b"2s1T",
        (50, 11) => b"s44",
        (50, 20) => b"2sss1T",
        (50, 30 | 40) => b"2s1",
        (50, 31 | 41) => b"4",
        (50, 50) => b"2sssT",
        (50, 21 | 51) => b"",
        // basic: qos, consume, cancel, publish, return, deliver, get, ack, reject, recover-async, recover, nack
        (60, 10) => b"421",
        (60, 20) => b"2ss1T",
        (60, 21) => b"s",
        (60, 30) => b"s1",
        (60, 31) => b"s",
        (60, 40) => b"2ss1",
        (60, 50) => b"2sss",
        (60, 60) => b"s81ss",
        (60, 70) => b"2s1",
        (60, 71) => b"81ss4",
        (60, 72) => b"s",
        (60, 80 | 90 | 120) => b"81",
        (60, 100 | 110) => b"1",
        (60, 11 | 111) => b"",
        // confirm: select; tx: select, commit, rollback
        (85, 10) => b"1",
        (85, 11) => b"",
        (90, 10 | 11 | 20 | 21 | 30 | 31) => b"",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use amq_protocol::protocol::queue;

    #[test]
    fn a_name_that_is_not_utf8_is_refused_in_a_field_and_kept_in_a_table() {
        let bind = |queue: &[u8], table: &[u8]| {
            let mut payload = vec![0, 50, 0, 20, 0, 0, queue.len() as u8];
            payload.extend([queue, &[0, 0, 1], &(table.len() as u32).to_be_bytes(), table].concat());
            payload
        };
        assert_eq!(parse_method(&bind(b"\xff", b"")), Err(BadMethod::NotUtf8((50, 20))));
        let Ok((_, Method::Other(AMQPClass::Queue(queue::AMQPMethod::Bind(method)), table))) =
            parse_method(&bind(b"q", b"\x01\xffV"))
        else {
            panic!("a binding")
        };
        assert!(method.nowait && method.arguments.inner().contains_key("\u{fffd}"));
        assert_eq!(&*table, b"\x01\xffV");
    }

    #[test]
    fn too_much_or_too_little_is_undecodable_and_a_broken_table_is_worse() {
        assert!(matches!(parse_method(&[0, 20, 0, 10]), Err(BadMethod::Undecodable((20, 10), _))));
        assert!(matches!(parse_method(&[0, 20, 0, 41, 1]), Err(BadMethod::Undecodable((20, 41), _))));
        assert_eq!(parse_method(&[0, 50, 0, 10, 0, 0, 0, 0, 0, 0, 0, 2, 1, b'x']), Err(BadMethod::Table));
        assert_eq!(parse_method(&[0, 50, 0, 99]), Err(BadMethod::Unknown));
    }

    #[test]
    fn every_method_of_the_layouts_is_one_that_the_codec_has() {
        for ids in (0..=100).flat_map(|class| (0..=130).map(move |method| (class, method))) {
            let Some(layout) = layout_of(ids).filter(|_| ids != PUBLISH) else { continue };
            let size = |kind: &u8| match kind {
                b's' => 1,
                b'S' | b'T' => 4,
                size => usize::from(size - b'0'),
            };
            let mut payload = [ids.0.to_be_bytes(), ids.1.to_be_bytes()].concat();
            payload.resize(4 + layout.iter().map(size).sum::<usize>(), 0);
            assert!(parse_method(&payload).is_ok(), "{ids:?}");
        }
    }
}
