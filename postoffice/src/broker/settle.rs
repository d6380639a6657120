//! Acknowledgements, requeues and transactions (AMQP 0-9-1, sections 1.8.3.13 to 1.8.3.16 and 1.9;
//! <https://www.rabbitmq.com/docs/confirms>).

use super::{Broker, dead_letter::Reason, publish::Delivery};
use crate::{
    arguments::QueueType,
    channel::{At, Settlement, Taken, Transaction, Unacknowledged},
    error::{Refusal, ReplyCode},
    expiration,
    journal::Event,
    queue::Moment,
};
use amq_protocol::protocol::{AMQPClass, basic, tx};
use std::collections::BTreeMap;

impl Broker {
    pub(super) fn basic_ack(&mut self, at: At, ack: basic::Ack, now: Moment) -> Result<(), Refusal> {
        self.settle_tag(at, ack.delivery_tag, ack.multiple, Settlement::Acknowledge, now)
    }

    pub(super) fn basic_nack(&mut self, at: At, nack: basic::Nack, now: Moment) -> Result<(), Refusal> {
        let how = if nack.requeue { Settlement::Requeue } else { Settlement::Discard };
        self.settle_tag(at, nack.delivery_tag, nack.multiple, how, now)
    }

    pub(super) fn basic_reject(&mut self, at: At, reject: basic::Reject, now: Moment) -> Result<(), Refusal> {
        let how = if reject.requeue { Settlement::Requeue } else { Settlement::Discard };
        self.settle_tag(at, reject.delivery_tag, false, how, now)
    }

    fn settle_tag(&mut self, at: At, tag: u64, multiple: bool, how: Settlement, now: Moment) -> Result<(), Refusal> {
        let Some(channel) = self.channel(at) else { return Ok(()) };
        let taken = channel.take(tag, multiple)?;
        match &mut channel.transaction {
            Some(transaction) => transaction.settlements.push((how, taken)),
            None => self.settle(at, how, taken, now),
        }
        Ok(())
    }

