//! Declaring and deleting exchanges (AMQP 0-9-1, section 1.6).

use super::{
    Broker,
    memory::DEFINITION,
    queues::{check_exchange_name, without_line_breaks},
};
use crate::{
    channel::At,
    destination::Destination,
    equivalence::{check_same_argument, check_same_flag, inequivalent},
    error::{Refusal, ReplyCode, exchange_in_vhost},
    exchange::{Exchange, Kind},
    journal::Event,
    ledger::table_bytes,
};
use amq_protocol::protocol::{AMQPClass, exchange};
use std::sync::Arc;

impl Broker {
    pub(super) fn exchange_declare(&mut self, at: At, declare: exchange::Declare) -> Result<(), Refusal> {
        let name = without_line_breaks(declare.exchange.as_str());
        let of = exchange_in_vhost(&name);
        if declare.passive {
            refuse_default(&name)?;
            self.exchanges.get(name.as_str()).ok_or_else(|| no_exchange(&name))?;
        } else {
            let kind = Kind::named(declare.kind.as_str())?;
            refuse_default(&name)?;
            if let Some(known) = self.exchanges.get(name.as_str()) {
                if known.kind != kind {
                    let (current, received) = (format!("'{}'", known.kind.name()), format!("'{}'", kind.name()));
                    return Err(inequivalent(&of, "type", &current, &received));
                }
                check_same_flag(&of, "durable", known.durable, declare.durable)?;
                check_same_flag(&of, "auto_delete", known.auto_delete, declare.auto_delete)?;
                check_same_flag(&of, "internal", known.internal, declare.internal)?;
                let alternate = "alternate-exchange";
                check_same_argument(&of, alternate, &known.arguments, &declare.arguments)?;
            } else {
                if name.starts_with("amq.") {
                    let text = format!("exchange name '{name}' contains reserved prefix 'amq.*'");
                    return Err(ReplyCode::AccessRefused.because(text));
                }
                let alternate = check_exchange_name(&declare.arguments, "alternate-exchange", &of)?;
                self.check_exchange_limits(at, &name)?;
                self.check_room()?;
                let bytes = DEFINITION + 3 * name.len() + table_bytes(&declare.arguments);
                let charge = self.charge_definition(bytes)?;
                let mut created = Exchange::new(name.into(), kind, &self.ledger);
                created.charge = Some(charge);
                created.durable = declare.durable;
                created.auto_delete = declare.auto_delete;
                created.internal = declare.internal;
                created.arguments = declare.arguments;
                created.alternate = alternate;
                created.declared_by = Some(self.host(at.connection));
                created.declared_by.into_iter().for_each(|host| self.usage.exchanges.add(host));
                let name = created.name.clone();
                self.exchanges.insert(name.clone(), created);
                self.log_exchange(&name);
                self.note(|| Event::ExchangeDeclared { exchange: name });
            }
        }
        if !declare.nowait {
            self.reply_when_stored(at, AMQPClass::Exchange(exchange::AMQPMethod::DeclareOk(exchange::DeclareOk {})));
        }
        Ok(())
    }

    pub(super) fn exchange_delete(&mut self, at: At, delete: exchange::Delete) -> Result<(), Refusal> {
        let name = without_line_breaks(delete.exchange.as_str());
        refuse_default(&name)?;
        if name.starts_with("amq.") {
            let text = format!("deletion of system {} not allowed", exchange_in_vhost(&name));
            return Err(ReplyCode::AccessRefused.because(text));
        }
        if let Some(known) = self.exchanges.get(name.as_str()) {
            if delete.if_unused && known.bindings().len() > 0 {
                return Err(ReplyCode::PreconditionFailed.because(format!("{} in use", exchange_in_vhost(&name))));
            }
            self.delete_exchange(&name);
        }
        if !delete.nowait {
            self.reply_when_stored(at, AMQPClass::Exchange(exchange::AMQPMethod::DeleteOk(exchange::DeleteOk {})));
        }
        Ok(())
    }

    pub(super) fn delete_exchange(&mut self, name: &str) {
        if let Some(name) = self.take_exchange(name) {
            self.forget_destination(Destination::Exchange(name.clone()), &name);
        }
    }

    /// Takes an exchange away with its own bindings, and gives its name. Those that lead to it are left, to be forgotten by
    /// the caller.
    pub(super) fn take_exchange(&mut self, name: &str) -> Option<Arc<str>> {
        let gone = self.exchanges.remove(name)?;
        gone.declared_by.into_iter().for_each(|host| self.usage.exchanges.remove(host));
        gone.log_deleted(&mut self.store);
        for binding in gone.bindings() {
            self.bindings.remove(&gone.name, binding);
            let destination = self.name_of(&binding.destination);
            self.note_unbound(&gone.name, &destination, binding);
        }
        Some(gone.name.clone())
    }
}

pub(super) fn no_exchange(name: &str) -> Refusal {
    ReplyCode::NotFound.because(format!("no {}", exchange_in_vhost(name)))
}

pub(super) fn refuse_default(name: &str) -> Result<(), Refusal> {
    match name {
        "" => Err(ReplyCode::AccessRefused.because("operation not permitted on the default exchange")),
        _ => Ok(()),
    }
}
