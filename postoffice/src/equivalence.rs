//! Whether a second declaration of a queue or an exchange says the same as the first, and RabbitMQ's words where it
//! doesn't (<https://www.rabbitmq.com/docs/queues#property-equivalence>).

use crate::{
    arguments::QueueType,
    erlang,
    error::{Refusal, ReplyCode, queue_in_vhost},
};
use amq_protocol::types::{AMQPValue, FieldTable};

/// Compares the arguments of a second declaration with the first one's, as far as RabbitMQ does.
pub(crate) fn check_same_arguments(queue: &str, current: &FieldTable, received: &FieldTable) -> Result<(), Refusal> {
    let known = QueueType::of(current).unwrap_or_default().known_arguments();
    known.iter().try_for_each(|name| check_same_argument(&queue_in_vhost(queue), name, current, received))
}

/// Compares a flag of two declarations of the same thing.
pub(crate) fn check_same_flag(of: &str, what: &str, current: bool, received: bool) -> Result<(), Refusal> {
    match current == received {
        true => Ok(()),
        false => Err(inequivalent(of, what, &format!("'{current}'"), &format!("'{received}'"))),
    }
}

/// Compares one argument of two declarations of the same thing.
pub(crate) fn check_same_argument(
    of: &str,
    name: &str,
    current: &FieldTable,
    received: &FieldTable,
) -> Result<(), Refusal> {
    // A queue whose type wasn't given has been given it by RabbitMQ.
    let classic = (name == "x-queue-type").then(|| AMQPValue::LongString("classic".into()));
    let current = current.inner().get(name).or(classic.as_ref());
    let received = received.inner().get(name).or(classic.as_ref());
    match (current, received) {
        (None, None) => Ok(()),
        (Some(a), Some(b)) if is_the_same(a, b) => Ok(()),
        // RabbitMQ takes a decimal for a type with its value, and stumbles over its own words.
        (Some(AMQPValue::DecimalValue(_)), Some(_)) | (Some(_), Some(AMQPValue::DecimalValue(_))) => {
            Err(Refusal::internal())
        }
        (Some(a), Some(b)) => Err(inequivalent(of, name, &quoted(a), &quoted(b))),
        (current, received) => Err(inequivalent(of, name, &with_type(current), &with_type(received))),
    }
}

/// Whether RabbitMQ takes one value for the other. A whole number is the same in any width, even as a timestamp, but
/// not as a fraction; text is the same as its bytes, and an empty array as an empty table: Erlang has one value for both.
fn is_the_same(a: &AMQPValue, b: &AMQPValue) -> bool {
    use AMQPValue::{ByteArray, FieldArray, FieldTable, LongString};
    fn equal<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
        a.is_some() && a == b
    }
    match (a, b) {
        (LongString(text), ByteArray(bytes)) | (ByteArray(bytes), LongString(text)) => {
            text.as_bytes() == bytes.as_slice()
        }
        (FieldArray(array), FieldTable(table)) | (FieldTable(table), FieldArray(array)) => {
            array.as_slice().is_empty() && table.inner().is_empty()
        }
        _ => a == b || equal(erlang::whole(a), erlang::whole(b)) || equal(erlang::fraction(a), erlang::fraction(b)),
    }
}

/// RabbitMQ's words for a second declaration that differs from the first.
pub(crate) fn inequivalent(of: &str, what: &str, current: &str, received: &str) -> Refusal {
    ReplyCode::PreconditionFailed
        .because(format!("inequivalent arg '{what}' for {of}: received {received} but current is {current}"))
}

fn quoted(value: &AMQPValue) -> String {
    match value {
        AMQPValue::Void => "none".to_owned(),
        value => format!("'{}'", erlang::plain(value)),
    }
}

fn with_type(value: Option<&AMQPValue>) -> String {
    match value {
        None => "none".to_owned(),
        Some(value) => format!("the value '{}' of type '{}'", erlang::plain(value), erlang::type_name(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, value: AMQPValue) -> FieldTable {
        let mut table = FieldTable::default();
        table.insert(name.into(), value);
        table
    }

    #[test]
    fn a_second_declaration_may_say_the_same_number_in_another_width() {
        let (int, long) = (AMQPValue::LongInt(9), AMQPValue::LongLongInt(9));
        assert_eq!(check_same_arguments("q", &table("x-expires", int.clone()), &table("x-expires", long)), Ok(()));
        let error = check_same_arguments("q", &table("x-expires", int), &FieldTable::default()).unwrap_err();
        let expected = "PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue 'q' in vhost '/': received none but \
                        current is the value '9' of type 'signedint'";
        assert_eq!(error.text, expected);
    }
}
