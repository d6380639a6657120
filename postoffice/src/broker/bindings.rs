//! Binding queues and exchanges to exchanges, and taking such rules away again (AMQP 0-9-1, sections 1.6 and 1.7;
//! <https://www.rabbitmq.com/docs/e2e>).

use super::{
    Broker,
    exchanges::{no_exchange, refuse_default},
    limits::Tally,
    memory::DEFINITION,
    queues::{no_queue, without_line_breaks},
    replies::REPLY_TO,
};
use crate::{
    channel::At,
    destination::Destination,
    error::{Refusal, ReplyCode},
    exchange::Binding,
    journal::Event,
    ledger::{Account, Charge},
    limits::Host,
    table::Table,
};
use amq_protocol::protocol::{AMQPClass, exchange, queue};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// A direct reply goes by no binding.
fn refuse_reply_address(name: &str) -> Result<(), Refusal> {
    match name.strip_prefix(REPLY_TO).is_some_and(|rest| rest.starts_with('.')) {
        true => Err(ReplyCode::AccessRefused.because("cannot bind or unbind to a volatile (direct reply-to) queue")),
        false => Ok(()),
    }
}

impl Broker {
    pub(super) fn queue_bind(&mut self, at: At, bind: queue::Bind, arguments: Table<'_>) -> Result<(), Refusal> {
        let (name, key) = self.with_last_queue(at, bind.queue.as_str(), bind.routing_key.as_str())?;
        refuse_reply_address(&name)?;
        let source = without_line_breaks(bind.exchange.as_str());
        refuse_default(&source)?;
        let exchange = self.exchanges.get(source.as_str());
        let queue = self.queue_ids.get(name.as_str()).copied();
        // Of two missing ends RabbitMQ names the exchange.
        let exchange = exchange.ok_or_else(|| no_exchange(&source))?;
        let queue = queue.ok_or_else(|| no_queue(&name))?;
        let queue_type = self.queues.get(&queue).map(|queue| queue.settings.queue_type);
        exchange.check_binding(&key, arguments, queue_type)?;
        self.check_access(at, queue)?;
        self.add_binding(at, &source, Destination::Queue(queue), &key, arguments)?;
        if !bind.nowait {
            self.reply_when_stored(at, AMQPClass::Queue(queue::AMQPMethod::BindOk(queue::BindOk {})));
        }
        Ok(())
    }

    pub(super) fn queue_unbind(&mut self, at: At, unbind: queue::Unbind, arguments: Table<'_>) -> Result<(), Refusal> {
        let (name, key) = self.with_last_queue(at, unbind.queue.as_str(), unbind.routing_key.as_str())?;
        refuse_reply_address(&name)?;
        let source = without_line_breaks(unbind.exchange.as_str());
        refuse_default(&source)?;
        // Unbinding what isn't bound, or isn't there, is no mistake.
        if let Some(&queue) = self.queue_ids.get(name.as_str()) {
            let binding = Binding::new(Destination::Queue(queue), &key, arguments);
            if self.exchanges.get(source.as_str()).is_some_and(|exchange| exchange.has_binding(&binding)) {
                self.check_access(at, queue)?;
                self.remove_binding(&source, &binding);
            }
        }
        self.reply_when_stored(at, AMQPClass::Queue(queue::AMQPMethod::UnbindOk(queue::UnbindOk {})));
        Ok(())
    }

    pub(super) fn exchange_bind(&mut self, at: At, bind: exchange::Bind, arguments: Table<'_>) -> Result<(), Refusal> {
        let (source, destination) =
            (without_line_breaks(bind.source.as_str()), without_line_breaks(bind.destination.as_str()));
        refuse_default(&destination)?;
        refuse_default(&source)?;
        let from = self.exchanges.get(source.as_str()).ok_or_else(|| no_exchange(&source))?;
        let to = self.exchanges.get(destination.as_str()).ok_or_else(|| no_exchange(&destination))?;
        from.check_binding(bind.routing_key.as_str(), arguments, None)?;
        let destination = Destination::Exchange(to.name.clone());
        self.add_binding(at, &source, destination, bind.routing_key.as_str(), arguments)?;
        if !bind.nowait {
            self.reply_when_stored(at, AMQPClass::Exchange(exchange::AMQPMethod::BindOk(exchange::BindOk {})));
        }
        Ok(())
    }

    pub(super) fn exchange_unbind(
        &mut self,
        at: At,
        unbind: exchange::Unbind,
        arguments: Table<'_>,
    ) -> Result<(), Refusal> {
        let (source, destination) =
            (without_line_breaks(unbind.source.as_str()), without_line_breaks(unbind.destination.as_str()));
        refuse_default(&destination)?;
        refuse_default(&source)?;
        let destination = Destination::Exchange(destination.into());
        let binding = Binding::new(destination, unbind.routing_key.as_str(), arguments);
        self.remove_binding(&source, &binding);
        if !unbind.nowait {
            self.reply_when_stored(at, AMQPClass::Exchange(exchange::AMQPMethod::UnbindOk(exchange::UnbindOk {})));
        }
        Ok(())
    }

