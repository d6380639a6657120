//! Declaring, purging and deleting queues, and what a channel may call them (AMQP 0-9-1, section 1.7).

use super::{Broker, memory::queue_bytes, replies::REPLY_TO};
use crate::{
    arguments::{QueueType, Settings},
    channel::At,
    deprecated::{self, DeprecatedFeature},
    destination::Destination,
    equivalence::{check_same_arguments, check_same_flag},
    erlang,
    error::{Refusal, ReplyCode, queue_in_vhost, short},
    journal::Event,
    ledger::table_bytes,
    queue::{Moment, Queue},
    store_op::StoreOp,
};
use amq_protocol::{
    protocol::{AMQPClass, basic, queue},
    types::{AMQPValue, FieldTable},
};
use std::sync::Arc;

impl Broker {
    pub(super) fn queue_declare(&mut self, at: At, declare: queue::Declare, now: Moment) -> Result<(), Refusal> {
        let name = without_line_breaks(declare.queue.as_str());
        if name.starts_with(REPLY_TO) {
            self.check_reply_address(at, &name)?;
            return self.declared(at, declare.nowait, name.into(), 0, 1);
        }
        if declare.passive {
            // To ask is to use it, even where it then turns out to be somebody else's.
            if let Some(&id) = self.queue_ids.get(name.as_str()).filter(|_| !declare.nowait) {
                self.renew_lease_by_asking(id, now);
            }
            let queue = self.queue_for(at, &name)?;
            let (messages, consumers) = self.counts(queue);
            return self.declared(at, declare.nowait, name.into(), messages, consumers);
        }
        let owner = declare.exclusive.then_some(at.connection);
        let durable = declare.durable && !declare.exclusive;
        let name: Arc<str> = if name.is_empty() {
            check_may_be_server_named(&declare.arguments)?;
            format!("amq.gen-{}", self.unguessable()).into()
        } else if name.starts_with("amq.") {
            let text = format!("queue name '{name}' contains reserved prefix 'amq.*'");
            return Err(ReplyCode::AccessRefused.because(text));
        } else {
            name.into()
        };
        if let Some(&id) = self.queue_ids.get(&name) {
            self.check_same_queue(id, durable, declare.auto_delete, owner, &declare.arguments)?;
            if !declare.nowait {
                self.renew_lease_by_asking(id, now);
            }
            let (messages, consumers) = self.counts(id);
            return self.declared(at, declare.nowait, name, messages, consumers);
        }
        check_exchange_name(&declare.arguments, "x-dead-letter-exchange", &queue_in_vhost(&name))?;
        let mut settings = Settings::from_arguments(&name, &declare.arguments)?;
        settings.max_length = settings.max_length.into_iter().chain(self.limits.resources.max_length).min();
        if !durable && owner.is_none() && !self.limits.transient_nonexcl_queues {
            return Err(deprecated::refusal(DeprecatedFeature::TransientNonexclQueues.name()));
        }
        match settings.queue_type {
            QueueType::Classic if declare.arguments.contains_key("x-queue-master-locator") => {
                return Err(deprecated::refusal("queue_master_locator"));
            }
            QueueType::Classic => {}
            QueueType::Quorum => {
                let faults = [
                    (declare.auto_delete, "auto-delete"),
                    (declare.exclusive, "exclusive-owner"),
                    (!declare.durable, "non-durable"),
                ];
                if let Some((_, fault)) = faults.iter().find(|(is_fault, _)| *is_fault) {
                    let text = format!("invalid property '{fault}' for {}", queue_in_vhost(&name));
                    return Err(ReplyCode::PreconditionFailed.because(text));
                }
            }
        }
        self.check_queue_limits(at, &name)?;
        self.check_room()?;
        let bytes = queue_bytes(&name, Queue::priorities(&settings), table_bytes(&declare.arguments));
        let charge = self.charge_definition(bytes)?;
        let mut created = Queue::new(name.clone(), settings, declare.arguments, charge, now);
        created.durable = durable;
        created.auto_delete = declare.auto_delete;
        created.owner = owner;
        created.declared_by = Some(self.host(at.connection));
        created.declared_by.into_iter().for_each(|host| self.usage.queues.add(host));
        let id = self.new_id();
        self.queues.insert(id, created);
        self.queue_ids.insert(name.clone(), id);
        if let Some(owner) = owner.and_then(|owner| self.connections.get_mut(&owner)) {
            owner.queues.insert(id);
        }
        self.set_timer(id);
        self.log_queue(id);
        self.note(|| Event::QueueDeclared { queue: name.clone() });
        self.declared(at, declare.nowait, name, 0, 0)
    }

