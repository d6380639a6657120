//! The sorting of a headers exchange: `x-match` and the pairs that a message's headers are held against.
//! See <https://www.rabbitmq.com/docs/exchanges#headers>.

use crate::{
    erlang,
    error::{Refusal, ReplyCode},
};
use amq_protocol::types::{AMQPValue, FieldTable};

/// What a binding to a headers exchange asks of a message.
#[derive(Debug)]
pub(crate) struct Rule {
    /// One pair is enough, rather than all.
    any: bool,
    pairs: Vec<(String, AMQPValue)>,
}

impl Rule {
    pub(crate) fn new(arguments: &FieldTable) -> Self {
        let mode = arguments.inner().get("x-match").map(erlang::plain).unwrap_or_default();
        let (any, with_x) = (mode.starts_with("any"), mode.ends_with("-with-x"));
        let pairs = arguments.inner().iter().map(|(name, value)| (name.to_string(), value.clone()));
        let pairs = pairs.filter(|(name, _)| name != "x-match" && (with_x || !name.starts_with("x-"))).collect();
        Self { any, pairs }
    }

    pub(crate) fn matches(&self, headers: &FieldTable) -> bool {
        let holds = |(name, wanted): &(String, AMQPValue)| {
            headers.inner().get(name.as_str()).is_some_and(|value| same_value(wanted, value))
        };
        if self.any { self.pairs.iter().any(holds) } else { self.pairs.iter().all(holds) }
    }
}

/// A binding's value against a message's: no value asks for the name alone, and the width of a number doesn't matter.
fn same_value(wanted: &AMQPValue, value: &AMQPValue) -> bool {
    match wanted {
        AMQPValue::Void => true,
        wanted => wanted == value || erlang::number(wanted).is_some_and(|number| erlang::number(value) == Some(number)),
    }
}

/// Whether RabbitMQ takes these arguments for a binding to a headers exchange.
pub(crate) fn check(arguments: &FieldTable) -> Result<(), Refusal> {
    match arguments.inner().get("x-match") {
        None => Ok(()),
        Some(AMQPValue::LongString(mode)) => match mode.as_bytes() {
            b"all" | b"any" | b"all-with-x" | b"any-with-x" => Ok(()),
            other => Err(ReplyCode::PreconditionFailed.because(format!(
                "Invalid x-match field value {}; expected all, any, all-with-x, or any-with-x",
                erlang::binary(other)
            ))),
        },
        Some(other) => Err(ReplyCode::PreconditionFailed.because(format!(
            "Invalid x-match field type {} (value {}); expected longstr",
            erlang::type_name(other),
            erlang::value(other)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(pairs: &[(&str, AMQPValue)]) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, value) in pairs {
            table.insert((*name).into(), value.clone());
        }
        table
    }

    fn text(text: &str) -> AMQPValue {
        AMQPValue::LongString(text.into())
    }

    #[test]
    fn all_wants_every_pair_and_any_wants_one() {
        let message = table(&[("format", text("pdf")), ("pages", AMQPValue::LongInt(3))]);
        let pairs = [("format", text("pdf")), ("pages", AMQPValue::LongLongInt(4))];
        let rule = |mode: &str| Rule::new(&table(&[&[("x-match", text(mode))], &pairs[..]].concat()));
        assert!(!rule("all").matches(&message));
        assert!(rule("any").matches(&message));
        assert!(!rule("any").matches(&FieldTable::default()));
    }

    #[test]
    fn names_that_start_with_x_count_only_when_asked() {
        let message = table(&[("x-a", text("1"))]);
        let rule = |mode: &str| Rule::new(&table(&[("x-match", text(mode)), ("x-a", text("2"))]));
        assert!(rule("all").matches(&message));
        assert!(!rule("all-with-x").matches(&message));
    }

    #[test]
    fn a_binding_without_a_value_asks_for_the_name_alone() {
        let rule = Rule::new(&table(&[("a", AMQPValue::Void)]));
        assert!(rule.matches(&table(&[("a", text("anything"))])));
        assert!(!rule.matches(&FieldTable::default()));
    }
}
