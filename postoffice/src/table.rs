//! Field tables as bytes (AMQP 0-9-1, section 4.2.5.5): looked over, read entry by entry, put in order.
//!
//! The codec's `FieldTable` is a map whose names are text. On the wire a table is a list: a name may be any bytes, and may
//! come twice. So what passes through the broker, or is compared by it, stays encoded; the codec gets what the broker
//! itself has to understand.

mod value;

pub(crate) use value::{Term, Value};

use amq_protocol::types::{FieldTable, parsing::parse_field_table};
use std::borrow::Cow;

/// How deep tables and arrays may nest. RabbitMQ sets no limit; nothing sensible comes near this one. The codec, and some
/// functions here, call themselves for a table within a table, so without one a peer could overflow the stack.
pub(crate) const MAX_DEPTH: usize = 64;

/// Why a table is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadTable {
    /// A length points past the end, a type is unknown, or a float is none (Erlang has neither infinities nor NaN).
    Malformed,
    /// More than [`MAX_DEPTH`] levels.
    TooDeep,
}

/// The entries of a well-formed table, without the four bytes of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Table<'a> {
    bytes: &'a [u8],
    is_tidy: bool,
}

impl Default for Table<'_> {
    fn default() -> Self {
        Self { bytes: &[], is_tidy: true }
    }
}

impl<'a> Table<'a> {
    /// Checks the entries of a table. This walk doesn't call itself, so it may be given anything.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, BadTable> {
        // The open containers, innermost last: where each ends, and whether its values have names.
        let mut open = vec![(bytes.len(), true)];
        let mut at = 0;
        let mut is_tidy = true;
        let mut last_name: Option<&[u8]> = None;
        while let Some(&(end, named)) = open.last() {
            if at == end {
                open.pop();
                continue;
            }
            if named {
                let length = usize::from(*bytes.get(at).ok_or(BadTable::Malformed)?);
                let name = bytes.get(at + 1..at + 1 + length).ok_or(BadTable::Malformed)?;
                if open.len() == 1 {
                    is_tidy &= last_name.is_none_or(|last| last < name);
                    last_name = Some(name);
                }
                at += 1 + length;
            }
            let value = Value::first_in(bytes.get(at..end).unwrap_or_default()).ok_or(BadTable::Malformed)?;
            is_tidy &= value.is_tidy();
            if !value.is_finite() {
                return Err(BadTable::Malformed);
            }
            if matches!(value.kind(), b'A' | b'F') {
                if open.len() > MAX_DEPTH {
                    return Err(BadTable::TooDeep);
                }
                open.push((at + value.encoded().len(), value.kind() == b'F'));
                at += 5;
            } else {
                at += value.encoded().len();
            }
        }
        Ok(Self { bytes, is_tidy })
    }

    /// A table of which the entries were checked before.
    pub(crate) fn checked(bytes: &'a [u8]) -> Self {
        Self { bytes, is_tidy: false }
    }

    /// The entries in the order in which they came.
    pub(crate) fn entries(self) -> impl Iterator<Item = (&'a [u8], Value<'a>)> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let (&length, after) = rest.split_first()?;
            let (name, after) = after.split_at_checked(length.into())?;
            let value = Value::first_in(after)?;
            rest = after.get(value.encoded().len()..)?;
            Some((name, value))
        })
    }

    /// The first entry with this name.
    pub(crate) fn get(self, name: &str) -> Option<Value<'a>> {
        self.entries().find(|(known, _)| *known == name.as_bytes()).map(|(_, value)| value)
    }

    pub(crate) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Whether RabbitMQ, which takes every table apart and puts it together again, would come to the same bytes after
    /// sorting it by name and leaving out what comes twice.
    pub(crate) fn is_tidy(self) -> bool {
        self.is_tidy
    }

    /// The entries sorted by name; of those with the same name the first, or all of them in their order.
    pub(crate) fn sorted(self, keep: Keep) -> Vec<u8> {
        let mut entries: Vec<_> = self.entries().collect();
        entries.sort_by_key(|(name, _)| *name);
        if keep == Keep::First {
            entries.dedup_by_key(|(name, _)| *name);
        }
        let mut bytes = Vec::with_capacity(self.bytes.len());
        entries.into_iter().for_each(|(name, value)| write_entry(name, value, &mut bytes));
        bytes
    }

    /// The entries without the first one of this name; nothing if there is none.
    pub(crate) fn without(self, name: &str) -> Option<Vec<u8>> {
        let index = self.entries().position(|(known, _)| known == name.as_bytes())?;
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let kept = self.entries().enumerate().filter(|(at, _)| *at != index);
        kept.for_each(|(_, (name, value))| write_entry(name, value, &mut bytes));
        Some(bytes)
    }

    /// The bytes with each name that isn't text as what a person would see of it, which is what the codec can hold.
    pub(crate) fn readable(self) -> Cow<'a, [u8]> {
        if self.is_readable() {
            return Cow::Borrowed(self.bytes);
        }
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for (name, value) in self.entries() {
            let name = String::from_utf8_lossy(name);
            let end = (0..=name.len().min(255)).rev().find(|&end| name.is_char_boundary(end)).unwrap_or(0);
            write_name(name.as_bytes().get(..end).unwrap_or_default(), &mut bytes);
            value.write_readable(&mut bytes);
        }
        Cow::Owned(bytes)
    }

    fn is_readable(self) -> bool {
        self.entries().all(|(name, value)| std::str::from_utf8(name).is_ok() && value.is_readable())
    }

    /// What the codec can hold of it: all but those entries in which there is a name that isn't text.
    pub(crate) fn to_field_table(self) -> FieldTable {
        let mut readable = Vec::with_capacity(self.bytes.len() + 4);
        readable.extend([0; 4]);
        for (name, value) in self.entries() {
            if std::str::from_utf8(name).is_ok() && value.is_readable() {
                write_name(name, &mut readable);
                readable.extend_from_slice(value.encoded());
            }
        }
        fill_in_length(&mut readable, 0);
        parse_field_table(&readable[..]).map(|(_, table)| table).unwrap_or_default() // it was checked
    }

    /// These entries, which may be in any order, and more of them whose names aren't among these yet, sorted.
    pub(crate) fn joined<'b>(bytes: &[u8], more: impl Iterator<Item = (&'b [u8], Value<'b>)>) -> Vec<u8> {
        let mut all = bytes.to_vec();
        more.for_each(|(name, value)| write_entry(name, value, &mut all));
        Table::checked(&all).sorted(Keep::First)
    }

    /// The entries that [`Table::to_field_table`] leaves out.
    pub(crate) fn unreadable(self) -> impl Iterator<Item = (&'a [u8], Value<'a>)> {
        self.entries().filter(|(name, value)| std::str::from_utf8(name).is_err() || !value.is_readable())
    }
}

