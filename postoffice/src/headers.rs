//! The sorting of a headers exchange: `x-match` and the pairs that a message's headers are held against.
//! See <https://www.rabbitmq.com/docs/exchanges#headers>.

use crate::{
    erlang,
    error::{Refusal, ReplyCode},
    table::{Table, Term, Value},
};
use std::{cell::OnceCell, collections::HashMap};

/// What a binding to a headers exchange asks of a message.
#[derive(Debug)]
pub(crate) struct Rule {
    /// One pair is enough, rather than all.
    any: bool,
    /// Names that start with `x-` count.
    with_x: bool,
    /// The binding's arguments, encoded.
    arguments: Box<[u8]>,
}

impl Rule {
    pub(crate) fn new(arguments: Table<'_>) -> Self {
        let mode = arguments.get("x-match").and_then(Value::text).unwrap_or_default();
        let (any, with_x) = (mode.starts_with(b"any"), mode.ends_with(b"-with-x"));
        Self { any, with_x, arguments: arguments.bytes().into() }
    }

    pub(crate) fn matches(&self, headers: &MessageHeaders<'_>) -> bool {
        let arguments = Table::checked(&self.arguments);
        let mut pairs = arguments.entries().filter(|(name, _)| self.counts(name));
        let holds = |(name, wanted): (&[u8], Value<'_>)| match (wanted.term(), headers.get(name)) {
            (_, None) => false,
            (Term::Void, Some(_)) => true, // no value asks for the name alone
            (wanted, Some(value)) => wanted == value,
        };
        if self.any { pairs.any(holds) } else { pairs.all(holds) }
    }

    fn counts(&self, name: &[u8]) -> bool {
        if self.with_x { name != b"x-match" } else { !name.starts_with(b"x-") }
    }
}

/// The headers of a message for those who look for some by name: put in a map the first time that somebody does.
#[derive(Debug, Default)]
pub(crate) struct MessageHeaders<'a> {
    table: Table<'a>,
    by_name: OnceCell<HashMap<&'a [u8], Term<'a>>>,
}

impl<'a> MessageHeaders<'a> {
    pub(crate) fn new(table: Option<Table<'a>>) -> Self {
        Self { table: table.unwrap_or_default(), by_name: OnceCell::new() }
    }

    /// The value of a header; of several with this name the last one's, as in RabbitMQ.
    fn get(&self, name: &[u8]) -> Option<Term<'a>> {
        let by_name = self.by_name.get_or_init(|| {
            let entries = self.table.entries();
            entries.map(|(name, value)| (name, in_milliseconds(value.term()))).collect()
        });
        by_name.get(name).copied()
    }
}

/// RabbitMQ counts a message's times in milliseconds, but not a binding's.
fn in_milliseconds(term: Term<'_>) -> Term<'_> {
    match term {
        Term::Time(seconds) => Term::Integer(i128::from(seconds) * 1000),
        other => other,
    }
}

/// Whether RabbitMQ takes these arguments for a binding to a headers exchange.
pub(crate) fn check(arguments: Table<'_>) -> Result<(), Refusal> {
    let Some(mode) = arguments.get("x-match") else { return Ok(()) };
    match mode.text() {
        Some(b"all" | b"any" | b"all-with-x" | b"any-with-x") => Ok(()),
        Some(other) => Err(ReplyCode::PreconditionFailed.because(format!(
            "Invalid x-match field value {}; expected all, any, all-with-x, or any-with-x",
            erlang::binary(other)
        ))),
        None => {
            let mode = mode.to_amqp();
            Err(ReplyCode::PreconditionFailed.because(format!(
                "Invalid x-match field type {} (value {}); expected longstr",
                erlang::type_name(&mode),
                erlang::value(&mode)
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&[b'S'][..], &(text.len() as u32).to_be_bytes(), text.as_bytes()].concat()
    }

    fn table(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let entry = |(name, value): &(&str, Vec<u8>)| [&[name.len() as u8], name.as_bytes(), value].concat();
        pairs.iter().flat_map(entry).collect()
    }

    fn matches(rule: &[(&str, Vec<u8>)], message: &[(&str, Vec<u8>)]) -> bool {
        let (rule, message) = (table(rule), table(message));
        Rule::new(Table::parse(&rule).unwrap()).matches(&MessageHeaders::new(Table::parse(&message).ok()))
    }

    #[test]
    fn all_wants_every_pair_and_any_wants_one() {
        let message = [("format", text("pdf")), ("pages", b"b\x03".to_vec())];
        let rule = |mode| [("x-match", text(mode)), ("format", text("pdf")), ("pages", b"b\x04".to_vec())];
        assert!(!matches(&rule("all"), &message));
        assert!(matches(&rule("any"), &message));
        assert!(!matches(&rule("any"), &[]));
    }

    #[test]
    fn names_that_start_with_x_count_only_when_asked() {
        let rule = |mode| [("x-match", text(mode)), ("x-a", text("2"))];
        assert!(matches(&rule("all"), &[("x-a", text("1"))]));
        assert!(!matches(&rule("all-with-x"), &[("x-a", text("1"))]));
    }

    #[test]
    fn a_binding_without_a_value_asks_for_the_name_alone() {
        assert!(matches(&[("a", b"V".to_vec())], &[("a", text("anything"))]));
        assert!(!matches(&[("a", b"V".to_vec())], &[]));
    }

    #[test]
    fn a_number_is_the_same_in_any_width_but_not_as_a_float() {
        let (byte, short, float) = (b"b\x01".to_vec(), b"s\0\x01".to_vec(), b"f\x3f\x80\0\0".to_vec());
        assert!(matches(&[("a", byte.clone())], &[("a", short)]));
        assert!(!matches(&[("a", byte)], &[("a", float)]));
    }
}
