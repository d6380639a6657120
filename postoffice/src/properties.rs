//! A message's properties, encoded (AMQP 0-9-1, sections 4.2.6.1 and 1.8.3).
//!
//! RabbitMQ takes the properties of each message apart and puts them together again, its headers in order. Mostly that
//! changes nothing. So the bytes are kept, looked into only where the broker needs a field, and rebuilt only where RabbitMQ
//! would come to other ones. None of the texts need be UTF-8, and neither need the names of headers.

use crate::{
    expiration,
    table::{BadTable, Keep, Table},
};
use amq_protocol::{
    frame::WriteContext,
    protocol::BasicProperties,
    types::{
        FieldTable, ShortString,
        generation::{gen_field_table, gen_short_string},
    },
};

/// The fourteen fields of the class *basic* in the order in which they are encoded.
const FIELDS: [Kind; 14] = {
    use Kind::{Octet, Short, Table, Timestamp};
    [Short, Short, Table, Octet, Octet, Short, Short, Short, Short, Timestamp, Short, Short, Short, Short]
};
const CONTENT_TYPE: usize = 0;
const CONTENT_ENCODING: usize = 1;
const HEADERS: usize = 2;
const DELIVERY_MODE: usize = 3;
const PRIORITY: usize = 4;
const CORRELATION_ID: usize = 5;
const REPLY_TO: usize = 6;
const EXPIRATION: usize = 7;
const MESSAGE_ID: usize = 8;
const TIMESTAMP: usize = 9;
const TYPE: usize = 10;
const USER_ID: usize = 11;
const APP_ID: usize = 12;
const CLUSTER_ID: usize = 13;
/// The bits of the flags that stand for no field.
const UNUSED_FLAGS: u16 = 3;

#[derive(Clone, Copy)]
enum Kind {
    Short,
    Table,
    Octet,
    Timestamp,
}

/// Where each field that is present lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties<'a> {
    /// The encoded fields: a short string and a table with their length in front.
    fields: [Option<&'a [u8]>; 14],
    headers: Option<Table<'a>>,
    has_unused_flags: bool,
}

impl<'a> Properties<'a> {
    /// Finds the fields in the part of a content header that follows the body size.
    pub(crate) fn parse(raw: &'a [u8]) -> Result<Self, BadTable> {
        let mut properties = Self::default();
        let (flags, mut rest) = raw.split_first_chunk::<2>().ok_or(BadTable::Malformed)?;
        let flags = u16::from_be_bytes(*flags);
        properties.has_unused_flags = flags & UNUSED_FLAGS != 0;
        for (index, (kind, field)) in FIELDS.iter().zip(&mut properties.fields).enumerate() {
            if flags & (0x8000 >> index) == 0 {
                continue;
            }
            let length = match kind {
                Kind::Short => 1 + usize::from(*rest.first().ok_or(BadTable::Malformed)?),
                Kind::Table => {
                    let length = rest.first_chunk::<4>().ok_or(BadTable::Malformed)?;
                    4 + u32::from_be_bytes(*length) as usize
                }
                Kind::Octet => 1,
                Kind::Timestamp => 8,
            };
            let (value, after) = rest.split_at_checked(length).ok_or(BadTable::Malformed)?;
            if matches!(kind, Kind::Table) {
                properties.headers = Some(Table::parse(value.get(4..).unwrap_or_default())?);
            }
            *field = Some(value);
            rest = after;
        }
        if rest.is_empty() { Ok(properties) } else { Err(BadTable::Malformed) }
    }

