//! Transactions: publishes and acknowledgements that take effect together (AMQP 0-9-1, section 1.9;
//! <https://www.rabbitmq.com/docs/semantics#tx>).

use super::{
    Broker,
    publish::{Delivery, Route},
};
use crate::{
    arguments::QueueType,
    channel::{At, HeldPublish, HeldTarget, Transaction},
    erlang,
    error::{Refusal, ReplyCode},
    expiration,
    ledger::{Account, Charge, REFERENCE, size_on_64_bits},
    message::Message,
    queue::Moment,
};
use amq_protocol::protocol::{AMQPClass, tx};
use std::sync::Arc;

impl Broker {
    pub(super) fn tx_select(&mut self, at: At) -> Result<(), Refusal> {
        let Some(channel) = self.channel(at) else { return Ok(()) };
        if channel.confirms {
            return Err(ReplyCode::PreconditionFailed.because("cannot switch from confirm to tx mode"));
        }
        channel.transaction.get_or_insert_default();
        self.reply(at, AMQPClass::Tx(tx::AMQPMethod::SelectOk(tx::SelectOk {})));
        Ok(())
    }

    /// Publishes, answers, and settles, in this order: what goes back to a queue comes after the answer.
    pub(super) fn tx_commit(&mut self, at: At, now: Moment) -> Result<(), Refusal> {
        let publishes = std::mem::take(&mut self.transaction(at)?.publishes);
        let mut refused = false;
        for held in publishes {
            // The whole connection ends with a fault here; what the transaction settles then goes back to the queues.
            refused |= self.publish_held(at, held, now)?;
        }
        if !refused {
            self.reply_when_stored(at, AMQPClass::Tx(tx::AMQPMethod::CommitOk(tx::CommitOk {})));
        }
        for (how, taken) in std::mem::take(&mut self.transaction(at)?.settlements) {
            self.settle(at, how, taken, now);
        }
        match refused {
            true => Err(ReplyCode::PreconditionFailed.because("partial tx completion")),
            false => Ok(()),
        }
    }

    pub(super) fn tx_rollback(&mut self, at: At) -> Result<(), Refusal> {
        let transaction = std::mem::take(self.transaction(at)?);
        if let Some(channel) = self.channel(at) {
            transaction.settlements.into_iter().for_each(|(_, taken)| channel.give_back(taken));
        }
        self.reply(at, AMQPClass::Tx(tx::AMQPMethod::RollbackOk(tx::RollbackOk {})));
        Ok(())
    }

    /// Leaves a message in the transaction of a channel.
    pub(super) fn hold(&mut self, at: At, message: Arc<Message>, route: Route, mandatory: bool) {
        let target = |id: u64| {
            let queue = self.queues.get(&id)?;
            Some(HeldTarget { id, name: queue.name.clone(), queue_type: queue.settings.queue_type })
        };
        let mut queues: Vec<HeldTarget> = route.queues.into_iter().filter_map(target).collect();
        // RabbitMQ complains of the first in its own order.
        queues.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        if !message.exchange().is_empty() {
            queues.reverse();
        }
        const HELD: usize = size_on_64_bits::<HeldPublish>(88);
        const TARGET: usize = size_on_64_bits::<HeldTarget>(32);
        let bytes =
            HELD + queues.len() * TARGET + route.replies.iter().map(|name| REFERENCE + name.len()).sum::<usize>();
        let charge = Charge::new(&self.ledger, Account::Transfers, bytes);
        if let Some(transaction) = self.channel(at).and_then(|channel| channel.transaction.as_mut()) {
            transaction.publishes.push(HeldPublish { message, queues, replies: route.replies, mandatory, charge });
        }
    }

    fn transaction(&mut self, at: At) -> Result<&mut Transaction, Refusal> {
        let open = self.channel(at).and_then(|channel| channel.transaction.as_mut());
        open.ok_or_else(|| ReplyCode::PreconditionFailed.because("channel is not transactional"))
    }

    /// Delivers a message as it was routed when it was published; says whether a queue refuses it.
    fn publish_held(&mut self, at: At, held: HeldPublish, now: Moment) -> Result<bool, Refusal> {
        let HeldPublish { message, queues: targets, replies, mandatory, charge: _held } = held;
        let mut queues = Vec::with_capacity(targets.len());
        let mut refused = false;
        for target in targets {
            if self.queues.contains_key(&target.id) {
                queues.push(target.id);
                continue;
            }
            let namesake = self.queue_ids.get(&target.name).and_then(|id| Some((*id, self.queues.get(id)?)));
            match namesake.map(|(id, queue)| (id, queue.settings.queue_type)) {
                None => return Err(undeliverable(&target.name)),
                // RabbitMQ's channel fails over a queue of another type than it had looked up.
                Some((_, queue_type)) if queue_type != target.queue_type => return Err(Refusal::internal()),
                // A classic queue is addressed by its process, which is gone; a quorum queue by its name.
                Some((_, QueueType::Classic)) => refused = true,
                Some((id, QueueType::Quorum)) => queues.push(id),
            }
        }
        // What a quorum queue refuses RabbitMQ forgets over the commit.
        let is_classic =
            |id: &&u64| self.queues.get(id).is_some_and(|queue| queue.settings.queue_type == QueueType::Classic);
        let classic: Vec<u64> = queues.iter().filter(is_classic).copied().collect();
        refused |= self.is_refused_by(&classic, at, &message);
        let properties = message.content.properties().ok();
        let lifetime = properties.and_then(|properties| expiration::parse(properties.expiration()?).ok());
        let mandatory = mandatory && !refused;
        self.note_published(Some(at), &message, &queues);
        let route = Route { queues, replies };
        self.deliver(Delivery { message, route, from: Some(at), mandatory, confirm: None, lifetime }, now);
        Ok(refused)
    }
}

/// Why a message can't be delivered to a queue that was there when it was published.
fn undeliverable(queue: &str) -> Refusal {
    let start = "failed to deliver message: ";
    ReplyCode::ResourceError.because(format!("{start}{}", erlang::queue_not_found(queue, start.len())))
}
