//! Subscribing, getting and prefetch (AMQP 0-9-1, sections 1.8.3.1 to 1.8.3.10;
//! <https://www.rabbitmq.com/docs/consumers>, <https://www.rabbitmq.com/docs/consumer-prefetch>).

use super::{Broker, Consumer, deliver::message_for_delivery, memory::DEFINITION, replies::REPLY_TO};
use crate::{
    arguments::{ConsumerSettings, QueueType},
    channel::{At, Due, Unacknowledged},
    effect::Effect,
    error::{Refusal, ReplyCode, queue_in_vhost, short},
    journal::Event,
    queue::Moment,
    store_op::Position,
};
use amq_protocol::protocol::{AMQPClass, basic};
use std::sync::Arc;

/// How many messages a quorum queue gives a consumer that has set no limit.
const QUORUM_PREFETCH: u16 = 2000;

impl Broker {
    pub(super) fn basic_consume(&mut self, at: At, consume: basic::Consume, now: Moment) -> Result<(), Refusal> {
        let name = self.or_last_queue(at, consume.queue.as_str())?;
        let tag = consume.consumer_tag.as_str();
        let Some(channel) = self.channel(at) else { return Ok(()) };
        if channel.consumers.contains_key(tag) {
            return Err(ReplyCode::NotAllowed.because(format!("attempt to reuse consumer tag '{tag}'")));
        }
        self.check_consumer_limit(at)?;
        let Some(channel) = self.channel(at) else { return Ok(()) };
        let (prefetch, shared_prefetch) = (channel.prefetch, channel.shared_prefetch);
        if name == REPLY_TO {
            return self.consume_replies(at, &consume);
        }
        if self.is_reply_address(&name) {
            return Err(self.no_consumer_of_replies(at, &name));
        }
        let id = self.queue_for(at, &name)?;
        self.check_room()?;
        let Some(queue) = self.queues.get_mut(&id) else { return Ok(()) };
        let queue_type = queue.settings.queue_type;
        if queue_type == QueueType::Quorum && shared_prefetch > 0 {
            let text = format!("{} does not support global qos", queue_in_vhost(&name));
            return Err(ReplyCode::NotImplemented.because(text));
        }
        let asked = ConsumerSettings::from_arguments(&name, queue_type, &consume.arguments)?;
        let timeout = queue.settings.acknowledgement_timeout(self.limits.consumer_timeout);
        let timeout = if consume.no_ack { None } else { asked.timeout.or(timeout) };
        let single_active = queue.settings.single_active_consumer;
        let exclusive = consume.exclusive && queue_type == QueueType::Classic;
        let is_taken = match single_active {
            true => exclusive,
            false => queue.holder.is_some() || (exclusive && !queue.consumers.is_empty()),
        };
        if is_taken {
            return Err(ReplyCode::AccessRefused.because(format!("{} in exclusive use", queue_in_vhost(&name))));
        }
        let tag: Arc<str> = if tag.is_empty() { format!("amq.ctag-{}", self.unguessable()).into() } else { tag.into() };
        let charge = self.charge_definition(DEFINITION + 3 * tag.len())?;
        let consumer_id = self.new_id();
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.consumers.join(consumer_id, asked.priority);
            if exclusive || (single_active && queue.holder.is_none() && queue_type == QueueType::Classic) {
                queue.holder = Some(consumer_id);
            }
        }
        let consumer = Consumer {
            at,
            tag: tag.clone(),
            queue: id,
            no_ack: consume.no_ack,
            priority: asked.priority,
            prefetch: match (queue_type, prefetch) {
                (QueueType::Quorum, 0) => QUORUM_PREFETCH,
                (_, prefetch) => prefetch,
            },
            in_flight: 0,
            timeout,
            late: 0,
            forgotten: false,
            paused: false,
            quiescing: false,
            _charge: charge,
        };
        self.consumers.insert(consumer_id, consumer);
        self.activate_consumer(id);
        if let Some(channel) = self.channel(at) {
            channel.consumers.insert(tag.clone(), consumer_id);
        }
        self.note(|| Event::Subscribed { connection: at.connection, consumer_tag: tag.clone(), queue: name.into() });
        if !consume.nowait {
            let ok = basic::ConsumeOk { consumer_tag: short(&tag) };
            self.reply(at, AMQPClass::Basic(basic::AMQPMethod::ConsumeOk(ok)));
        }
        self.expire(id, now);
        self.dispatch(id, now);
        self.set_timer(id);
        Ok(())
    }

    pub(super) fn basic_cancel(&mut self, at: At, cancel: basic::Cancel, now: Moment) -> Result<(), Refusal> {
        let tag = cancel.consumer_tag.as_str();
        let Some(channel) = self.channel(at) else { return Ok(()) };
        let mut left = None;
        if channel.reply_consumer.as_ref().is_some_and(|replies| &*replies.tag == tag) {
            if let Some(replies) = channel.reply_consumer.take() {
                self.forget_replies(&replies);
            }
        } else if let Some(consumer) = channel.consumers.remove(tag) {
            left = self.remove_consumer(consumer, now);
        }
        // To cancel what isn't there is no mistake.
        if !cancel.nowait {
            let ok = basic::CancelOk { consumer_tag: cancel.consumer_tag };
            self.reply(at, AMQPClass::Basic(basic::AMQPMethod::CancelOk(ok)));
        }
        if let Some(queue) = left {
            self.dispatch(queue, now); // to a single active consumer that has taken over
            self.set_timer(queue);
        }
        Ok(())
    }

    /// Takes a consumer off its queue. An auto-delete queue goes with its last one; a single active consumer is
    /// followed by the next in line. Gives the queue, if it is still there.
    pub(super) fn remove_consumer(&mut self, id: u64, now: Moment) -> Option<u64> {
        let gone = self.consumers.remove(&id)?;
        let queue = self.queues.get_mut(&gone.queue)?;
        queue.consumers.leave(id);
        if gone.in_flight > 0 {
            queue.departed.insert(id, gone.in_flight);
        }
        queue.last_used = now;
        if queue.holder == Some(id) {
            queue.holder = match (queue.settings.single_active_consumer, queue.settings.queue_type) {
                (true, QueueType::Classic) => queue.consumers.next(),
                (true, QueueType::Quorum) | (false, _) => None,
            };
        }
        let (name, is_done) = (queue.name.clone(), queue.auto_delete && queue.consumers.is_empty());
        self.note(|| Event::Unsubscribed { connection: gone.at.connection, consumer_tag: gone.tag, queue: name });
        if is_done {
            self.delete_queue(gone.queue);
            return None;
        }
        self.activate_consumer(gone.queue);
        Some(gone.queue)
    }

    /// Chooses the single active consumer of a quorum queue: of those that wait the one with the highest priority, then
    /// the one that can take the most, then the one that came first. It takes over from one of lower priority as soon as
    /// that has acknowledged everything, and until then nobody is given anything.
    pub(super) fn activate_consumer(&mut self, id: u64) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        if !queue.settings.single_active_consumer || queue.settings.queue_type == QueueType::Classic {
            return;
        }
        if let Some(active) = queue.holder.and_then(|active| self.consumers.get_mut(&active))
            && active.quiescing
            && active.in_flight == 0
        {
            active.quiescing = false;
            queue.holder = None;
        }
        let waiting = queue.consumers.iter().filter(|&consumer| queue.holder != Some(consumer));
        let waiting = waiting.filter_map(|id| Some((id, self.consumers.get(&id)?)));
        let waiting = waiting.filter(|(_, waiting)| waiting.late == 0);
        let first = waiting.max_by_key(|(id, waiting)| (waiting.priority, waiting.prefetch, std::cmp::Reverse(*id)));
        let Some((next, priority)) = first.map(|(id, waiting)| (id, waiting.priority)) else { return };
        match queue.holder.and_then(|active| self.consumers.get_mut(&active)) {
            Some(active) if active.priority >= priority => {}
            Some(active) if active.in_flight > 0 => active.quiescing = true,
            _ => queue.holder = Some(next),
        }
    }

    pub(super) fn basic_get(&mut self, at: At, get: basic::Get, now: Moment) -> Result<(), Refusal> {
        let name = self.or_last_queue(at, get.queue.as_str())?;
        if self.is_reply_address(&name) {
            let text = format!("basic.get not supported by volatile {}", queue_in_vhost(&name));
            return Err(ReplyCode::NotImplemented.because(text));
        }
        let id = self.queue_for(at, &name)?;
        if !get.no_ack {
            self.check_unacknowledged_limit(at)?;
        }
        self.expire(id, now);
        let Some(queue) = self.queues.get_mut(&id) else { return Ok(()) };
        if queue.settings.queue_type == QueueType::Quorum && queue.settings.single_active_consumer {
            return Err(ReplyCode::ResourceLocked.because(format!(
                "cannot obtain access to locked {}. basic.get operations are not supported by <<\"quorum\">> \
                 queues with single active consumer",
                queue_in_vhost(&name)
            )));
        }
        queue.last_used = now;
        let taken = queue.pop();
        let visible = queue.len();
        self.expire(id, now); // what the one that was taken had hidden
        let Some(queue) = self.queues.get_mut(&id) else { return Ok(()) };
        let Some(entry) = taken else {
            self.reply(at, AMQPClass::Basic(basic::AMQPMethod::GetEmpty(basic::GetEmpty {})));
            self.set_timer(id);
            return Ok(());
        };
        let message_count = match queue.settings.queue_type {
            QueueType::Classic => queue.len(),
            QueueType::Quorum => visible, // it looks for those only later
        } as u32;
        let redelivered = entry.is_redelivered();
        let number = entry.message.number;
        let message = message_for_delivery(queue, &entry);
        let queue_name = queue.name.clone();
        let timeout = queue.settings.acknowledgement_timeout(self.limits.consumer_timeout);
        let due = Due::after(timeout.filter(|_| !get.no_ack), now);
        match queue.settings.queue_type {
            _ if get.no_ack => self.store.remove(id, &entry),
            QueueType::Quorum => self.store.note(id, &entry, Position::Delivered),
            QueueType::Classic => {}
        }
        let kept = if get.no_ack {
            None
        } else {
            queue.unacknowledged += 1;
            queue.taken += 1;
            Some(Unacknowledged { queue: id, consumer: None, entry, due })
        };
        let delivery_tag = self.channel(at).map(|channel| channel.deliver(kept)).unwrap_or_default();
        if let Due::At(moment) = due {
            self.deadlines.insert((moment, at, delivery_tag));
        }
        self.note(|| Event::Delivered {
            queue: queue_name,
            connection: at.connection,
            message: number,
            consumer_tag: None,
            delivery_tag,
            redelivered,
        });
        self.send(at, Effect::GetOk { delivery_tag, redelivered, message_count, message });
        self.set_timer(id);
        Ok(())
    }

    pub(super) fn basic_qos(&mut self, at: At, qos: basic::Qos, now: Moment) -> Result<(), Refusal> {
        let permitted = self.limits.global_qos;
        let Some(channel) = self.channel(at) else { return Ok(()) };
        match qos.global && permitted {
            true => channel.shared_prefetch = qos.prefetch_count,
            // RabbitMQ's meaning: a limit for each consumer to come, and none for the channel.
            false => (channel.prefetch, channel.shared_prefetch) = (qos.prefetch_count, 0),
        }
        self.reply(at, AMQPClass::Basic(basic::AMQPMethod::QosOk(basic::QosOk {})));
        self.resume_consumers_of(at, now);
        Ok(())
    }
}
