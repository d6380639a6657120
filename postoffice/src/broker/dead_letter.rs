//! The second life of what a queue gives up (<https://www.rabbitmq.com/docs/dlx>). What is remembered of the first is in
//! `annotations`.

use super::{Broker, backlog::DeadLetter, publish::Delivery};
use crate::{
    annotations::{Death, Reason},
    expiration,
    journal::Event,
    message::{Content, Message, Source},
    queue::Moment,
    table::Table,
};
use std::sync::Arc;

/// The bytes that are copied in one step.
const PAGE: usize = 4096;

impl Broker {
    /// Routes the dead letters of the origin at hand, and those that they make of others, as far as this turn's steps
    /// reach. A message that would come by the same queue twice, without anyone having rejected it, is dropped. A part of
    /// [`Broker::commit`].
    pub(super) fn route_dead_letters(&mut self, now: Moment) {
        if self.dead_letters.is_empty() {
            return;
        }
        self.enlist_dead_letters(false);
        while self.steps_left > 0
            && let Some(dead) = self.dead_letters.next_of(self.origin)
        {
            self.route_dead_letter(dead, now);
            self.enlist_dead_letters(true);
        }
        self.dead_letters.end_turn_of(self.origin);
    }

    fn enlist_dead_letters(&mut self, died_again: bool) {
        let is_full = self.ledger.held() > self.limits.memory;
        self.dead_letters.enlist(self.origin, died_again, is_full, &mut self.store);
    }

    /// Goes on with what was left of earlier turns: one letter of each origin after the other, as far as the steps reach.
    pub(crate) fn resume_dead_letters(&mut self, now: Moment) {
        while self.steps_left > 0
            && let Some(origin) = self.dead_letters.next_unfinished()
        {
            self.origin = origin;
            if let Some(dead) = self.dead_letters.next_of(origin) {
                self.route_dead_letter(dead, now);
            }
            self.enlist_dead_letters(true);
            self.dead_letters.end_turn_of(origin);
        }
        self.commit(now);
    }

    fn count_steps(&mut self, steps: usize) {
        self.steps_left = self.steps_left.saturating_sub(steps);
        #[cfg(test)]
        {
            self.steps_taken += steps;
        }
    }

    fn route_dead_letter(&mut self, dead: DeadLetter, now: Moment) {
        self.count_steps(1 + dead.message.body_length() / PAGE);
        let Some(queue) = self.queues.get(&dead.queue) else { return };
        dead.log_removed(&mut self.store);
        let (name, new_key) = (queue.name.clone(), queue.settings.dead_letter_routing_key.clone());
        let exchange = queue.settings.dead_letter_exchange.clone();
        let reason = dead.reason;
        let known =
            exchange.as_deref().and_then(|name| self.exchanges.get_key_value(name)).map(|(name, _)| name.clone());
        let message = dead.message.number;
        self.note(|| Event::DeadLettered { queue: name.clone(), reason: reason.name(), exchange: known, message });
        let limit = self.limits.memory;
        if self.ledger.held() > limit.saturating_add(limit / 4) {
            return; // a dead letter takes more than the message did, and nobody can be made to wait with it
        }
        let Some(exchange) = exchange.and_then(|exchange| self.exchanges.get(&exchange)) else { return };
        let source = exchange.source().clone();
        let Some(letter) = dead.dead_lettered(name, source, new_key.as_deref(), now) else { return };
        let headers = (!letter.exchange().is_empty()).then(|| routing_headers(&letter));
        let mut route = self.route_message(&letter, headers.as_deref().map(Table::checked));
        if reason != Reason::Rejected
            && let Some(annotations) = &letter.annotations
        {
            route.queues.retain(|id| self.queues.get(id).is_some_and(|queue| !annotations.is_cycle(&queue.name)));
        }
        self.note_published(None, &letter, &route.queues);
        self.count_steps(route.queues.len());
        self.deliver(
            Delivery { message: letter, route, from: None, mandatory: false, confirm: None, lifetime: None },
            now,
        );
    }
}

impl DeadLetter {
    /// The message as it is sent on from a queue of this name: for ever, with its death written down.
    fn dead_lettered(
        &self,
        queue: Arc<str>,
        source: Arc<Source>,
        new_key: Option<&str>,
        now: Moment,
    ) -> Option<Arc<Message>> {
        let (content, annotations) = (&self.message.content, &self.message.annotations);
        let properties = content.properties().ok()?; // it was read when it came
        let lifetime = properties.expiration().and_then(|text| expiration::parse(text).ok());
        let mut annotations = annotations.clone().unwrap_or_default();
        let death =
            Death { queue, reason: self.reason, exchange: self.message.exchange().clone(), lifetime, time: now };
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
        Some(Message::new(source, self.message.number, content, Some(annotations)))
    }
}

/// What an exchange of the type *headers* sorts a dead letter by: the sender's headers, and its first and last death.
fn routing_headers(letter: &Message) -> Vec<u8> {
    let deaths = letter.annotations.as_ref().map(|annotations| annotations.place_headers()).unwrap_or_default();
    let own = letter.content.properties().ok().and_then(|properties| properties.header_table());
    Table::joined(&deaths, own.into_iter().flat_map(Table::entries))
}
