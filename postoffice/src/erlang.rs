//! Values the way RabbitMQ prints them in its texts: in Erlang's notation, with AMQP's types under RabbitMQ's names.

use amq_protocol::types::AMQPValue;

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
        AMQPValue::LongString(text) => text.to_string(),
        AMQPValue::ByteArray(bytes) => String::from_utf8_lossy(bytes.as_slice()).into_owned(),
        other => self::value(other),
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
    let printable = |byte: &u8| matches!(byte, b' '..=b'~' | 0xa0..=0xff | 8..=13 | 27);
    if bytes.is_empty() || !bytes.iter().all(printable) {
        return numbers(bytes);
    }
    let mut text = String::from("<<\"");
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
    text + "\">>"
}

/// Bytes as `~w` prints them.
pub(crate) fn numbers(bytes: &[u8]) -> String {
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    format!("<<{}>>", numbers.join(","))
}

/// The term by which RabbitMQ says that a queue is missing, as `~p` prints it from this column on: what doesn't fit in a
/// line goes on in the next one.
pub(crate) fn queue_not_found(queue: &str, column: usize) -> String {
    const LAST_COLUMN: usize = 78;
    let name = binary(queue.as_bytes());
    let fits = |column: usize, term: &str| column + term.chars().count() <= LAST_COLUMN;
    let resource = format!("{{resource,<<\"/\">>,queue,{name}}}}}");
    if fits(column, &format!("{{not_found,{resource}")) {
        return format!("{{not_found,{resource}");
    }
    let line = |column: usize| format!("\n{}", " ".repeat(column));
    let start = format!("{{not_found,{}", line(column + 4));
    if fits(column + 4, &resource) {
        return start + &resource;
    }
    format!("{start}{{resource,<<\"/\">>,queue,{}{name}}}}}", line(column + 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_where_they_can_be_printed() {
        assert_eq!(binary(b"some"), "<<\"some\">>");
        assert_eq!(binary(&[0, 1]), "<<0,1>>");
        assert_eq!(binary(b""), "<<>>");
    }

    #[test]
    fn a_term_that_is_too_long_for_its_line_is_broken() {
        assert_eq!(queue_not_found("q", 0), "{not_found,{resource,<<\"/\">>,queue,<<\"q\">>}}");
        let lines = |length: usize| queue_not_found(&"q".repeat(length), 27).lines().count();
        assert_eq!([8, 9, 15, 16, 200].map(lines), [1, 2, 2, 3, 3]);
        let third = format!("{}<<\"{}\">>}}}}", " ".repeat(35), "q".repeat(16));
        assert_eq!(queue_not_found(&"q".repeat(16), 27).lines().last(), Some(&*third));
    }
}
