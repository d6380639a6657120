//! One value of a table or an array, encoded, and what it is to Erlang.

use super::{Table, fill_in_length, open_container, write_entry};
use amq_protocol::types::{AMQPValue, parsing::parse_value};

/// A value with its type in front, encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value<'a>(&'a [u8]);

impl<'a> Value<'a> {
    /// The value that the bytes begin with. Tables and arrays in it are not looked into.
    pub(super) fn first_in(bytes: &'a [u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        let size = match kind {
            b'V' => 0,
            b't' | b'b' | b'B' => 1,
            b's' | b'u' => 2,
            b'I' | b'i' | b'f' => 4,
            b'D' => 5,
            b'l' | b'L' | b'd' | b'T' => 8,
            b'S' | b'x' | b'A' | b'F' => 4usize.checked_add(u32::from_be_bytes(*rest.first_chunk()?) as usize)?,
            _ => return None,
        };
        bytes.get(..size.checked_add(1)?).map(Self)
    }

    pub(super) fn kind(self) -> u8 {
        self.0.first().copied().unwrap_or(b'V')
    }

    /// Its type and itself.
    pub(super) fn encoded(self) -> &'a [u8] {
        self.0
    }

    /// The bytes of a value of fixed length.
    fn fixed<const N: usize>(self) -> [u8; N] {
        self.0.get(1..).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or([0; N])
    }

    /// What follows the length.
    fn content(self) -> &'a [u8] {
        self.0.get(5..).unwrap_or_default()
    }

    pub(super) fn is_finite(self) -> bool {
        match self.kind() {
            b'f' => f32::from_be_bytes(self.fixed()).is_finite(),
            b'd' => f64::from_be_bytes(self.fixed()).is_finite(),
            _ => true,
        }
    }

    /// Whether RabbitMQ would write the value itself, without what is in it, in this way.
    pub(super) fn is_tidy(self) -> bool {
        match self.kind() {
            b'L' => false,
            b't' => self.fixed() == [0] || self.fixed() == [1],
            _ => true,
        }
    }

    pub(super) fn is_readable(self) -> bool {
        match self.kind() {
            b'F' => self.table().is_readable(),
            b'A' => self.items().all(Value::is_readable),
            _ => true,
        }
    }

    /// A table's entries; none of another value.
    pub(crate) fn table(self) -> Table<'a> {
        Table::checked(if self.kind() == b'F' { self.content() } else { &[] })
    }

    /// An array's values; none of another value.
    pub(crate) fn items(self) -> impl Iterator<Item = Value<'a>> {
        let mut rest = if self.kind() == b'A' { self.content() } else { &[] };
        std::iter::from_fn(move || {
            let value = Value::first_in(rest)?;
            rest = rest.get(value.0.len()..)?;
            Some(value)
        })
    }

    /// The bytes of a long string, which is how clients send text.
    pub(crate) fn text(self) -> Option<&'a [u8]> {
        (self.kind() == b'S').then(|| self.content())
    }

    #[cfg(feature = "server")]
    pub(crate) fn flag(self) -> Option<bool> {
        (self.kind() == b't').then(|| self.fixed() != [0])
    }

    pub(crate) fn is_array(self) -> bool {
        self.kind() == b'A'
    }

    /// The value for the codec.
    pub(crate) fn to_amqp(self) -> AMQPValue {
        let mut readable = Vec::with_capacity(self.0.len());
        self.write_readable(&mut readable);
        parse_value(&readable[..]).map(|(_, value)| value).unwrap_or(AMQPValue::Void) // it was checked
    }

    /// What the value is to Erlang, to which a number is a number whatever its width.
    pub(crate) fn term(self) -> Term<'a> {
        let integer = |number: i128| Term::Integer(number);
        match self.kind() {
            b't' => Term::Flag(self.fixed() != [0]),
            b'b' => integer(i8::from_be_bytes(self.fixed()).into()),
            b'B' => integer(u8::from_be_bytes(self.fixed()).into()),
            b's' => integer(i16::from_be_bytes(self.fixed()).into()),
            b'u' => integer(u16::from_be_bytes(self.fixed()).into()),
            b'I' => integer(i32::from_be_bytes(self.fixed()).into()),
            b'i' => integer(u32::from_be_bytes(self.fixed()).into()),
            b'l' | b'L' => integer(i64::from_be_bytes(self.fixed()).into()),
            b'T' => Term::Time(u64::from_be_bytes(self.fixed())),
            b'f' => Term::Float(f64::from(f32::from_be_bytes(self.fixed())).to_bits()),
            b'd' => Term::Float(u64::from_be_bytes(self.fixed())),
            b'D' => Term::Decimal(self.fixed()),
            b'S' | b'x' => Term::Text(self.content()),
            b'A' => Term::Array(self),
            b'F' => Term::Table(self),
            _ => Term::Void,
        }
    }

    pub(super) fn write_tidy(self, bytes: &mut Vec<u8>) {
        match self.kind() {
            b'L' => {
                bytes.push(b'l');
                bytes.extend_from_slice(self.0.get(1..).unwrap_or_default());
            }
            b't' => bytes.extend([b't', (self.fixed() != [0]).into()]),
            b'F' => {
                let start = open_container(b'F', bytes);
                self.table().entries().for_each(|(name, value)| write_entry(name, value, bytes));
                fill_in_length(bytes, start);
            }
            b'A' => {
                let start = open_container(b'A', bytes);
                self.items().for_each(|item| item.write_tidy(bytes));
                fill_in_length(bytes, start);
            }
            _ => bytes.extend_from_slice(self.0),
        }
    }

    pub(super) fn write_readable(self, bytes: &mut Vec<u8>) {
        match self.kind() {
            b'F' => {
                let start = open_container(b'F', bytes);
                bytes.extend_from_slice(&self.table().readable());
                fill_in_length(bytes, start);
            }
            b'A' => {
                let start = open_container(b'A', bytes);
                self.items().for_each(|item| item.write_readable(bytes));
                fill_in_length(bytes, start);
            }
            _ => bytes.extend_from_slice(self.0),
        }
    }
}

/// A value as Erlang compares it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Term<'a> {
    Integer(i128),
    /// Seconds since 1970: another number, but not everywhere the same one.
    Time(u64),
    /// Its bits: 0.0 and -0.0 are two numbers.
    Float(u64),
    Text(&'a [u8]),
    Flag(bool),
    Decimal([u8; 5]),
    Array(Value<'a>),
    Table(Value<'a>),
    Void,
}

impl PartialEq for Term<'_> {
    /// Erlang's `=:=`: the value of an entry is compared without its type, values within tables and arrays with it.
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Time(time), Self::Integer(number)) | (Self::Integer(number), Self::Time(time)) => {
                number == i128::from(time)
            }
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Flag(a), Self::Flag(b)) => a == b,
            (Self::Decimal(a), Self::Decimal(b)) => a == b,
            (Self::Array(a), Self::Array(b)) | (Self::Table(a), Self::Table(b)) => tidy(a) == tidy(b),
            // Both are a list, and there is one empty list.
            (Self::Array(a), Self::Table(b)) | (Self::Table(b), Self::Array(a)) => {
                a.content().is_empty() && b.content().is_empty()
            }
            (Self::Void, Self::Void) => true,
            _ => false,
        }
    }
}

/// The bytes of a value as RabbitMQ would write it.
fn tidy(value: Value<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.0.len());
    value.write_tidy(&mut bytes);
    bytes
}
