//! The second life of what a queue gives up (<https://www.rabbitmq.com/docs/dlx>). What is remembered of the first is in
//! `annotations`.

use super::{Broker, publish::Delivery};
pub(crate) use crate::annotations::Reason;
use crate::{
    annotations::Death,
    expiration,
    journal::Event,
    message::{Content, Message},
    queue::{Entry, Moment},
    table::Table,
};
use std::sync::Arc;

/// A message that a queue gave up.
#[derive(Debug)]
pub(crate) struct Dead {
    queue: u64,
    message: Arc<Message>,
    /// How many of its deliveries have failed by now.
    failures: u32,
    reason: Reason,
}

impl Dead {
    pub(crate) fn new(queue: u64, entry: Entry, reason: Reason) -> Self {
        Self { queue, failures: entry.failures, message: entry.message, reason }
    }

    /// A message that a full queue didn't even take.
    pub(crate) fn refused(queue: u64, message: Arc<Message>) -> Self {
        Self { queue, failures: message.failures(), message, reason: Reason::MaxLength }
    }
}

impl Broker {
    /// Sends dead letters on. One may fill a queue that then gives up another, so this goes on until none is left; a
    /// letter that would come by the same queue twice, without anyone having rejected it, is dropped.
    pub(super) fn route_dead_letters(&mut self, now: Moment) {
        while let Some(dead) = self.dead.pop_front() {
            self.route_dead_letter(dead, now);
        }
    }

    fn route_dead_letter(&mut self, dead: Dead, now: Moment) {
        let Some(queue) = self.queues.get(&dead.queue) else { return };
        let (name, new_key) = (queue.name.clone(), queue.settings.dead_letter_routing_key.clone());
        let exchange = queue.settings.dead_letter_exchange.clone();
        let reason = dead.reason;
        self.note(|| Event::DeadLettered { queue: name.clone(), reason: reason.name() });
        let Some(exchange) = exchange.and_then(|exchange| self.exchanges.get(&exchange)) else { return };
        let exchange = exchange.name.clone();
        let Some(letter) = dead.dead_lettered(name, exchange, new_key.as_deref(), now) else { return };
        let headers = (!letter.exchange.is_empty()).then(|| routing_headers(&letter));
        let mut route = self.route_message(&letter, headers.as_deref().map(Table::checked));
        if reason != Reason::Rejected
            && let Some(annotations) = &letter.annotations
        {
            route.queues.retain(|id| self.queues.get(id).is_some_and(|queue| !annotations.is_cycle(&queue.name)));
        }
        self.note_published(None, &letter, &route.queues);
        let message = Arc::new(letter);
        self.deliver(Delivery { message, route, from: None, mandatory: false, confirm: None, lifetime: None }, now);
    }
}

impl Dead {
    /// The message as it is sent on from a queue of this name: for ever, with its death written down.
    fn dead_lettered(
        &self,
        queue: Arc<str>,
        exchange: Arc<str>,
        new_key: Option<&str>,
        now: Moment,
    ) -> Option<Message> {
        let Message { exchange: last_exchange, content, annotations } = &*self.message;
        let properties = content.properties().ok()?; // it was read when it came
        let lifetime = properties.expiration().and_then(|text| expiration::parse(text).ok());
        let mut annotations = annotations.clone().unwrap_or_default();
        let death = Death { queue, reason: self.reason, exchange: last_exchange.clone(), lifetime, time: now };
        annotations.record(death, content.routing_key());
        annotations.failures = self.failures;
        let key = match new_key {
            None => content.routing_key(),
            Some(key) => {
                annotations.copies.clear();
                key.as_bytes()
            }
        };
        let content = Content::new(key, &properties.for_ever(), content.body());
        Some(Message { exchange, content, annotations: Some(annotations) })
    }
}

/// What an exchange of the type *headers* sorts a dead letter by: the sender's headers, and its first and last death.
fn routing_headers(letter: &Message) -> Vec<u8> {
    let deaths = letter.annotations.as_ref().map(|annotations| annotations.place_headers()).unwrap_or_default();
    let own = letter.content.properties().ok().and_then(|properties| properties.header_table());
    Table::joined(&deaths, own.into_iter().flat_map(Table::entries))
}