    fn field(&self, index: usize) -> Option<&'a [u8]> {
        self.fields.get(index).copied().flatten()
    }

    fn text(&self, index: usize) -> Option<&'a [u8]> {
        self.field(index)?.get(1..)
    }

    /// The priority; a queue without priorities ignores it.
    pub(crate) fn priority(&self) -> Option<u8> {
        self.field(PRIORITY)?.first().copied()
    }

    /// Whether it is to survive the end of the broker.
    pub(crate) fn is_persistent(&self) -> bool {
        self.field(DELIVERY_MODE) == Some(&[2])
    }

    /// Where the answer to this message should go.
    pub(crate) fn reply_to(&self) -> Option<&'a [u8]> {
        self.text(REPLY_TO)
    }

    /// The message's own time to live: milliseconds, as text.
    pub(crate) fn expiration(&self) -> Option<&'a [u8]> {
        self.text(EXPIRATION)
    }

    /// Who the sender says to be.
    pub(crate) fn user_id(&self) -> Option<&'a [u8]> {
        self.text(USER_ID)
    }

    /// The headers as they came.
    pub(crate) fn header_table(&self) -> Option<Table<'a>> {
        self.headers
    }

    /// The headers that the codec can hold, for the broker's own use. The others aren't lost: whatever is made of these
    /// properties keeps them.
    pub(crate) fn headers(&self) -> Option<FieldTable> {
        self.headers.map(Table::to_field_table)
    }

    /// The same properties encoded with other headers in place of those that [`Properties::headers`] gives.
    pub(crate) fn with_headers(&self, headers: &FieldTable) -> Vec<u8> {
        let mut bytes = gen_field_table(headers)(WriteContext::from(Vec::new()))
            .map(|context| context.into_inner().0)
            .unwrap_or_default(); // writing to a Vec can't fail
        let mut others = self.headers.into_iter().flat_map(Table::unreadable).peekable();
        if others.peek().is_some() {
            bytes = with_length(&Table::joined(bytes.get(4..).unwrap_or_default(), others));
        }
        let mut changed = self.clone_of_fields();
        changed.fields[HEADERS] = Some(&bytes);
        changed.encode()
    }

    /// The same properties encoded with these entries, which are encoded, in the headers in place of others with the same
    /// names.
    pub(crate) fn with_headers_over(&self, entries: &[u8]) -> Vec<u8> {
        let own = self.headers.into_iter().flat_map(Table::entries);
        let headers = with_length(&Table::joined(entries, own));
        let mut changed = self.clone_of_fields();
        changed.fields[HEADERS] = Some(&headers);
        changed.encode()
    }

    /// The same properties encoded without an expiration.
    pub(crate) fn for_ever(&self) -> Vec<u8> {
        let mut for_ever = self.clone_of_fields();
        for_ever.fields[EXPIRATION] = None;
        for_ever.encode()
    }

    /// How RabbitMQ hands these properties on: with what is given in place of the address and the headers, the headers
    /// sorted and each name once, and the expiration as it would write that number. Nothing where all stays as it is.
    pub(crate) fn rewritten(
        &self,
        reply_to: Option<&str>,
        headers: Option<Table<'_>>,
        lifetime: Option<u64>,
    ) -> Option<Vec<u8>> {
        let headers = headers.or_else(|| self.headers.filter(|own| !own.is_tidy()));
        let lifetime = lifetime.filter(|_| self.expiration().is_some_and(|text| !expiration::is_plain(text)));
        if reply_to.is_none() && headers.is_none() && lifetime.is_none() && !self.has_unused_flags {
            return None;
        }
        let reply_to = reply_to.map(encoded_text);
        let headers = headers.map(|headers| with_length(&headers.sorted(Keep::First)));
        let lifetime = lifetime.map(|lifetime| encoded_text(&lifetime.to_string()));
        let mut changed = self.clone_of_fields();
        for (index, field) in [(REPLY_TO, &reply_to), (HEADERS, &headers), (EXPIRATION, &lifetime)] {
            if let (Some(place), Some(field)) = (changed.fields.get_mut(index), field) {
                *place = Some(field);
            }
        }
        Some(changed.encode())
    }

    /// The properties for people: what isn't UTF-8 as what one would see of it, and without such headers.
    pub(crate) fn readable(&self) -> BasicProperties {
        let text = |index| self.text(index).map(readable_text);
        let octet = |index| self.field(index).and_then(|bytes| bytes.first().copied());
        let mut readable = BasicProperties::default();
        let timestamp = self.field(TIMESTAMP).and_then(|bytes| bytes.first_chunk().copied()).map(u64::from_be_bytes);
        macro_rules! set {
            ($($with:ident: $value:expr;)*) => {$(
                if let Some(value) = $value {
                    readable = readable.$with(value);
                }
            )*};
        }
        set! {
            with_content_type: text(CONTENT_TYPE);
            with_content_encoding: text(CONTENT_ENCODING);
            with_headers: self.headers();
            with_delivery_mode: octet(DELIVERY_MODE);
            with_priority: octet(PRIORITY);
            with_correlation_id: text(CORRELATION_ID);
            with_reply_to: text(REPLY_TO);
            with_expiration: text(EXPIRATION);
            with_message_id: text(MESSAGE_ID);
            with_timestamp: timestamp;
            with_type: text(TYPE);
            with_user_id: text(USER_ID);
            with_app_id: text(APP_ID);
            with_cluster_id: text(CLUSTER_ID);
        }
        readable
    }

    /// A copy that may hold fields which live shorter than these.
    fn clone_of_fields<'b>(&self) -> Properties<'b>
    where
        'a: 'b,
    {
        Properties { fields: self.fields, headers: self.headers, has_unused_flags: false }
    }

    fn encode(&self) -> Vec<u8> {
        let present = self.fields.iter().enumerate().filter(|(_, field)| field.is_some());
        let flags = present.fold(0u16, |flags, (index, _)| flags | (0x8000 >> index));
        let mut bytes = flags.to_be_bytes().to_vec();
        self.fields.iter().flatten().for_each(|field| bytes.extend_from_slice(field));
        bytes
    }
}