    /// A classic queue counts a question for its counts as use; a quorum queue doesn't.
    fn renew_lease_by_asking(&mut self, id: u64, now: Moment) {
        if let Some(queue) = self.queues.get_mut(&id)
            && queue.settings.queue_type == QueueType::Classic
        {
            queue.last_used = now;
            self.set_timer(id);
        }
    }

    fn declared(
        &mut self,
        at: At,
        nowait: bool,
        name: Arc<str>,
        messages: usize,
        consumers: usize,
    ) -> Result<(), Refusal> {
        if !nowait {
            let ok = queue::DeclareOk {
                queue: short(&name),
                message_count: messages as u32,
                consumer_count: consumers as u32,
            };
            self.reply_when_stored(at, AMQPClass::Queue(queue::AMQPMethod::DeclareOk(ok)));
        }
        if let Some(channel) = self.channel(at) {
            channel.last_queue = Some(name);
        }
        Ok(())
    }

    pub(super) fn counts(&self, queue: u64) -> (usize, usize) {
        self.queues.get(&queue).map_or((0, 0), |queue| (queue.len(), queue.consumer_count()))
    }

    fn check_same_queue(
        &self,
        id: u64,
        durable: bool,
        auto_delete: bool,
        owner: Option<u64>,
        arguments: &FieldTable,
    ) -> Result<(), Refusal> {
        let Some(queue) = self.queues.get(&id) else { return Ok(()) };
        if queue.owner != owner {
            return Err(locked(&queue.name));
        }
        let of = queue_in_vhost(&queue.name);
        check_same_flag(&of, "durable", queue.durable, durable)?;
        check_same_flag(&of, "auto_delete", queue.auto_delete, auto_delete)?;
        check_same_arguments(&queue.name, &queue.arguments, arguments)
    }

    pub(super) fn queue_purge(&mut self, at: At, purge: queue::Purge, now: Moment) -> Result<(), Refusal> {
        let name = self.or_last_queue(at, purge.queue.as_str())?;
        let count = match self.is_reply_address(&name) {
            true => 0,
            false => {
                let queue = self.queue_for(at, &name)?;
                self.purge(queue, now)
            }
        };
        if !purge.nowait {
            let ok = queue::PurgeOk { message_count: count as u32 };
            self.reply(at, AMQPClass::Queue(queue::AMQPMethod::PurgeOk(ok)));
        }
        Ok(())
    }

    /// Throws away what waits in a queue. What is out for delivery stays.
    pub(super) fn purge(&mut self, queue: u64, now: Moment) -> usize {
        self.expire(queue, now);
        let Some(known) = self.queues.get_mut(&queue) else { return 0 };
        let purged = known.take_all();
        let name = known.name.clone();
        purged.iter().for_each(|entry| self.store.remove(queue, entry));
        self.set_timer(queue);
        self.note(|| Event::Purged { queue: name, messages: purged.len() });
        purged.len()
    }

    pub(super) fn queue_delete(&mut self, at: At, delete: queue::Delete, now: Moment) -> Result<(), Refusal> {
        let name = without_line_breaks(&self.or_last_queue(at, delete.queue.as_str())?);
        let mut gone = None;
        if let Some(&id) = self.queue_ids.get(name.as_str()) {
            self.check_access(at, id)?;
            self.expire(id, now);
            self.check_conditions(id, delete.if_unused, delete.if_empty)?;
            gone = Some((id, self.counts(id).0));
        }
        if !delete.nowait {
            let ok = queue::DeleteOk { message_count: gone.map_or(0, |(_, messages)| messages as u32) };
            self.reply(at, AMQPClass::Queue(queue::AMQPMethod::DeleteOk(ok)));
        }
        // A channel that consumes from the queue gets `queue.delete-ok` first, and then `basic.cancel`.
        if let Some((id, _)) = gone {
            self.delete_queue(id);
        }
        Ok(())
    }

