//! The arguments of one method, read one by one: each of the right type and value, or refused in RabbitMQ's words.

use super::{CLASSIC, QUORUM, QueueType, STREAM_ONLY};
use crate::{
    erlang,
    error::{Refusal, ReplyCode, queue_in_vhost},
};
use amq_protocol::types::{AMQPValue, FieldTable};
use std::sync::Arc;

/// What a client gave, of which only the `known` names mean anything. Whatever reads an argument gives `None` where it
/// isn't there. A check says what is wrong with a value, as an Erlang term.
pub(super) struct Given<'a> {
    pub(super) queue: &'a str,
    pub(super) arguments: &'a FieldTable,
    pub(super) known: &'a [&'a str],
}

impl Given<'_> {
    fn get(&self, name: &str) -> Option<&AMQPValue> {
        self.arguments.inner().get(name).filter(|_| self.known.contains(&name))
    }

    pub(super) fn queue_type(&self) -> Result<QueueType, Refusal> {
        match (QueueType::of(self.arguments), self.arguments.inner().get("x-queue-type")) {
            (Some(queue_type), _) => Ok(queue_type),
            (None, Some(AMQPValue::LongString(name))) if name.as_bytes() == b"stream" => {
                Err(ReplyCode::NotImplemented.because("the post office keeps no streams"))
            }
            (None, Some(AMQPValue::LongString(name))) => {
                let problem =
                    format!("unsupported queue type '{}'", erlang::plain(&AMQPValue::LongString(name.clone())));
                Err(self.invalid("x-queue-type", &erlang::string(&problem)))
            }
            (None, value) => Err(self.unacceptable("x-queue-type", value)),
        }
    }

    /// A whole number of whatever width.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = erlang::integer(value)
            .ok_or_else(|| self.invalid(name, &format!("\"expected integer, got {}\"", erlang::type_name(value))))?;
        Ok(Some(number))
    }

    /// A whole number that passes a check, which lets none through below zero.
    pub(super) fn number(&self, name: &str, check: impl Fn(i64) -> Result<(), String>) -> Result<Option<u64>, Refusal> {
        let Some(number) = self.integer(name)? else { return Ok(None) };
        check(number).map_err(|problem| self.invalid(name, &problem))?;
        Ok(u64::try_from(number).ok())
    }

    pub(super) fn text(
        &self,
        name: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<Option<Arc<str>>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(AMQPValue::LongString(text)) => {
                let text = text.to_string();
                check(&text).map_err(|problem| self.invalid(name, &problem))?;
                Ok(Some(text.into()))
            }
            value => Err(self.unacceptable(name, value)),
        }
    }

    pub(super) fn one_of(&self, name: &str, choices: &[&str], problem: &str) -> Result<Option<Arc<str>>, Refusal> {
        self.text(name, |text| if choices.contains(&text) { Ok(()) } else { Err(problem.to_owned()) })
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name) {
            None => Ok(false),
            Some(AMQPValue::Boolean(yes)) => Ok(*yes),
            value => Err(self.unacceptable(name, value)),
        }
    }

    /// Refuses arguments of a queue that belong to another type of queue.
    pub(super) fn refuse_foreign(&self, queue_type: QueueType) -> Result<(), Refusal> {
        self.refuse_unknown(queue_type, |name| [CLASSIC, QUORUM, STREAM_ONLY].iter().any(|all| all.contains(&name)))
    }

    /// Refuses arguments that mean something elsewhere, but nothing here. What means nothing anywhere is nobody's
    /// business.
    pub(super) fn refuse_unknown(
        &self,
        queue_type: QueueType,
        means_something: impl Fn(&str) -> bool,
    ) -> Result<(), Refusal> {
        let mut names = self.arguments.inner().keys().map(|name| name.as_str());
        match names.find(|name| means_something(name) && !self.known.contains(name)) {
            None => Ok(()),
            Some(name) => Err(ReplyCode::PreconditionFailed.because(format!(
                "invalid arg '{name}' for {} of queue type {}",
                queue_in_vhost(self.queue),
                queue_type.module()
            ))),
        }
    }

    fn unacceptable(&self, name: &str, value: Option<&AMQPValue>) -> Refusal {
        self.invalid(name, &format!("{{unacceptable_type,{}}}", value.map_or("none", erlang::type_name)))
    }

    fn invalid(&self, name: &str, problem: &str) -> Refusal {
        let of = queue_in_vhost(self.queue);
        ReplyCode::PreconditionFailed.because(format!("invalid arg '{name}' for {of}: {problem}"))
    }
}
