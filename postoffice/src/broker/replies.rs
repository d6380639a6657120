//! Direct replies: a consumer without a queue, and the names by which it can be reached
//! (<https://www.rabbitmq.com/docs/direct-reply-to>).

use super::Broker;
use crate::{
    channel::{At, ReplyConsumer},
    effect::Effect,
    error::{Refusal, ReplyCode, queue_in_vhost, short},
    message::Message,
    randomness::Randomness,
};
use amq_protocol::protocol::{AMQPClass, basic};
use std::{collections::HashMap, sync::Arc};

/// The name with which a client asks for direct replies; the broker appends to it.
pub(super) const REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// The names that the broker gives out have RabbitMQ's form: after [`REPLY_TO`] and a dot what stands for the channel, an
/// Erlang process identifier in base 64; then another dot and a key.
#[derive(Debug)]
pub(super) struct ReplyAddresses {
    /// What all of them begin with: up to the channel's own part.
    start: String,
    /// Who listens where.
    known: HashMap<Arc<str>, At>,
}

/// How long the part of a name is in which channels differ.
const CHANNEL_PART: usize = 16;

impl ReplyAddresses {
    pub(super) fn new(randomness: &Randomness) -> Self {
        // An identifier starts with its node, which RabbitMQ gives a number for this purpose.
        let node = format!("reply@{:07}", randomness.next() % 10_000_000);
        let identifier = [&[131, 88, 118, 0, node.len() as u8], node.as_bytes()].concat();
        Self { start: format!("{REPLY_TO}.{}", base64(&identifier)), known: HashMap::new() }
    }

    /// The name's beginning up to the key, if the broker can have given it out.
    fn channel_of<'a>(&self, name: &'a str) -> Option<&'a str> {
        let own = name.strip_prefix(&*self.start)?.get(..CHANNEL_PART)?;
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        let channel = name.get(..self.start.len() + CHANNEL_PART)?;
        (own.bytes().all(is_digit) && name.get(channel.len()..)?.starts_with('.')).then_some(channel)
    }

    fn of_channel(&self, at: At) -> String {
        let identifier = [&at.connection.to_be_bytes()[..], &u32::from(at.channel).to_be_bytes()].concat();
        format!("{}{}", self.start, base64(&identifier))
    }

    /// Of several names of one channel RabbitMQ uses the last.
    fn keep_one_for_each_channel(&self, names: &mut Vec<Arc<str>>) {
        names.sort_unstable_by(|a, b| b.cmp(a));
        names.dedup_by(|a, b| self.channel_of(a) == self.channel_of(b));
    }
}

impl Broker {
    /// Whether a message by this name counts as routed, whoever listens.
    pub(super) fn is_reply_address(&self, name: &str) -> bool {
        self.reply_addresses.channel_of(name).is_some()
    }

    /// The names among these keys that lead to channels, one for each.
    pub(super) fn reply_addresses_in(&self, keys: &[&str]) -> Vec<Arc<str>> {
        let names = keys.iter().filter(|key| self.is_reply_address(key));
        let mut names: Vec<Arc<str>> = names.map(|&name| name.into()).collect();
        if names.len() > 1 {
            self.reply_addresses.keep_one_for_each_channel(&mut names);
        }
        names
    }

    /// A server asks by declaring the name whether its client still waits for the reply. A channel that asks for its own
    /// can't answer meanwhile, and RabbitMQ fails over names that it can't have given out.
    pub(super) fn check_reply_address(&self, at: At, name: &str) -> Result<(), Refusal> {
        if name != REPLY_TO && !self.is_reply_address(name) {
            return Err(Refusal::internal());
        }
        match self.reply_addresses.known.get(name) {
            Some(listener) if *listener != at => Ok(()),
            None if name == REPLY_TO => Ok(()),
            _ => Err(ReplyCode::NotFound.because(format!("no {}", queue_in_vhost(name)))),
        }
    }

