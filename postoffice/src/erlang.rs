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

/// A value that is a whole number in Erlang: of any width, or a timestamp.
pub(crate) fn whole(value: &AMQPValue) -> Option<i128> {
    match *value {
        AMQPValue::Timestamp(seconds) => Some(seconds.into()),
        _ => integer(value).map(i128::from),
    }
}

/// A value that is a float in Erlang.
pub(crate) fn fraction(value: &AMQPValue) -> Option<f64> {
    match *value {
        AMQPValue::Float(number) => Some(number.into()),
        AMQPValue::Double(number) => Some(number),
        _ => None,
    }
}

/// A value as `~ts` prints text and `~tp` all else.
pub(crate) fn plain(value: &AMQPValue) -> String {
    match value {
        AMQPValue::LongString(long) => text(long.as_bytes()).into_owned(),
        AMQPValue::ByteArray(bytes) => text(bytes.as_slice()).into_owned(),
        other => self::value(other),
    }
}

/// Bytes as `~ts` prints them: UTF-8, or where they aren't that each byte as the letter with that number.
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

/// A value as `~tp` prints it.
pub(crate) fn value(value: &AMQPValue) -> String {
    match value {
        AMQPValue::Boolean(yes) => yes.to_string(),
        AMQPValue::LongString(text) => unicode(text.as_bytes()),
        AMQPValue::ByteArray(bytes) => unicode(bytes.as_slice()),
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
                format!("{{{},{},{}}}", unicode(name.as_str().as_bytes()), type_name(entry), self::value(entry))
            });
            format!("[{}]", entries.collect::<Vec<_>>().join(","))
        }
        other => integer(other).map(|number| number.to_string()).unwrap_or_default(),
    }
}

/// The shortest digits that say which float it is, as a decimal or with an exponent, whichever is shorter.
fn float(number: f64) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0; // from here on whole numbers are left out
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let plain = format!("{number}");
    let decimal = if plain.contains('.') { plain } else { plain + ".0" };
    let point = if digits.contains('.') { "" } else { ".0" };
    let scientific = format!("{digits}{point}e{exponent}");
    if number.abs() >= EXACT || scientific.len() < decimal.len() { scientific } else { decimal }
}

/// Bytes as `~p` prints them: `<<"text">>` where all of them can be printed in Latin-1, else `<<1,2,3>>`.
pub(crate) fn binary(bytes: &[u8]) -> String {
    let characters = || bytes.iter().copied().map(char::from);
    match !bytes.is_empty() && characters().all(is_latin1) {
        true => format!("<<{}>>", quoted(characters())),
        false => numbers(bytes),
    }
}

/// Bytes as `~tp` prints them: `<<"text"/utf8>>` where that is what they are.
fn unicode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Err(_) => binary(bytes),
        Ok(text) if text.is_ascii() => binary(bytes),
        Ok(text) if text.chars().all(is_printable) => format!("<<{}/utf8>>", quoted(text.chars())),
        Ok(_) => numbers(bytes),
    }
}

/// Text as `~p` prints it: in quotes, or where it goes beyond Latin-1 as the list of numbers that it is in Erlang.
pub(crate) fn string(text: &str) -> String {
    if !text.is_empty() && text.chars().all(is_latin1) {
        return quoted(text.chars());
    }
    let numbers: Vec<String> = text.chars().map(|character| u32::from(character).to_string()).collect();
    format!("[{}]", numbers.join(","))
}

fn is_printable(character: char) -> bool {
    matches!(character, ' '..='~' | '\u{8}'..='\r' | '\u{1b}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

fn is_latin1(character: char) -> bool {
    is_printable(character) && character <= '\u{ff}'
}

fn quoted(characters: impl Iterator<Item = char>) -> String {
    let mut text = String::from("\"");
    for character in characters {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{b}' => text.push_str("\\v"),
            '\u{c}' => text.push_str("\\f"),
            '\u{1b}' => text.push_str("\\e"),
            character => text.push(character),
        }
    }
    text + "\""
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
        assert_eq!(binary("é".as_bytes()), "<<\"Ã©\">>");
    }

    #[test]
    fn text_is_utf8_where_the_format_asks_for_it() {
        assert_eq!(unicode("a\n\"".as_bytes()), "<<\"a\\n\\\"\">>");
        assert_eq!(unicode("十".as_bytes()), "<<\"十\"/utf8>>");
        assert_eq!(unicode(b"\xe9"), "<<\"é\">>");
        assert_eq!(unicode(&[194, 128]), "<<194,128>>");
        assert_eq!((string("é"), string("十")), ("\"é\"".to_owned(), "[21313]".to_owned()));
    }

    #[test]
    fn a_float_is_written_as_short_as_it_can_be() {
        let written =
            [10.0, 1000.0, 0.0001, 0.00001, 123_456.0, 9_007_199_254_740_991.0, 9_007_199_254_740_992.0, -0.0];
        let expected =
            ["10.0", "1.0e3", "0.0001", "1.0e-5", "123456.0", "9007199254740991.0", "9.007199254740992e15", "-0.0"];
        assert_eq!(written.map(float), expected);
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
