//! One timer for everything that expires: messages (<https://www.rabbitmq.com/docs/ttl>), unused queues, and the
//! time for an acknowledgement.

use super::Broker;
use crate::queue::{Moment, NEVER};

/// The origin of what no connection and no single queue has caused.
const TIME: u64 = 0;

impl Broker {
    /// The moment at which [`Broker::tick`] should be called, if nothing else happens.
    pub(crate) fn next_timer(&self) -> Option<Moment> {
        let deadline = self.deadlines.first().map(|(moment, ..)| *moment);
        let timer = self.timers.first().map(|(moment, _)| *moment);
        deadline.into_iter().chain(timer).min()
    }

    /// Lets time pass: what has expired by now goes, one transaction for each queue, as far as this turn's steps reach.
    pub(crate) fn tick(&mut self, now: Moment) {
        while self.steps_left > 0
            && let Some(&(moment, queue)) = self.timers.first()
            && moment <= now
        {
            self.timers.pop_first();
            self.transact(queue, now, |broker| {
                let Some(known) = broker.queues.get_mut(&queue) else { return };
                known.timer = NEVER;
                if known.own_expiry() <= now {
                    broker.delete_queue(queue);
                } else {
                    broker.expire(queue, now);
                    broker.dispatch(queue, now); // what was kept back for a while
                    broker.set_timer(queue);
                }
            });
        }
        self.transact(TIME, now, |broker| broker.time_out(now));
    }

    /// After a queue has changed: sets the timer to when something in it expires next, and lets publishers go on
    /// that had to wait for room.
    pub(super) fn set_timer(&mut self, id: u64) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        queue.evaluate_admission();
        let due = queue.next_expiry().min(queue.own_expiry());
        if due != queue.timer {
            self.timers.remove(&(queue.timer, id));
            queue.timer = due;
            if due != NEVER {
                self.timers.insert((due, id));
            }
        }
    }
}