    /// Why nobody may consume by the name of an address.
    pub(super) fn no_consumer_of_replies(&self, at: At, name: &str) -> Refusal {
        let is_own = self.reply_addresses.channel_of(name) == Some(&self.reply_addresses.of_channel(at));
        let problem =
            if is_own { "multiple consumers are unsupported for" } else { "only creator channel may consume from" };
        ReplyCode::PreconditionFailed.because(format!("{problem} {}", queue_in_vhost(name)))
    }

    /// Subscribes to direct replies.
    pub(super) fn consume_replies(&mut self, at: At, consume: &basic::Consume) -> Result<(), Refusal> {
        if !consume.no_ack {
            return Err(ReplyCode::PreconditionFailed.because("reply consumer cannot acknowledge"));
        }
        let key = [self.randomness.next(), self.randomness.next()].map(u64::to_be_bytes).concat();
        let address: Arc<str> = format!("{}.{}", self.reply_addresses.of_channel(at), base64(&key)).into();
        let tag: Arc<str> = match consume.consumer_tag.as_str() {
            "" => format!("amq.ctag-{}", self.unguessable()).into(),
            tag => tag.into(),
        };
        let Some(channel) = self.channel(at) else { return Ok(()) };
        if channel.reply_consumer.is_some() {
            return Err(ReplyCode::PreconditionFailed.because("reply consumer already set"));
        }
        channel.reply_consumer = Some(ReplyConsumer { tag: tag.clone(), address: address.clone() });
        self.reply_addresses.known.insert(address, at);
        if !consume.nowait {
            let ok = basic::ConsumeOk { consumer_tag: short(&tag) };
            self.reply(at, AMQPClass::Basic(basic::AMQPMethod::ConsumeOk(ok)));
        }
        Ok(())
    }

    /// A consumer of replies is gone.
    pub(super) fn forget_replies(&mut self, consumer: &ReplyConsumer) {
        self.reply_addresses.known.remove(&consumer.address);
    }

    /// Hands a reply to the channel that waits for it, if it still does.
    pub(super) fn deliver_reply(&mut self, address: &str, message: &Arc<Message>) {
        let Some(&at) = self.reply_addresses.known.get(address) else { return };
        let Some(channel) = self.channel(at) else { return };
        let Some(consumer) = &channel.reply_consumer else { return };
        let consumer_tag = consumer.tag.clone();
        let delivery_tag = channel.deliver(None);
        let message = message.clone();
        self.send_reply(at, Effect::Deliver { consumer_tag, delivery_tag, redelivered: false, message });
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = DIGITS.get((word >> (18 - 6 * index)) as usize & 63).copied().map_or('A', char::from);
            text.push(if index <= group.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_in_rfc_4648() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        cases.into_iter().for_each(|(bytes, text)| assert_eq!(base64(bytes.as_bytes()), text));
    }

    #[test]
    fn an_address_is_known_by_its_channel_whatever_its_key() {
        let addresses = ReplyAddresses::new(&Randomness::default());
        let channel = addresses.of_channel(At { connection: 7, channel: 2 });
        assert!(channel.starts_with("amq.rabbitmq.reply-to.g1h2"), "{channel}");
        for name in [format!("{channel}."), format!("{channel}.key"), format!("{channel}.a.key")] {
            assert_eq!(addresses.channel_of(&name), Some(&*channel));
        }
        for name in [channel.clone(), format!("{channel}A.key"), format!("{REPLY_TO}.key"), REPLY_TO.to_owned()] {
            assert_eq!(addresses.channel_of(&name), None);
        }
        let other = addresses.of_channel(At { connection: 7, channel: 1 });
        let names = [(&channel, 1), (&other, 2), (&channel, 3)].map(|(start, key)| format!("{start}.{key}"));
        let mut names: Vec<Arc<str>> = names.into_iter().map(Arc::from).collect();
        addresses.keep_one_for_each_channel(&mut names);
        assert_eq!(names.len(), 2);
        assert!(names.contains(&Arc::from(format!("{channel}.3"))));
    }
}