    fn add_binding(
        &mut self,
        at: At,
        source: &str,
        destination: Destination,
        key: &str,
        arguments: Table<'_>,
    ) -> Result<(), Refusal> {
        self.check_room()?;
        let name = self.name_of(&destination);
        let binding = Arc::new(Binding::new(destination, key, arguments));
        self.check_binding_limit(at, source, &binding)?;
        let (host, charge) = (self.host(at.connection), self.charge_definition(DEFINITION + binding.bytes())?);
        if let Some(exchange) = self.exchanges.get_mut(source)
            && exchange.bind(binding.clone(), arguments)
        {
            self.bindings.add(&exchange.name, &binding, host, charge);
            let exchange = exchange.name.clone();
            self.log_bound(&exchange, &binding);
            self.note(|| Event::Bound { exchange, destination: name, routing_key: binding.routing_key.clone() });
        }
        Ok(())
    }

    /// Takes a binding away; an auto-delete exchange goes with its last one.
    fn remove_binding(&mut self, source: &str, binding: &Binding) {
        let destination = self.name_of(&binding.destination);
        let Some(exchange) = self.exchanges.get_mut(source) else { return };
        if !exchange.unbind(binding) {
            return;
        }
        self.bindings.remove(source, binding);
        let (name, is_done) = (exchange.name.clone(), exchange.is_done());
        self.log_unbound(&name, binding);
        self.note_unbound(&name, &destination, binding);
        if is_done {
            self.delete_exchange(source);
        }
    }

    /// Removes all bindings to something of this name that is gone, and the auto-delete exchanges that have none left, and what
    /// leads to those. A client can make a long chain of them, so this doesn't call itself.
    pub(super) fn forget_destination(&mut self, destination: Destination, name: &Arc<str>) {
        let mut gone = vec![(destination, name.clone())];
        while let Some((destination, name)) = gone.pop() {
            for (source, bindings) in self.bindings.take_all_to(&destination) {
                let Some(exchange) = self.exchanges.get_mut(&source) else { continue };
                for binding in bindings.keys() {
                    exchange.unbind(binding);
                }
                let is_done = exchange.is_done();
                for binding in bindings.keys() {
                    self.log_unbound(&source, binding);
                    self.note_unbound(&source, &name, binding);
                }
                if is_done && let Some(name) = self.take_exchange(&source) {
                    gone.push((Destination::Exchange(name.clone()), name));
                }
            }
            if let Destination::Exchange(exchange) = destination {
                self.note(|| Event::ExchangeDeleted { exchange });
            }
        }
    }

    pub(super) fn note_unbound(&mut self, source: &Arc<str>, destination: &Arc<str>, binding: &Binding) {
        self.note(|| Event::Unbound {
            exchange: source.clone(),
            destination: destination.clone(),
            routing_key: binding.routing_key.clone(),
        });
    }

    pub(super) fn name_of(&self, destination: &Destination) -> Arc<str> {
        match destination {
            Destination::Exchange(name) => name.clone(),
            Destination::Queue(id) => self.queues.get(id).map(|queue| queue.name.clone()).unwrap_or_default(),
        }
    }
}

/// Puts back a binding that was stored, if the exchange is still there.
pub(super) fn add_restored(broker: &mut Broker, source: &str, binding: Binding, arguments: Table<'_>) {
    let binding = Arc::new(binding);
    if let Some(exchange) = broker.exchanges.get_mut(source)
        && exchange.bind(binding.clone(), arguments)
    {
        let charge = Charge::new(&broker.ledger, Account::Definitions, DEFINITION + binding.bytes());
        broker.bindings.add(&exchange.name, &binding, Host::NOBODY, charge);
    }
}

/// All bindings by where they lead, so that what a queue leaves behind costs what the queue had, not what there is.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    /// By destination, then by the exchange that they belong to.
    incoming: HashMap<Destination, Sources>,
    count: usize,
    by_host: Tally,
}

/// Each binding with the host that it counts for.
type Sources = BTreeMap<Arc<str>, BTreeMap<Arc<Binding>, (Host, Charge)>>;

impl Bindings {
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// How many there are of a host.
    pub(super) fn of(&self, host: Host) -> usize {
        self.by_host.of(host)
    }

    /// Adds one that an exchange didn't have.
    fn add(&mut self, source: &Arc<str>, binding: &Arc<Binding>, host: Host, charge: Charge) {
        let sources = self.incoming.entry(binding.destination.clone()).or_default();
        sources.entry(source.clone()).or_default().insert(binding.clone(), (host, charge));
        self.count += 1;
        self.by_host.add(host);
    }

    /// Takes one away that an exchange has lost.
    pub(super) fn remove(&mut self, source: &str, binding: &Binding) {
        let Some(sources) = self.incoming.get_mut(&binding.destination) else { return };
        let Some(bindings) = sources.get_mut(source) else { return };
        if let Some((host, _)) = bindings.remove(binding) {
            self.count -= 1;
            self.by_host.remove(host);
        }
        if bindings.is_empty() {
            sources.remove(source);
        }
        if sources.is_empty() {
            self.incoming.remove(&binding.destination);
        }
    }

    fn take_all_to(&mut self, destination: &Destination) -> Sources {
        let sources = self.incoming.remove(destination).unwrap_or_default();
        self.count -= sources.values().map(BTreeMap::len).sum::<usize>();
        sources.values().flat_map(BTreeMap::values).for_each(|(host, _)| self.by_host.remove(*host));
        sources
    }
}
