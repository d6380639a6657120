//! From a message to the queues that it goes to, and its confirm (AMQP 0-9-1, section 1.8.3.7;
//! <https://www.rabbitmq.com/docs/publishers>, <https://www.rabbitmq.com/docs/confirms>).

use super::{Broker, backlog::DeadLetter, exchanges::no_exchange, replies::REPLY_TO};
use crate::{
    annotations::Annotations,
    arguments::{Overflow, QueueType},
    channel::At,
    destination::Destination,
    effect::Effect,
    erlang,
    error::{Refusal, ReplyCode, exchange_in_vhost},
    exchange::Exchange,
    expiration,
    headers::MessageHeaders,
    journal::Event,
    message::{Content, Message},
    properties::Properties,
    queue::Moment,
    request::Publish,
    table::{Table, Value},
};
use amq_protocol::protocol::{AMQPClass, confirm};
use std::{collections::HashSet, sync::Arc};

/// Where a message goes.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// The queues, each once.
    pub(super) queues: Vec<u64>,
    /// The names that were given to channels for their direct replies; nobody need listen there any more.
    pub(super) replies: Vec<Arc<str>>,
}

impl Route {
    fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.replies.is_empty()
    }
}

/// A message that is about to be put into queues.
pub(super) struct Delivery {
    pub(super) message: Arc<Message>,
    pub(super) route: Route,
    /// Who sent it; none for the office itself.
    pub(super) from: Option<At>,
    /// The sender wants it back if no queue takes it.
    pub(super) mandatory: bool,
    /// Its number among the sender's messages, if the sender wants a confirm.
    pub(super) confirm: Option<u64>,
    /// The message's own time to live in milliseconds.
    pub(super) lifetime: Option<u64>,
}

impl Broker {
    /// Takes a message from a client.
    pub(super) fn accept(
        &mut self,
        at: At,
        publish: &Publish,
        mut content: Content,
        now: Moment,
    ) -> Result<(), Refusal> {
        let exchange = self.exchange_named(&publish.exchange)?;
        if exchange.internal {
            let text = format!("cannot publish to internal {}", exchange_in_vhost(&exchange.name));
            return Err(ReplyCode::AccessRefused.because(text));
        }
        let (source, exchange) = (exchange.source().clone(), exchange.name.clone());
        // RabbitMQ's channel fails over properties that it can't read, and takes the connection with it.
        let properties = content.properties().map_err(|_| Refusal::internal())?;
        let mut reply_to = None;
        if properties.reply_to() == Some(REPLY_TO.as_bytes()) {
            let replies = self.channel(at).and_then(|channel| channel.reply_consumer.as_ref());
            let replies =
                replies.ok_or_else(|| ReplyCode::PreconditionFailed.because("fast reply consumer does not exist"))?;
            reply_to = Some(replies.address.clone());
        }
        let lifetime = properties.expiration().map(expiration::parse).transpose()?;
        let confirm = self
            .channel(at)
            .and_then(|channel| (channel.confirms || channel.transaction.is_some()).then(|| channel.next_publish()));
        let headers = properties.header_table();
        let copies = headers.map(copy_keys).transpose()?.unwrap_or_default();
        self.check_user(at, &properties)?;
        // Routing goes by the headers as they came, but for the BCC; the receiver gets them in order.
        let without_bcc = headers.and_then(|headers| headers.without("BCC"));
        let without_bcc = without_bcc.as_deref().map(Table::checked);
        let route = self.route_by_keys(&exchange, &content.routing_key_text(), &copies.copies, without_bcc.or(headers));
        if let Some(raw) = properties.rewritten(reply_to.as_deref(), without_bcc, lifetime) {
            content = content.with_properties(&raw);
        }
        let annotations = (!copies.copies.is_empty()).then(|| Box::new(copies));
        let (number, mandatory) = (self.new_message_number(), publish.mandatory);
        let message = Message::new(source, number, content, annotations);
        if self.channel(at).is_some_and(|channel| channel.transaction.is_some()) {
            self.hold(at, message, route, mandatory);
        } else {
            self.note_published(Some(at), &message, &route.queues);
            self.deliver(Delivery { message, route, from: Some(at), mandatory, confirm, lifetime }, now);
        }
        Ok(())
    }

