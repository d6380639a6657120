//! Opening and closing channels (AMQP 0-9-1, section 1.5).

use super::{Broker, methods::Fatal};
use crate::{
    channel::{At, Channel, Settlement, Taken},
    error::ReplyCode,
    queue::Moment,
    request::Ids,
};
use amq_protocol::protocol::{AMQPClass, channel};
use std::collections::BTreeSet;

impl Broker {
    pub(super) fn open_channel(&mut self, at: At, (class_id, method_id): Ids) -> Result<(), Fatal> {
        let Some(connection) = self.connections.get_mut(&at.connection) else { return Ok(()) };
        let (open, max) = (connection.channels.len(), connection.client.channel_max);
        if max != 0 && open >= usize::from(max) {
            let text = format!("number of channels opened ({open}) has reached the negotiated channel_max ({max})");
            return Err(Fatal { refusal: ReplyCode::NotAllowed.because(text), class_id: 0, method_id: 0 });
        }
        if (class_id, method_id) != (20, 10) {
            let refusal = ReplyCode::ChannelError.because("expected 'channel.open'");
            return Err(Fatal { refusal, class_id, method_id });
        }
        let max_unacknowledged = self.limits.resources.max_unacknowledged_per_channel;
        connection.channels.insert(at.channel, Channel::new(max_unacknowledged));
        self.reply(at, AMQPClass::Channel(channel::AMQPMethod::OpenOk(channel::OpenOk {})));
        Ok(())
    }

    /// Ends a channel: its consumers leave, what it had not acknowledged goes back to the queues.
    pub(super) fn close_channel(&mut self, at: At, now: Moment) {
        self.close_channels(&[at], now);
    }

    /// Ends channels. All consumers of all of them leave before anything goes back: what one of them had not acknowledged
    /// must not be handed to another that is about to end, which would count as one more delivery that failed.
    pub(super) fn close_channels(&mut self, channels: &[At], now: Moment) {
        let closed: Vec<(At, Closed)> =
            channels.iter().filter_map(|&at| Some((at, self.detach_channel(at, now)?))).collect();
        for (at, Closed { unacknowledged, queues, admissions }) in closed {
            let unacknowledged = self.claim(at, Settlement::Requeue { failed: true }, unacknowledged, now);
            self.requeue(unacknowledged, true, now);
            for queue in queues {
                self.dispatch(queue, now); // to a single active consumer that has taken over
                self.set_timer(queue);
            }
            for queue in admissions {
                self.queues.get_mut(&queue).into_iter().for_each(|queue| queue.forget_publisher(at));
            }
        }
    }

    /// Takes a channel away with its consumers. What it leaves behind is the caller's to give back.
    fn detach_channel(&mut self, at: At, now: Moment) -> Option<Closed> {
        let mut channel = self.connections.get_mut(&at.connection)?.channels.remove(&at.channel)?;
        if let Some(replies) = &channel.reply_consumer {
            self.forget_replies(replies);
        }
        let mut unacknowledged = channel.take_all();
        // To leave with something of a queue's is use; a message that was got would else be none.
        for (_, taken) in &unacknowledged {
            if let Some(queue) = self.queues.get_mut(&taken.queue) {
                queue.last_used = now;
            }
        }
        // What an open transaction had acknowledged was not acknowledged.
        let held = channel.transaction.take().unwrap_or_default().settlements;
        unacknowledged.extend(held.into_iter().flat_map(|(_, taken)| taken));
        let mut consumers: Vec<u64> = channel.consumers.into_values().collect();
        consumers.sort_unstable();
        // A quorum queue gets back consumer by consumer, in the order in which they came; what was got, last.
        unacknowledged.sort_by_key(|(tag, given)| match &given.consumer {
            Some((consumer, _)) => (*consumer, String::new()),
            None => (u64::MAX, tag.to_string()),
        });
        let mut queues: Vec<u64> =
            consumers.into_iter().filter_map(|consumer| self.remove_consumer(consumer, now)).collect();
        queues.sort_unstable();
        queues.dedup();
        Some(Closed { unacknowledged, queues, admissions: channel.admissions })
    }
}

/// What a channel leaves behind.
struct Closed {
    unacknowledged: Taken,
    /// The queues that it consumed from.
    queues: Vec<u64>,
    admissions: BTreeSet<u64>,
}
