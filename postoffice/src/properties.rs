//! A message's properties as they came from the sender, byte for byte (AMQP 0-9-1, sections 4.2.6.1 and 1.8.3).
//!
//! RabbitMQ hands a sender's properties to the receiver unchanged, with the order and the duplicates of its headers. So
//! the bytes are kept, looked into only where the broker needs a field, and rebuilt only where it changes one.

use crate::table::{self, BadTable};
use amq_protocol::{
    frame::WriteContext,
    types::{
        AMQPValue, FieldTable,
        generation::{gen_field_table, gen_short_string},
        parsing::parse_field_table,
    },
};

/// The fourteen fields of the class *basic* in the order in which they are encoded.
const FIELDS: [Kind; 14] = {
    use Kind::{Octet, Short, Table, Timestamp};
    [Short, Short, Table, Octet, Octet, Short, Short, Short, Short, Timestamp, Short, Short, Short, Short]
};
const HEADERS: usize = 2;
const DELIVERY_MODE: usize = 3;
const PRIORITY: usize = 4;
const REPLY_TO: usize = 6;
const EXPIRATION: usize = 7;
const USER_ID: usize = 11;

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
}

impl<'a> Properties<'a> {
    /// Finds the fields in the part of a content header that follows the body size.
    pub(crate) fn parse(raw: &'a [u8]) -> Result<Self, BadTable> {
        let mut properties = Self::default();
        let (flags, mut rest) = raw.split_first_chunk::<2>().ok_or(BadTable::Malformed)?;
        let flags = u16::from_be_bytes(*flags);
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
                table::check(value.get(4..).unwrap_or_default())?;
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

    /// 1 for a transient message, 2 for a persistent one.
    pub(crate) fn delivery_mode(&self) -> Option<u8> {
        self.field(DELIVERY_MODE)?.first().copied()
    }

    /// The priority; a queue without priorities ignores it.
    pub(crate) fn priority(&self) -> Option<u8> {
        self.field(PRIORITY)?.first().copied()
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

    /// Whether there is a headers table, which costs more to look into.
    pub(crate) fn has_headers(&self) -> bool {
        self.field(HEADERS).is_some()
    }

    /// The headers, or none where a name in them isn't UTF-8.
    pub(crate) fn headers(&self) -> Option<FieldTable> {
        parse_field_table(self.field(HEADERS)?).ok().map(|(_, table)| table)
    }

    /// The same properties encoded with other headers.
    pub(crate) fn with_headers(&self, headers: &FieldTable) -> Vec<u8> {
        let headers = gen_field_table(headers)(WriteContext::from(Vec::new()))
            .map(|context| context.into_inner().0)
            .unwrap_or_default(); // writing to a Vec can't fail
        let mut changed = self.clone_of_fields();
        changed.fields[HEADERS] = Some(&headers);
        changed.encode()
    }

    /// The same properties encoded with these entries, which are encoded and sorted, in the headers in place of others
    /// with the same names.
    pub(crate) fn with_headers_over(&self, entries: &[u8]) -> Vec<u8> {
        let own = self.field(HEADERS).and_then(|table| table.get(4..)).unwrap_or_default();
        let table = table::merged(entries, own);
        let length = u32::try_from(table.len()).unwrap_or(u32::MAX); // the memory ends long before
        let headers = [&length.to_be_bytes(), &table[..]].concat();
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

    /// The same properties encoded with another reply-to.
    pub(crate) fn with_reply_to(&self, reply_to: &str) -> Vec<u8> {
        let reply_to = gen_short_string(reply_to)(WriteContext::from(Vec::new()))
            .map(|context| context.into_inner().0)
            .unwrap_or_default(); // writing to a Vec can't fail
        let mut changed = self.clone_of_fields();
        changed.fields[REPLY_TO] = Some(&reply_to);
        changed.encode()
    }

    /// A copy that may hold fields which live shorter than these.
    fn clone_of_fields<'b>(&self) -> Properties<'b>
    where
        'a: 'b,
    {
        Properties { fields: self.fields }
    }

    fn encode(&self) -> Vec<u8> {
        let present = self.fields.iter().enumerate().filter(|(_, field)| field.is_some());
        let flags = present.fold(0u16, |flags, (index, _)| flags | (0x8000 >> index));
        let mut bytes = flags.to_be_bytes().to_vec();
        self.fields.iter().flatten().for_each(|field| bytes.extend_from_slice(field));
        bytes
    }
}

/// The text of a long string, which is how clients send text in a table.
pub(crate) fn long_text(value: &AMQPValue) -> Option<&str> {
    match value {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amq_protocol::protocol::{BasicProperties, basic};

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
        assert_eq!(found.delivery_mode(), Some(2));
        assert_eq!(found.priority(), Some(7));
        assert_eq!(found.reply_to(), Some(&b"me"[..]));
        assert_eq!(found.expiration(), Some(&b"60"[..]));
        assert_eq!(found.user_id(), Some(&b"guest"[..]));
        assert_eq!(found.headers(), Some(headers));
        assert_eq!(found.encode(), raw);
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
    fn bytes_after_the_last_field_are_malformed() {
        assert_eq!(Properties::parse(&[0, 0, 1]), Err(BadTable::Malformed));
    }
}