    /// Whether the conditions of a `queue.delete` hold. RabbitMQ has none for quorum queues.
    fn check_conditions(&self, id: u64, if_unused: bool, if_empty: bool) -> Result<(), Refusal> {
        let Some(queue) = self.queues.get(&id) else { return Ok(()) };
        let of = queue_in_vhost(&queue.name);
        if queue.settings.queue_type == QueueType::Quorum {
            let Some((_, flag)) =
                [(if_unused, "if-unused"), (if_empty, "if-empty")].into_iter().find(|(is_set, _)| *is_set)
            else {
                return Ok(());
            };
            return Err(ReplyCode::NotImplemented.because(format!(
                "cannot delete {of}. queue.delete operations with {flag} flag set are not supported by quorum queues"
            )));
        }
        if if_empty && !queue.is_empty() {
            return Err(ReplyCode::PreconditionFailed.because(format!("{of} not empty")));
        }
        if if_unused && !queue.consumers.is_empty() {
            return Err(ReplyCode::PreconditionFailed.because(format!("{of} in use")));
        }
        Ok(())
    }

    /// Removes a queue with its messages and bindings, and tells those who consumed from it.
    pub(super) fn delete_queue(&mut self, id: u64) {
        let Some(queue) = self.queues.remove(&id) else { return };
        self.timers.remove(&(queue.timer, id));
        self.queue_ids.remove(&queue.name);
        queue.declared_by.into_iter().for_each(|host| self.usage.queues.remove(host));
        if queue.durable {
            self.store.log(|| StoreOp::DeleteQueue(id));
        }
        if let Some(owner) = queue.owner.and_then(|owner| self.connections.get_mut(&owner)) {
            owner.queues.remove(&id);
        }
        let mut consumers: Vec<_> = queue.consumers.iter().filter_map(|id| self.consumers.remove(&id)).collect();
        consumers.sort_unstable_by(|a, b| {
            (a.at.connection, a.at.channel, &a.tag).cmp(&(b.at.connection, b.at.channel, &b.tag))
        });
        for gone in consumers {
            let Some(connection) = self.connections.get_mut(&gone.at.connection) else { continue };
            if let Some(channel) = connection.channels.get_mut(&gone.at.channel) {
                channel.consumers.remove(&gone.tag);
            }
            if connection.client.consumer_cancel_notify {
                let cancel = basic::Cancel { consumer_tag: short(&gone.tag), nowait: true };
                self.reply(gone.at, AMQPClass::Basic(basic::AMQPMethod::Cancel(cancel)));
            }
            let (connection, queue) = (gone.at.connection, queue.name.clone());
            self.note(|| Event::Unsubscribed { connection, consumer_tag: gone.tag, queue });
        }
        for at in queue.publishers() {
            if let Some(channel) = self.channel(at) {
                channel.admissions.remove(&id);
            }
        }
        self.forget_destination(Destination::Queue(id), &queue.name);
        self.note(|| Event::QueueDeleted { queue: queue.name });
    }

    /// The queue with this name, if this connection may use it.
    pub(super) fn queue_for(&self, at: At, name: &str) -> Result<u64, Refusal> {
        let queue = *self.queue_ids.get(name).ok_or_else(|| no_queue(name))?;
        self.check_access(at, queue)?;
        Ok(queue)
    }

    pub(super) fn check_access(&self, at: At, queue: u64) -> Result<(), Refusal> {
        match self.queues.get(&queue) {
            Some(queue) if queue.owner.is_some_and(|owner| owner != at.connection) => Err(locked(&queue.name)),
            _ => Ok(()),
        }
    }