fn encoded_text(text: &str) -> Vec<u8> {
    gen_short_string(text)(WriteContext::from(Vec::new())).map(|context| context.into_inner().0).unwrap_or_default() // writing to a Vec can't fail
}

fn with_length(entries: &[u8]) -> Vec<u8> {
    let mut bytes = (entries.len() as u32).to_be_bytes().to_vec(); // they fit in a frame
    bytes.extend_from_slice(entries);
    bytes
}

/// A text of any bytes as one that the codec takes.
pub(crate) fn readable_text(bytes: &[u8]) -> ShortString {
    let text = String::from_utf8_lossy(bytes);
    let end = (0..=text.len().min(255)).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    ShortString::try_new(text.get(..end).unwrap_or_default()).unwrap_or_default() // it was cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use amq_protocol::protocol::{BasicProperties, basic};
    use amq_protocol::types::AMQPValue;

    fn encoded(properties: &BasicProperties) -> Vec<u8> {
        basic::gen_properties(properties)(WriteContext::from(Vec::new())).unwrap().into_inner().0
    }

    #[test]
    fn every_field_is_found_and_re_encoding_gives_the_same_bytes() {
        let mut headers = FieldTable::default();
        headers.insert("colour".into(), AMQPValue::LongString("red".into()));
        let properties = BasicProperties::default()
            .with_content_type("text/plain".into())
            .with_headers(headers.clone())
            .with_delivery_mode(2)
            .with_priority(7)
            .with_reply_to("me".into())
            .with_expiration("60".into())
            .with_timestamp(1)
            .with_user_id("guest".into())
            .with_cluster_id("c".into());
        let raw = encoded(&properties);
        let found = Properties::parse(&raw).unwrap();
        assert_eq!(found.priority(), Some(7));
        assert_eq!(found.reply_to(), Some(&b"me"[..]));
        assert_eq!(found.expiration(), Some(&b"60"[..]));
        assert_eq!(found.user_id(), Some(&b"guest"[..]));
        assert_eq!(found.headers(), Some(headers));
        assert_eq!(found.encode(), raw);
        assert_eq!(found.rewritten(None, None, Some(60)), None);
        assert_eq!(found.readable(), properties);
    }

    #[test]
    fn changed_properties_keep_the_other_fields() {
        let raw = encoded(&BasicProperties::default().with_priority(3).with_expiration("9".into()));
        let changed = Properties::parse(&raw).unwrap().for_ever();
        assert_eq!(changed, encoded(&BasicProperties::default().with_priority(3)));
        let changed = Properties::parse(&changed).unwrap().with_headers_over(b"\x01at\x01");
        let mut headers = FieldTable::default();
        headers.insert("a".into(), AMQPValue::Boolean(true));
        assert_eq!(changed, encoded(&BasicProperties::default().with_priority(3).with_headers(headers)));
    }

    #[test]
    fn headers_are_put_in_order_and_an_expiration_is_written_as_a_number() {
        let raw = [&[0x21, 0x03, 0, 0, 0, 6][..], b"\x01bV\x01aV", &[3], b"+05"].concat();
        let rewritten = Properties::parse(&raw).unwrap().rewritten(Some("me"), None, Some(5)).unwrap();
        assert_eq!(rewritten, [&[0x23, 0, 0, 0, 0, 6][..], b"\x01aV\x01bV", &[2], b"me", &[1], b"5"].concat());
    }

    #[test]
    fn a_header_whose_name_is_not_text_survives_a_change_of_the_others() {
        let raw = [&[0x20, 0, 0, 0, 0, 9][..], b"\x01aV\x01\xffV\x01zV"].concat();
        let properties = Properties::parse(&raw).unwrap();
        let mut headers = properties.headers().unwrap();
        headers.insert("\u{7fff}".into(), AMQPValue::Void);
        let changed = properties.with_headers(&headers);
        let expected = [&[0x20, 0, 0, 0, 0, 14][..], b"\x01aV\x01zV\x03\xe7\xbf\xbfV\x01\xffV"].concat();
        assert_eq!(changed, expected);
    }

    #[test]
    fn bytes_after_the_last_field_are_malformed() {
        assert_eq!(Properties::parse(&[0, 0, 1]), Err(BadTable::Malformed));
    }
}