    fn check_user(&self, at: At, properties: &Properties<'_>) -> Result<(), Refusal> {
        let Some(claimed) = properties.user_id() else { return Ok(()) };
        let actual = self.connections.get(&at.connection).map(|known| known.client.user.clone()).unwrap_or_default();
        if claimed == actual.as_bytes() {
            return Ok(());
        }
        let claimed = erlang::text(claimed);
        let text = format!("user_id property set to '{claimed}' but authenticated user was '{actual}'");
        Err(ReplyCode::PreconditionFailed.because(text))
    }

    fn exchange_named(&self, name: &[u8]) -> Result<&Exchange, Refusal> {
        let known = std::str::from_utf8(name).ok().and_then(|name| self.exchanges.get(name));
        known.ok_or_else(|| no_exchange(&erlang::text(name)))
    }

    pub(super) fn note_published(&mut self, from: Option<At>, message: &Message, queues: &[u64]) {
        if self.journal.is_none() {
            return;
        }
        let queues = queues.iter().filter_map(|id| Some(self.queues.get(id)?.name.clone())).collect();
        self.note(|| Event::Published {
            connection: from.map(|at| at.connection),
            exchange: message.exchange().clone(),
            routing_key: (*message.routing_key()).into(),
            queues,
            size: message.body_length(),
            message: message.number,
        });
    }

    /// Where a message goes by its own routing key and those of its copies, and by the headers that count for it.
    pub(super) fn route_message(&self, message: &Message, headers: Option<Table<'_>>) -> Route {
        self.route_by_keys(message.exchange(), &message.routing_key(), message.copies(), headers)
    }

    fn route_by_keys(&self, exchange: &str, key: &str, copies: &[Box<[u8]>], headers: Option<Table<'_>>) -> Route {
        if copies.is_empty() {
            return self.route(exchange, &[key], headers);
        }
        let copies: Vec<_> = copies.iter().map(|key| String::from_utf8_lossy(key)).collect();
        let keys: Vec<&str> = std::iter::once(key).chain(copies.iter().map(|key| &**key)).collect();
        self.route(exchange, &keys, headers)
    }

    /// Follows the bindings from an exchange, through other exchanges, to queues. The first key is the message's own;
    /// the others come from its headers `CC` and `BCC` (<https://www.rabbitmq.com/docs/sender-selected>).
    fn route(&self, exchange: &str, keys: &[&str], headers: Option<Table<'_>>) -> Route {
        let mut route = Route::default();
        if exchange.is_empty() {
            route.queues.extend(keys.iter().filter_map(|&key| self.queue_ids.get(key)));
            route.replies = self.reply_addresses_in(keys);
        } else {
            let headers = MessageHeaders::new(headers);
            let mut visited: Vec<&str> = vec![exchange];
            let mut known = HashSet::new(); // the same; a set costs nothing as long as it is empty
            let mut next = 0;
            while let Some(exchange) = visited.get(next).and_then(|&name| self.exchanges.get(name)) {
                next += 1;
                let mut onward = Vec::new();
                let mut found = false;
                for &key in keys {
                    exchange.route(key, &headers, &self.randomness, |destination| {
                        found = true;
                        match destination {
                            Destination::Queue(id) => route.queues.push(*id),
                            Destination::Exchange(name) => onward.push(name.clone()),
                        }
                    });
                }
                if !found {
                    onward.extend(exchange.alternate.clone());
                }
                if !onward.is_empty() {
                    known.insert(&*exchange.name); // the first was not inserted yet
                }
                for name in onward {
                    if let Some((name, _)) = self.exchanges.get_key_value(&name)
                        && known.insert(name)
                    {
                        visited.push(name);
                    }
                }
            }
        }
        if route.queues.len() > 1 {
            route.queues.sort_unstable();
            route.queues.dedup();
        }
        route
    }