    /// The name, or for an empty one the queue that the channel declared last.
    pub(super) fn or_last_queue(&mut self, at: At, name: &str) -> Result<String, Refusal> {
        if !name.is_empty() {
            return Ok(name.to_owned());
        }
        let last = self.channel(at).and_then(|channel| channel.last_queue.clone());
        last.map(|name| name.to_string()).ok_or_else(|| ReplyCode::NotFound.because("no previously declared queue"))
    }

    /// The same for a binding, where the routing key may be left out along with the name.
    pub(super) fn with_last_queue(&mut self, at: At, name: &str, key: &str) -> Result<(String, String), Refusal> {
        let queue = self.or_last_queue(at, name)?;
        let key = if name.is_empty() && key.is_empty() { queue.clone() } else { key.to_owned() };
        Ok((without_line_breaks(&queue), key))
    }

    /// Refuses to create anything more once there is absurdly much.
    pub(super) fn check_room(&self) -> Result<(), Refusal> {
        let objects = self.queues.len() + self.exchanges.len() + self.bindings.count() + self.consumers.len();
        if objects < self.limits.objects {
            return Ok(());
        }
        let limit = self.limits.objects;
        Err(ReplyCode::ResourceError.because(format!("more than {limit} queues, exchanges, bindings and consumers")))
    }

    /// A name that no client of a server can guess, for what the server names.
    pub(super) fn unguessable(&self) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let words = [self.randomness.next(), self.randomness.next()];
        let digit = |index: usize| {
            let word = words.get(index / 11).copied().unwrap_or_default();
            let sixth = (word >> (6 * (index % 11))) & 63;
            DIGITS.get(sixth as usize).copied().map_or('A', char::from)
        };
        (0..22).map(digit).collect()
    }
}

/// RabbitMQ takes line breaks out of names.
pub(super) fn without_line_breaks(name: &str) -> String {
    name.replace(['\r', '\n'], "")
}

pub(super) fn no_queue(name: &str) -> Refusal {
    ReplyCode::NotFound.because(format!("no {}", queue_in_vhost(name)))
}

fn locked(name: &str) -> Refusal {
    ReplyCode::ResourceLocked.because(format!(
        "cannot obtain exclusive access to locked {}. It could be originally declared on another connection or the \
         exclusive property value does not match that of the original declaration.",
        queue_in_vhost(name)
    ))
}

/// The server names queues of some types only. RabbitMQ looks the type up by whatever was given, before it checks that.
fn check_may_be_server_named(arguments: &FieldTable) -> Result<(), Refusal> {
    let name = match arguments.inner().get("x-queue-type") {
        None | Some(AMQPValue::Void) => return Ok(()),
        Some(name @ (AMQPValue::LongString(_) | AMQPValue::ByteArray(_) | AMQPValue::Boolean(_))) => {
            erlang::plain(name)
        }
        Some(_) => return Err(Refusal::internal()),
    };
    let text = match name.as_str() {
        "" | "undefined" | "classic" | "rabbit_classic_queue" => return Ok(()),
        "quorum" | "rabbit_quorum_queue" => {
            "Cannot declare a server-named queue for type rabbit_quorum_queue".to_owned()
        }
        "stream" | "rabbit_stream_queue" => {
            "Cannot declare a server-named queue for type rabbit_stream_queue".to_owned()
        }
        unknown => format!("unknown queue type '{unknown}'"),
    };
    Err(ReplyCode::PreconditionFailed.because(text))
}

/// An argument that names an exchange, which has to be text.
pub(super) fn check_exchange_name(arguments: &FieldTable, name: &str, of: &str) -> Result<Option<Arc<str>>, Refusal> {
    match arguments.inner().get(name) {
        None => Ok(None),
        Some(AMQPValue::LongString(text)) => Ok(Some(text.to_string().into())),
        Some(other) => {
            let kind = erlang::type_name(other);
            Err(ReplyCode::PreconditionFailed.because(format!("invalid type '{kind}' for arg '{name}' in {of}")))
        }
    }
}
