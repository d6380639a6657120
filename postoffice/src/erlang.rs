//! Values the way RabbitMQ prints them in its texts: in Erlang's notation, with AMQP's types under RabbitMQ's names.

use amq_protocol::types::AMQPValue;
use std::borrow::Cow;

/// What RabbitMQ calls the type of a table's value.
pub(crate) fn type_name(value: &AMQPValue) -> &'static str {
    match value {
        AMQPValue::Boolean(_) => "bool",
        AMQPValue::ShortShortInt(_) => "byte",
        AMQPValue::ShortShortUInt(_) => "unsignedbyte",
        AMQPValue::ShortInt(_) => "short",
        AMQPValue::ShortUInt(_) => "unsignedshort",
        AMQPValue::LongInt(_) => "signedint",
        AMQPValue::LongUInt(_) => "unsignedint",
        AMQPValue::LongLongInt(_) => "long",
        AMQPValue::Float(_) => "float",
        AMQPValue::Double(_) => "double",
        AMQPValue::DecimalValue(_) => "decimal",
        AMQPValue::ShortString(_) | AMQPValue::LongString(_) => "longstr",
        AMQPValue::FieldArray(_) => "array",
        AMQPValue::Timestamp(_) => "timestamp",
        AMQPValue::FieldTable(_) => "table",
        AMQPValue::ByteArray(_) => "binary",
        AMQPValue::Void => "void",
    }
}

/// A whole number of whatever width.
pub(crate) fn integer(value: &AMQPValue) -> Option<i64> {
    match *value {
        AMQPValue::ShortShortInt(number) => Some(number.into()),
        AMQPValue::ShortShortUInt(number) => Some(number.into()),
        AMQPValue::ShortInt(number) => Some(number.into()),
        AMQPValue::ShortUInt(number) => Some(number.into()),
        AMQPValue::LongInt(number) => Some(number.into()),
        AMQPValue::LongUInt(number) => Some(number.into()),
        AMQPValue::LongLongInt(number) => Some(number),
        _ => None,
    }
}

/// A value that Erlang compares as a number.
pub(crate) fn number(value: &AMQPValue) -> Option<f64> {
    match *value {
        AMQPValue::Float(number) => Some(number.into()),
        AMQPValue::Double(number) => Some(number),
        AMQPValue::Timestamp(number) => Some(number as f64),
        _ => integer(value).map(|number| number as f64),
    }
}

/// A value as `~s` prints text and `~p` all else.
pub(crate) fn plain(value: &AMQPValue) -> String {
    match value {
        AMQPValue::LongString(long) => text(long.as_bytes()).into_owned(),
        AMQPValue::ByteArray(bytes) => text(bytes.as_slice()).into_owned(),
        other => self::value(other),
    }
}

/// Bytes as `~ts` prints them: text, and where they are none, each byte as the letter with that number.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// A term as `~p` prints it after `before`: RabbitMQ breaks a pair that would go beyond the 78th column in two.
pub(crate) fn laid_out(before: &str, term: &str) -> String {
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    match term.split_once(',') {
        Some((first, rest)) if term.starts_with('{') && column + term.chars().count() > 78 => {
            format!("{first},\n{}{rest}", " ".repeat(column + 1))
        }
        _ => term.to_owned(),
    }
}

/// A value as `~p` prints it.
pub(crate) fn value(value: &AMQPValue) -> String {
    match value {
        AMQPValue::Boolean(yes) => yes.to_string(),
        AMQPValue::LongString(text) => binary(text.as_bytes()),
        AMQPValue::ByteArray(bytes) => binary(bytes.as_slice()),
        AMQPValue::Float(number) => float(f64::from(*number)),
        AMQPValue::Double(number) => float(*number),
        AMQPValue::DecimalValue(decimal) => format!("{{{},{}}}", decimal.scale, decimal.value),
        AMQPValue::Timestamp(seconds) => seconds.to_string(),
        AMQPValue::Void => "undefined".to_owned(),
        AMQPValue::FieldArray(array) => {
            let items = array.as_slice().iter().map(|item| format!("{{{},{}}}", type_name(item), self::value(item)));
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        AMQPValue::FieldTable(table) => {
            let entries = table.inner().iter().map(|(name, entry)| {
                format!("{{{},{},{}}}", binary(name.as_str().as_bytes()), type_name(entry), self::value(entry))
            });
            format!("[{}]", entries.collect::<Vec<_>>().join(","))
        }
        other => integer(other).map(|number| number.to_string()).unwrap_or_default(),
    }
}

fn float(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 { format!("{number:.1}") } else { number.to_string() }
}

/// Bytes as `~p` prints them: `<<"text">>` where all of them can be printed, else `<<1,2,3>>`.
pub(crate) fn binary(bytes: &[u8]) -> String {
    if is_printable(bytes) { format!("<<{}>>", quoted(bytes)) } else { numbers(bytes) }
}

/// A list of bytes as `~p` prints it: `"text"` where all of them can be printed, else `[1,2,3]`.
pub(crate) fn string(bytes: &[u8]) -> String {
    if is_printable(bytes) { quoted(bytes) } else { format!("[{}]", joined(bytes)) }
}

fn is_printable(bytes: &[u8]) -> bool {
    let printable = |byte: &u8| matches!(byte, b' '..=b'~' | 0xa0..=0xff | 8..=13 | 27);
    !bytes.is_empty() && bytes.iter().all(printable)
}

fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in bytes {
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            8 => text.push_str("\\b"),
            11 => text.push_str("\\v"),
            12 => text.push_str("\\f"),
            27 => text.push_str("\\e"),
            byte => text.push(char::from(byte)),
        }
    }
    text + "\""
}

/// Bytes as `~w` prints them.
pub(crate) fn numbers(bytes: &[u8]) -> String {
    format!("<<{}>>", joined(bytes))
}

fn joined(bytes: &[u8]) -> String {
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    numbers.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_where_they_can_be_printed() {
        assert_eq!(binary(b"some"), "<<\"some\">>");
        assert_eq!(binary(&[0, 1]), "<<0,1>>");
        assert_eq!(binary(b""), "<<>>");
        assert_eq!(string(b"a\"b\xff"), "\"a\\\"b\u{ff}\"");
        assert_eq!(string(&[1, 2]), "[1,2]");
    }

    #[test]
    fn a_pair_that_would_be_too_long_for_its_line_is_broken() {
        assert_eq!(laid_out(&"x".repeat(73), "{a,1}"), "{a,1}");
        assert_eq!(laid_out(&"x".repeat(74), "{a,1}"), format!("{{a,\n{}1}}", " ".repeat(75)));
        assert_eq!(laid_out(&format!("{}\n", "x".repeat(90)), "{a,1}"), "{a,1}");
    }
}
