//! Acknowledgements and requeues (AMQP 0-9-1, sections 1.8.3.13 to 1.8.3.16; <https://www.rabbitmq.com/docs/confirms>).

use super::Broker;
use crate::{
    annotations::Reason,
    arguments::QueueType,
    channel::{At, Settlement, Taken, Unacknowledged},
    error::{Refusal, ReplyCode},
    journal::Event,
    queue::{Entry, Moment},
};
use amq_protocol::protocol::{AMQPClass, basic};
use std::collections::BTreeMap;

impl Broker {
    pub(super) fn basic_ack(&mut self, at: At, ack: basic::Ack, now: Moment) -> Result<(), Refusal> {
        self.settle_tag(at, ack.delivery_tag, ack.multiple, Settlement::Acknowledge, now)
    }

    pub(super) fn basic_nack(&mut self, at: At, nack: basic::Nack, now: Moment) -> Result<(), Refusal> {
        let failed = false;
        let how = if nack.requeue { Settlement::Requeue { failed } } else { Settlement::Discard { failed } };
        self.settle_tag(at, nack.delivery_tag, nack.multiple, how, now)
    }

    pub(super) fn basic_reject(&mut self, at: At, reject: basic::Reject, now: Moment) -> Result<(), Refusal> {
        let failed = true;
        let how = if reject.requeue { Settlement::Requeue { failed } } else { Settlement::Discard { failed } };
        self.settle_tag(at, reject.delivery_tag, false, how, now)
    }

    fn settle_tag(&mut self, at: At, tag: u64, multiple: bool, how: Settlement, now: Moment) -> Result<(), Refusal> {
        let Some(channel) = self.channel(at) else { return Ok(()) };
        let taken = channel.take(tag, multiple)?;
        match &mut channel.transaction {
            Some(transaction) => transaction.settle(how, taken),
            None => self.settle(at, how, taken, now),
        }
        Ok(())
    }

    pub(super) fn settle(&mut self, at: At, how: Settlement, taken: Taken, now: Moment) {
        let is_shared = self.channel(at).is_some_and(|channel| channel.shared_prefetch > 0);
        let taken = self.claim(at, how, taken, now);
        for group in self.groups(taken) {
            let released = match how {
                Settlement::Acknowledge => self.acknowledge(group, now),
                Settlement::Requeue { failed } => {
                    self.requeue(group, failed, now);
                    Vec::new()
                }
                Settlement::Discard { failed } => self.discard(group, failed, now),
            };
            if !is_shared {
                self.resume(released, now);
            }
        }
        if is_shared {
            self.resume_consumers_of(at, now); // any of them may go on, and the one that has just been served comes last
        }
    }

    /// What is settled at once, in the groups in which RabbitMQ's channel hands it to the queues: by queue, then what
    /// was got one by one, then by consumer tag. What a queue gets back first it hands out first.
    fn groups(&self, taken: Taken) -> Vec<Taken> {
        if taken.len() < 2 {
            return vec![taken];
        }
        let mut groups: BTreeMap<_, Taken> = BTreeMap::new();
        for (tag, unacknowledged) in taken {
            let queue = self.queues.get(&unacknowledged.queue).map(|queue| queue.name.clone()).unwrap_or_default();
            let consumer = unacknowledged.consumer.as_ref().map(|(_, tag)| tag.clone());
            let alone = if consumer.is_none() { tag } else { 0 };
            groups.entry((queue, consumer, alone)).or_default().push((tag, unacknowledged));
        }
        groups.into_values().collect()
    }

    /// Gives the queues for which a consumer may go on.
    fn acknowledge(&mut self, taken: Taken, now: Moment) -> Vec<u64> {
        let mut queues = Vec::new();
        for (delivery_tag, unacknowledged) in taken {
            self.release(&unacknowledged, &mut queues, now);
            self.store.remove(unacknowledged.queue, &unacknowledged.entry);
            if self.journal.is_some()
                && let Some(queue) = self.queues.get(&unacknowledged.queue).map(|queue| queue.name.clone())
            {
                self.note(|| Event::Acknowledged { queue, delivery_tag, message: unacknowledged.entry.message.number });
            }
        }
        queues
    }

    fn discard(&mut self, taken: Taken, failed: bool, now: Moment) -> Vec<u64> {
        let mut queues = Vec::new();
        for (_, mut unacknowledged) in taken {
            self.release(&unacknowledged, &mut queues, now);
            unacknowledged.entry.count_return(failed);
            self.dead_letter(unacknowledged.queue, vec![unacknowledged.entry], Reason::Rejected);
        }
        queues
    }