/// What to do with entries of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    First,
    All,
}

/// Writes an entry as RabbitMQ would.
fn write_entry(name: &[u8], value: Value<'_>, bytes: &mut Vec<u8>) {
    write_name(name, bytes);
    value.write_tidy(bytes);
}

fn write_name(name: &[u8], bytes: &mut Vec<u8>) {
    let name = name.get(..255).unwrap_or(name);
    bytes.push(name.len() as u8); // 255 at most
    bytes.extend_from_slice(name);
}

/// Begins a table or an array; gives the place where its length belongs.
fn open_container(kind: u8, bytes: &mut Vec<u8>) -> usize {
    bytes.extend([kind, 0, 0, 0, 0]);
    bytes.len() - 4
}

/// Writes the length of what follows the four bytes at `start`.
fn fill_in_length(bytes: &mut [u8], start: usize) {
    let length = (bytes.len() - start - 4) as u32; // it fits in a frame
    if let Some(place) = bytes.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amq_protocol::{
        frame::WriteContext,
        types::{AMQPValue, generation::gen_field_table},
    };
    use proptest::prelude::*;

    fn bytes_of(table: &FieldTable) -> Vec<u8> {
        gen_field_table(table)(WriteContext::from(Vec::new())).unwrap().into_inner().0
    }

    fn nested(depth: usize) -> FieldTable {
        (0..depth).fold(FieldTable::default(), |inner, _| {
            let mut outer = FieldTable::default();
            outer.insert("t".into(), AMQPValue::FieldTable(inner));
            outer
        })
    }

    fn parsed(bytes: &[u8]) -> Table<'_> {
        Table::parse(bytes).unwrap()
    }

    #[test]
    fn a_table_nested_to_the_limit_passes_and_the_codec_can_parse_it() {
        let bytes = bytes_of(&nested(MAX_DEPTH));
        assert_eq!(parsed(&bytes[4..]).to_field_table(), nested(MAX_DEPTH));
    }

    #[test]
    fn a_table_nested_deeper_is_refused() {
        assert_eq!(Table::parse(&bytes_of(&nested(MAX_DEPTH + 1))[4..]), Err(BadTable::TooDeep));
    }

    #[test]
    fn an_entry_longer_than_its_table_is_malformed() {
        assert_eq!(Table::parse(&[1, b'a', b'S', 0xff, 0xff, 0xff, 0xff]), Err(BadTable::Malformed));
    }

    #[test]
    fn a_float_that_is_no_number_is_malformed() {
        assert_eq!(Table::parse(&[1, b'a', b'f', 0x7f, 0xc0, 0, 0]), Err(BadTable::Malformed));
        assert_eq!(Table::parse(&[1, b'a', b'A', 0, 0, 0, 5, b'f', 0x7f, 0x80, 0, 0]), Err(BadTable::Malformed));
        assert!(Table::parse(&[1, b'a', b'f', 0, 0, 0, 1]).is_ok());
    }

    #[test]
    fn sorting_keeps_the_first_of_a_name_or_all_of_them() {
        let table = parsed(b"\x01bV\x01at\x07\x01bt\x01");
        assert!(!table.is_tidy());
        assert_eq!(table.sorted(Keep::First), b"\x01at\x01\x01bV");
        assert_eq!(table.sorted(Keep::All), b"\x01at\x01\x01bV\x01bt\x01");
        assert!(parsed(b"\x01at\x01\x01bV").is_tidy());
    }

    #[test]
    fn only_the_codec_misses_a_name_that_is_not_text() {
        let bytes = b"\x01at\x01\x01zF\0\0\0\x03\x01\xfeV\x01\xffV";
        let table = parsed(bytes);
        assert_eq!(table.sorted(Keep::First), bytes);
        let names: Vec<String> = table.to_field_table().inner().keys().map(ToString::to_string).collect();
        assert_eq!(names, ["a"]);
        let names: Vec<_> = table.unreadable().map(|(name, _)| name).collect();
        assert_eq!(names, [b"z", b"\xff"]);
        assert_eq!(parsed(&table.readable()).to_field_table().inner().len(), 3);
    }

    proptest! {
        #[test]
        fn whatever_passes_can_be_read_sorted_and_given_to_the_codec(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(1), Just(b'F'), Just(b'A')], 0..200)
        ) {
            if let Ok(table) = Table::parse(&bytes) {
                let sorted = table.sorted(Keep::First);
                prop_assert!(parsed(&sorted).is_tidy());
                prop_assert_eq!(parsed(&sorted).entries().count(), table.to_field_table().inner().len() + parsed(&sorted).unreadable().count());
                prop_assert!(Table::parse(&table.readable()).is_ok());
            }
        }
    }
}