    /// Puts a message into queues, hands it to consumers, and answers its sender.
    pub(super) fn deliver(&mut self, delivery: Delivery, now: Moment) {
        let Delivery { message, route, from, mandatory, confirm, lifetime } = delivery;
        let (mut refused, mut waits) = (false, false);
        for &id in &route.queues {
            if self.is_refused(id, from, &message) {
                let Some(queue) = self.queues.get(&id) else { continue };
                refused = true;
                let name = queue.name.clone();
                let to_dead_letters = queue.settings.overflow == Overflow::RejectPublishDlx;
                self.note(|| Event::Refused { queue: name, message: message.number });
                if to_dead_letters {
                    self.dead_letters.push(DeadLetter::refused(id, message.clone()));
                }
                continue;
            }
            let Some(queue) = self.queues.get(&id) else { continue };
            let is_stored = self.is_stored_in(queue, &message);
            let Some(queue) = self.queues.get_mut(&id) else { continue };
            if let Some(entry) = queue.push(message.clone(), is_stored, lifetime, now) {
                self.store.add(id, entry);
            }
            waits |= is_stored;
            // First to a consumer, if one is free: a message that never waits is never too old or too many.
            self.dispatch(id, now);
            if let Some(queue) = self.queues.get_mut(&id) {
                queue.has_arrived();
            }
            self.enforce_limits(id, now);
        }
        route.replies.iter().for_each(|address| self.deliver_reply(address, &message));
        let Some(at) = from else { return };
        if mandatory && route.is_empty() {
            let (exchange, routing_key) = (message.exchange().clone(), (*message.routing_key()).into());
            self.note(|| Event::Returned { connection: at.connection, exchange, routing_key, message: message.number });
            self.send(at, Effect::Return(message));
        }
        match (confirm, refused) {
            (None, _) => {}
            (Some(delivery_tag), false) => self.confirm(at, delivery_tag, route.is_empty(), waits),
            (Some(delivery_tag), true) => self.refuse_publish(at, delivery_tag),
        }
    }

    /// Whether any of these queues refuses a message of this channel.
    pub(super) fn is_refused_by(&mut self, queues: &[u64], from: At, message: &Message) -> bool {
        queues.iter().any(|&id| self.is_refused(id, Some(from), message))
    }

    /// Whether a queue that refuses when it is full does so now. A quorum queue refuses channels, and so never a dead
    /// letter, which comes from none.
    fn is_refused(&mut self, id: u64, from: Option<At>, message: &Message) -> bool {
        let Some(queue) = self.queues.get_mut(&id).filter(|queue| queue.settings.overflow.refuses()) else {
            return false;
        };
        match (queue.settings.queue_type, from) {
            (QueueType::Classic, _) => queue.refuses(message),
            (QueueType::Quorum, None) => false,
            (QueueType::Quorum, Some(at)) => {
                let is_refused = !queue.admits(at);
                if let Some(channel) = self.channel(at) {
                    channel.admissions.insert(id);
                }
                is_refused
            }
        }
    }

    pub(super) fn confirm_select(&mut self, at: At, select: confirm::Select) -> Result<(), Refusal> {
        let Some(channel) = self.channel(at) else { return Ok(()) };
        if channel.transaction.is_some() {
            return Err(ReplyCode::PreconditionFailed.because("cannot switch from tx to confirm mode"));
        }
        channel.confirms = true;
        if !select.nowait {
            self.reply(at, AMQPClass::Confirm(confirm::AMQPMethod::SelectOk(confirm::SelectOk {})));
        }
        Ok(())
    }
}

/// The further routing keys in a message's headers.
fn copy_keys(headers: Table<'_>) -> Result<Annotations, Refusal> {
    Ok(Annotations::of_copies(keys_in(headers, "CC")?, keys_in(headers, "BCC")?))
}

fn keys_in(headers: Table<'_>, name: &str) -> Result<Vec<Box<[u8]>>, Refusal> {
    match headers.get(name) {
        None => Ok(Vec::new()),
        Some(values) if values.is_array() => Ok(values.items().filter_map(Value::text).map(Box::from).collect()),
        Some(other) => {
            let kind = erlang::type_name(&other.to_amqp());
            let text = format!("invalid message: {{unacceptable_type_in_header,\"{name}\",{kind}}}");
            Err(ReplyCode::PreconditionFailed.because(text))
        }
    }
}