    /// Counts a delivery as done; notes its queue where a consumer may go on for it.
    fn release(&mut self, unacknowledged: &Unacknowledged, queues: &mut Vec<u64>, now: Moment) {
        let mut may_go_on = false;
        if let Some(consumer) = unacknowledged.consumer.as_ref().and_then(|(id, _)| self.consumers.get_mut(id)) {
            consumer.in_flight -= 1;
            consumer.forgotten = false;
            may_go_on = consumer.paused || (consumer.quiescing && consumer.in_flight == 0);
        }
        if let Some(queue) = self.queues.get_mut(&unacknowledged.queue) {
            queue.settled(unacknowledged.consumer.as_ref().map(|(id, _)| *id), now);
            self.set_timer(unacknowledged.queue);
        }
        if may_go_on && !queues.contains(&unacknowledged.queue) {
            queues.push(unacknowledged.queue);
        }
    }

    /// Lets the paused consumers of a channel go on, those that can.
    pub(super) fn resume_consumers_of(&mut self, at: At, now: Moment) {
        let Some(channel) = self.channel(at) else { return };
        let last_served = channel.last_served;
        let consumers: Vec<u64> = channel.consumers.values().copied().collect();
        let paused = consumers.iter().filter_map(|id| self.consumers.get(id)).filter(|consumer| consumer.paused);
        let mut queues: Vec<u64> = paused.map(|consumer| consumer.queue).collect();
        queues.sort_unstable_by_key(|&queue| (queue <= last_served, queue));
        queues.dedup();
        self.resume(queues, now);
    }

    /// Gives messages back to their queues, which hand them out again.
    pub(super) fn requeue(&mut self, taken: Taken, failed: bool, now: Moment) {
        let mut by_queue: Vec<(u64, Vec<Unacknowledged>)> = Vec::new();
        for (_, unacknowledged) in taken {
            match by_queue.iter_mut().find(|(queue, _)| *queue == unacknowledged.queue) {
                Some((_, list)) => list.push(unacknowledged),
                None => by_queue.push((unacknowledged.queue, vec![unacknowledged])),
            }
        }
        by_queue.into_iter().for_each(|(id, list)| self.take_back(id, list, failed, now));
    }

    /// Gives messages back to one queue.
    fn take_back(&mut self, id: u64, list: Vec<Unacknowledged>, failed: bool, now: Moment) {
        let mut released = Vec::new();
        list.iter().for_each(|unacknowledged| self.release(unacknowledged, &mut released, now));
        self.unpause(id);
        let Some(queue) = self.queues.get_mut(&id) else { return }; // it is gone, and its messages with it
        let (name, queue_type) = (queue.name.clone(), queue.settings.queue_type);
        let entries = list.into_iter().map(|unacknowledged| unacknowledged.entry).collect();
        for message in self.put_back_all(id, entries, failed, now) {
            self.note(|| Event::Requeued { queue: name.clone(), message });
        }
        self.activate_consumer(id);
        match queue_type {
            QueueType::Classic => {
                self.enforce_limits(id, now);
                self.dispatch(id, now);
            }
            // What comes back can be delivered again before it counts as too much.
            QueueType::Quorum => {
                self.expire(id, now);
                self.dispatch(id, now);
                self.enforce_limits(id, now);
            }
        }
        self.set_timer(id);
    }

    /// Puts messages back into their queue, and gives up those that have failed once too often; says which are back, by
    /// their numbers.
    pub(super) fn put_back_all(&mut self, id: u64, entries: Vec<Entry>, failed: bool, now: Moment) -> Vec<u64> {
        let Some(queue) = self.queues.get_mut(&id) else { return Vec::new() };
        let (mut back, mut poison) = (Vec::new(), Vec::new());
        for mut entry in entries {
            entry.count_return(failed);
            if queue.is_poison(&entry) { poison.push(entry) } else { back.push(entry) }
        }
        let numbers = if self.journal.is_some() { numbers_of(&back) } else { Vec::new() };
        let store = &mut self.store;
        queue.put_back(back, failed, now, |entry, position| store.note(id, entry, position));
        self.dead_letter(id, poison, Reason::DeliveryLimit);
        numbers
    }

    pub(super) fn basic_recover(&mut self, at: At, requeue: bool, answer: bool, now: Moment) -> Result<(), Refusal> {
        if !requeue {
            return Err(ReplyCode::NotImplemented.because("requeue=false"));
        }
        if answer {
            self.reply(at, AMQPClass::Basic(basic::AMQPMethod::RecoverOk(basic::RecoverOk {})));
        }
        let taken = self.channel(at).map(|channel| channel.take_all()).unwrap_or_default();
        self.settle(at, Settlement::Requeue { failed: false }, taken, now);
        Ok(())
    }
}

fn numbers_of(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.message.number).collect()
}
