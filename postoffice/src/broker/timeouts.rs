//! Taking back what consumers of quorum queues don't acknowledge in time
//! (<https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout>).
//!
//! RabbitMQ tells such a consumer that it is cancelled and hands it nothing more. But it isn't gone: once it has settled
//! all that it was late with, it is served again. A client that can't be told loses its channel.

use super::Broker;
use crate::{
    channel::{At, Due, Settlement, Taken},
    error::{Refusal, ReplyCode, short},
    queue::Moment,
};
use amq_protocol::protocol::{AMQPClass, basic};
use std::{collections::BTreeMap, sync::Arc};

/// What one consumer was late with, and its tag; what was got is late one by one, and without a tag.
#[derive(Default)]
struct Late {
    consumer: Option<(u64, Arc<str>)>,
    taken: Taken,
}

impl Broker {
    /// Takes back what should have been acknowledged by now.
    pub(super) fn time_out(&mut self, now: Moment) {
        // In the order in which the consumers came, as RabbitMQ goes through them.
        let mut all_late: BTreeMap<(Option<u64>, At, Option<u64>), Late> = BTreeMap::new();
        while let Some(&(moment, at, tag)) = self.deadlines.first()
            && moment <= now
        {
            self.deadlines.pop_first();
            let queues = &self.queues;
            let channel =
                self.connections.get_mut(&at.connection).and_then(|known| known.channels.get_mut(&at.channel));
            let Some(unacknowledged) = channel.and_then(|channel| channel.find(tag)) else { continue };
            if !queues.contains_key(&unacknowledged.queue) {
                unacknowledged.due = Due::Never; // there is no queue to take it back
                continue;
            }
            let taken = unacknowledged.clone();
            unacknowledged.due = Due::Missed;
            let id = taken.consumer.as_ref().map(|(id, _)| *id);
            let late = all_late.entry((id, at, id.is_none().then_some(tag))).or_default();
            late.consumer.clone_from(&taken.consumer);
            late.taken.push((tag, taken));
        }
        let mut untold = Vec::new();
        for ((id, at, _), late) in &all_late {
            id.iter().for_each(|&id| self.suspend(id, late.taken.len()));
            if !self.tell(*at, late) {
                untold.push(*at);
            }
        }
        all_late.into_values().for_each(|late| self.requeue(late.taken, false, now));
        for at in untold {
            if self.channel(at).is_some_and(|channel| !channel.closing) {
                self.fail_channel(at, &timed_out(at), (0, 0), now);
            }
        }
    }

    /// Serves a consumer no more, until it has settled what it was late with. Another takes over for a single active one.
    fn suspend(&mut self, id: u64, messages: usize) {
        let Some(consumer) = self.consumers.get_mut(&id) else { return };
        consumer.late += messages;
        if let Some(queue) = self.queues.get_mut(&consumer.queue)
            && queue.holder == Some(id)
            && queue.settings.single_active_consumer
        {
            consumer.paused = true;
            queue.consumers.pause(id);
            queue.holder = None;
        }
    }

    /// Tells a consumer that it is cancelled. `false`: it is gone, or its client doesn't understand.
    fn tell(&mut self, at: At, late: &Late) -> bool {
        let Some((_, tag)) = late.consumer.as_ref().filter(|(id, _)| self.consumers.contains_key(id)) else {
            return false;
        };
        let can_be_told = self.connections.get(&at.connection).is_some_and(|known| known.client.consumer_cancel_notify);
        if can_be_told {
            let cancel = basic::Cancel { consumer_tag: short(tag), nowait: true };
            self.reply(at, AMQPClass::Basic(basic::AMQPMethod::Cancel(cancel)));
        }
        can_be_told
    }

    /// Of what a channel settles, what the queues still wait for. A consumer that has settled all that it was late with is
    /// served again.
    pub(super) fn claim(&mut self, at: At, how: Settlement, taken: Taken, now: Moment) -> Taken {
        let mut in_time = Vec::with_capacity(taken.len());
        for (tag, unacknowledged) in taken {
            match (unacknowledged.due, &unacknowledged.consumer) {
                (Due::Missed, Some((consumer, _))) => self.settle_late(*consumer, how, now),
                (Due::Missed, None) => {}
                (due, _) => {
                    if let Due::At(moment) = due {
                        self.deadlines.remove(&(moment, at, tag));
                    }
                    in_time.push((tag, unacknowledged));
                }
            }
        }
        in_time
    }

    fn settle_late(&mut self, consumer: u64, how: Settlement, now: Moment) {
        let Some(consumer) = self.consumers.get_mut(&consumer) else { return };
        let id = consumer.queue;
        let Some(queue) = self.queues.get(&id) else { return };
        consumer.late -= 1;
        let is_requeue = matches!(how, Settlement::Requeue { .. });
        consumer.forgotten = is_requeue && !queue.settings.single_active_consumer;
        if !consumer.has_room() {
            return;
        }
        self.unpause(id);
        self.activate_consumer(id);
        self.expire(id, now);
        self.dispatch(id, now);
        self.set_timer(id);
    }
}

/// RabbitMQ's words; the time that it says is -1 whatever it was.
fn timed_out(at: At) -> Refusal {
    ReplyCode::PreconditionFailed.because(format!(
        "delivery acknowledgement on channel {} timed out. Timeout value used: -1 ms. This timeout value can be configured, \
         see consumers doc guide to learn more",
        at.channel
    ))
}