    fn settle(&mut self, at: At, how: Settlement, taken: Taken, now: Moment) {
        let taken = self.claim(at, how, taken, now);
        match how {
            Settlement::Acknowledge => self.acknowledge(taken, now),
            Settlement::Requeue => self.groups(taken).into_iter().for_each(|group| self.requeue(group, now)),
            Settlement::Discard => {
                let groups = self.groups(taken);
                groups.into_iter().for_each(|group| self.discard(group, now));
            }
        }
        self.resume_channel(at, now);
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

    fn acknowledge(&mut self, taken: Taken, now: Moment) {
        let mut queues = Vec::new();
        for (delivery_tag, unacknowledged) in taken {
            self.release(&unacknowledged, &mut queues, now);
            self.memory -= unacknowledged.entry.charge as usize;
            if self.journal.is_some()
                && let Some(queue) = self.queues.get(&unacknowledged.queue).map(|queue| queue.name.clone())
            {
                self.note(|| Event::Acknowledged { queue, delivery_tag });
            }
        }
        self.resume(queues, now);
    }

    fn discard(&mut self, taken: Taken, now: Moment) {
        let mut queues = Vec::new();
        for (_, unacknowledged) in taken {
            self.release(&unacknowledged, &mut queues, now);
            self.give_up(unacknowledged.queue, vec![unacknowledged.entry], Reason::Rejected);
        }
        self.resume(queues, now);
    }

    /// Counts a delivery as done; notes its queue where a paused consumer may go on for it.
    fn release(&mut self, unacknowledged: &Unacknowledged, queues: &mut Vec<u64>, now: Moment) {
        if let Some(queue) = self.queues.get_mut(&unacknowledged.queue) {
            queue.settled(unacknowledged.consumer.as_ref().map(|(id, _)| *id), now);
            self.set_alarm(unacknowledged.queue);
        }
        if let Some(consumer) = unacknowledged.consumer.as_ref().and_then(|(id, _)| self.consumers.get_mut(id)) {
            consumer.in_flight -= 1;
            consumer.forgotten = false;
            if consumer.paused && !queues.contains(&unacknowledged.queue) {
                queues.push(unacknowledged.queue);
            }
        }
    }

    /// With a limit for the whole channel, any settlement may let any of its consumers go on.
    fn resume_channel(&mut self, at: At, now: Moment) {
        if self.channel(at).is_some_and(|channel| channel.shared_prefetch > 0) {
            self.resume_consumers_of(at, now);
        }
    }

    /// Lets the paused consumers of a channel go on, those that can.
    pub(super) fn resume_consumers_of(&mut self, at: At, now: Moment) {
        let Some(channel) = self.channel(at) else { return };
        let consumers: Vec<u64> = channel.consumers.values().copied().collect();
        let paused = consumers.iter().filter_map(|id| self.consumers.get(id)).filter(|consumer| consumer.paused);
        let mut queues: Vec<u64> = paused.map(|consumer| consumer.queue).collect();
        queues.sort_unstable();
        queues.dedup();
        self.resume(queues, now);
    }

    /// Puts messages back to where they were in their queues, and hands them out again.
    pub(super) fn requeue(&mut self, taken: Taken, now: Moment) {
        let mut by_queue: Vec<(u64, Vec<Unacknowledged>)> = Vec::new();
        for (_, unacknowledged) in taken {
            match by_queue.iter_mut().find(|(queue, _)| *queue == unacknowledged.queue) {
                Some((_, list)) => list.push(unacknowledged),
                None => by_queue.push((unacknowledged.queue, vec![unacknowledged])),
            }
        }
        for (id, list) in by_queue {
            let mut unpaused = Vec::new();
            list.iter().for_each(|unacknowledged| self.release(unacknowledged, &mut unpaused, now));
            let charge = list.iter().map(|unacknowledged| unacknowledged.entry.charge as usize).sum::<usize>();
            self.unpause(id);
            let Some(queue) = self.queues.get_mut(&id) else {
                self.memory -= charge; // the queue is gone, and its messages with it
                continue;
            };
            let limit = match queue.settings.queue_type {
                QueueType::Quorum => queue.settings.delivery_limit.unwrap_or(u64::MAX),
                QueueType::Classic => u64::MAX,
            };
            let name = queue.name.clone();
            let (mut back, mut poison) = (Vec::new(), Vec::new());
            for mut entry in list.into_iter().map(|unacknowledged| unacknowledged.entry) {
                entry.returns += 1;
                if u64::from(entry.returns) > limit { poison.push(entry) } else { back.push(entry) }
            }
            let count = back.len();
            queue.put_back(back);
            if self.journal.is_some() {
                (0..count).for_each(|_| self.note(|| Event::Requeued { queue: name.clone() }));
            }
            self.give_up(id, poison, Reason::DeliveryLimit);
            self.enforce_limits(id, now);
            self.dispatch(id, now);
            self.set_alarm(id);
        }
    }

    pub(super) fn basic_recover(&mut self, at: At, requeue: bool, answer: bool, now: Moment) -> Result<(), Refusal> {
        if !requeue {
            return Err(ReplyCode::NotImplemented.because("requeue=false"));
        }
        if answer {
            self.reply(at, AMQPClass::Basic(basic::AMQPMethod::RecoverOk(basic::RecoverOk {})));
        }
        let taken = self.channel(at).map(|channel| channel.take_all()).unwrap_or_default();
        self.settle(at, Settlement::Requeue, taken, now);
        Ok(())
    }

    pub(super) fn tx_select(&mut self, at: At) -> Result<(), Refusal> {
        let Some(channel) = self.channel(at) else { return Ok(()) };
        if channel.confirms {
            return Err(ReplyCode::PreconditionFailed.because("cannot switch from confirm to tx mode"));
        }
        channel.transaction.get_or_insert_default();
        self.reply(at, AMQPClass::Tx(tx::AMQPMethod::SelectOk(tx::SelectOk {})));
        Ok(())
    }

    pub(super) fn tx_commit(&mut self, at: At, now: Moment) -> Result<(), Refusal> {
        let transaction = self.take_transaction(at)?;
        let mut refused = false;
        for (message, queues, mandatory) in transaction.publishes {
            refused |= self.is_refused_by(&queues, &message);
            let lifetime =
                message.content.properties().ok().and_then(|properties| properties.expiration().map(Vec::from));
            let lifetime = lifetime.and_then(|text| expiration::parse(&text).ok());
            self.deliver(Delivery { message, queues, from: Some(at), mandatory, confirm: None, lifetime }, now);
        }
        for (how, taken) in transaction.settlements {
            self.settle(at, how, taken, now);
        }
        if refused {
            return Err(ReplyCode::PreconditionFailed.because("partial tx completion"));
        }
        self.reply(at, AMQPClass::Tx(tx::AMQPMethod::CommitOk(tx::CommitOk {})));
        Ok(())
    }

    pub(super) fn tx_rollback(&mut self, at: At) -> Result<(), Refusal> {
        let transaction = self.take_transaction(at)?;
        if let Some(channel) = self.channel(at) {
            transaction.settlements.into_iter().for_each(|(_, taken)| channel.give_back(taken));
        }
        self.reply(at, AMQPClass::Tx(tx::AMQPMethod::RollbackOk(tx::RollbackOk {})));
        Ok(())
    }

    /// The open transaction; an empty one takes its place.
    fn take_transaction(&mut self, at: At) -> Result<Transaction, Refusal> {
        let open = self.channel(at).and_then(|channel| channel.transaction.as_mut());
        let open = open.ok_or_else(|| ReplyCode::PreconditionFailed.because("channel is not transactional"))?;
        Ok(std::mem::take(open))
    }
}
