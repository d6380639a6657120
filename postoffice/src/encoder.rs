//! What a client should receive, as bytes (AMQP 0-9-1, section 4.2), on top of `amq-protocol`'s codec.
//!
//! The three methods that carry a message are written here by hand, for two reasons. The codec keeps names as text, but
//! a routing key may be any bytes, and RabbitMQ hands it on as it came. And they are what goes out by the million.

use crate::{
    effect::{Effect, Outgoing},
    error::ReplyCode,
    message::Message,
    wire::{BODY, FRAME_END, FRAME_OVERHEAD, HEADER, METHOD},
};
use amq_protocol::{
    frame::{AMQPFrame, WriteContext, gen_frame},
    protocol::{AMQPClass, basic},
};

/// Turns what a client should receive into bytes, in one buffer that is reused.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was written out; a buffer that grew for a large message is given back.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(256 * 1024);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn heartbeat(&mut self) {
        self.frame(AMQPFrame::Heartbeat);
    }

    pub(crate) fn method(&mut self, channel: u16, method: AMQPClass) {
        self.frame(AMQPFrame::Method(channel, method));
    }

    pub(crate) fn outgoing(&mut self, outgoing: Outgoing, frame_max: u32) {
        let Outgoing { channel, effect } = outgoing;
        let basic = |method| AMQPClass::Basic(method);
        match effect {
            Effect::Method(method) => self.method(channel, *method),
            Effect::Confirm { delivery_tag, multiple, .. } => {
                self.method(channel, basic(basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple })));
            }
            Effect::Nack { delivery_tag, multiple } => {
                // RabbitMQ sets `multiple` where nothing before this message is unanswered; `requeue` is true by default.
                let nack = basic::Nack { delivery_tag, multiple, requeue: true };
                self.method(channel, basic(basic::AMQPMethod::Nack(nack)));
            }
            Effect::Deliver { consumer_tag, delivery_tag, redelivered, message } => {
                let start = self.open_method(channel, 60);
                self.short_string(consumer_tag.as_bytes());
                self.bytes.extend_from_slice(&delivery_tag.to_be_bytes());
                self.bytes.push(redelivered.into());
                self.address(&message);
                self.close_method(start);
                self.content(channel, &message, frame_max);
            }
            Effect::GetOk { delivery_tag, redelivered, message_count, message } => {
                let start = self.open_method(channel, 71);
                self.bytes.extend_from_slice(&delivery_tag.to_be_bytes());
                self.bytes.push(redelivered.into());
                self.address(&message);
                self.bytes.extend_from_slice(&message_count.to_be_bytes());
                self.close_method(start);
                self.content(channel, &message, frame_max);
            }
            Effect::Return(message) => {
                let code = ReplyCode::NoRoute;
                let start = self.open_method(channel, 50);
                self.bytes.extend_from_slice(&(code as u16).to_be_bytes());
                self.short_string(code.name().as_bytes());
                self.address(&message);
                self.close_method(start);
                self.content(channel, &message, frame_max);
            }
        }
    }

    /// Begins a method of the class *basic*; gives the place where its size belongs.
    fn open_method(&mut self, channel: u16, method_id: u16) -> usize {
        self.envelope(METHOD, channel, 0);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&60u16.to_be_bytes());
        self.bytes.extend_from_slice(&method_id.to_be_bytes());
        start
    }

    fn close_method(&mut self, start: usize) {
        let size = (self.bytes.len() - start) as u32; // three short strings and a few numbers
        if let Some(place) = self.bytes.get_mut(start - 4..start) {
            place.copy_from_slice(&size.to_be_bytes());
        }
        self.bytes.push(FRAME_END);
    }

    /// The exchange and the routing key of a message.
    fn address(&mut self, message: &Message) {
        self.short_string(message.exchange().as_bytes());
        self.short_string(message.content.routing_key());
    }

    fn short_string(&mut self, text: &[u8]) {
        let text = text.get(..255).unwrap_or(text); // all of them came in as short strings
        self.bytes.push(text.len() as u8);
        self.bytes.extend_from_slice(text);
    }

    fn frame(&mut self, frame: AMQPFrame) {
        let start = self.bytes.len();
        match gen_frame(&frame)(WriteContext::from(std::mem::take(&mut self.bytes))) {
            Ok(context) => self.bytes = context.into_inner().0,
            // Writing to a Vec doesn't fail; were it to, the peer must not get half a frame.
            Err(_) => self.bytes.truncate(start),
        }
    }

    /// The content header with the sender's own property bytes, and the body in frames of at most `frame_max` bytes.
    fn content(&mut self, channel: u16, message: &Message, frame_max: u32) {
        let (properties, body) = (message.properties_for_clients(), message.content.body());
        self.envelope(HEADER, channel, 12 + properties.len());
        self.bytes.extend_from_slice(&[0, 60, 0, 0]); // class basic, weight 0
        self.bytes.extend_from_slice(&(body.len() as u64).to_be_bytes());
        self.bytes.extend_from_slice(&properties);
        self.bytes.push(FRAME_END);
        for piece in body.chunks((frame_max as usize).saturating_sub(FRAME_OVERHEAD).max(1)) {
            self.envelope(BODY, channel, piece.len());
            self.bytes.extend_from_slice(piece);
            self.bytes.push(FRAME_END);
        }
    }

    fn envelope(&mut self, kind: u8, channel: u16, size: usize) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&channel.to_be_bytes());
        self.bytes.extend_from_slice(&(size as u32).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Content, Source};
    use amq_protocol::frame::parse_frame;
    use std::sync::Arc;

    #[test]
    fn a_delivery_is_what_the_codec_would_have_written() {
        let source = Arc::new(Source::new("logs".into(), &Arc::default()));
        let message = Message::new(source, 1, Content::new(b"info", &[0, 0], b"body"), None);
        let effect = Effect::Deliver { consumer_tag: "me".into(), delivery_tag: 7, redelivered: true, message };
        let mut encoder = Encoder::default();
        encoder.outgoing(Outgoing { channel: 3, effect }, 4096);
        let (rest, method) = parse_frame(encoder.bytes()).unwrap();
        let deliver = basic::Deliver {
            consumer_tag: "me".into(),
            delivery_tag: 7,
            redelivered: true,
            exchange: "logs".into(),
            routing_key: "info".into(),
        };
        assert_eq!(method, AMQPFrame::Method(3, AMQPClass::Basic(basic::AMQPMethod::Deliver(deliver))));
        let (rest, header) = parse_frame(rest).unwrap();
        assert!(matches!(header, AMQPFrame::Header(3, header) if header.body_size == 4));
        assert_eq!(parse_frame(rest).unwrap(), (&[][..], AMQPFrame::Body(3, b"body".to_vec())));
    }

    #[test]
    fn a_large_body_is_cut_into_frames_that_the_client_takes() {
        let content = Content::new(b"", &[0, 0], &[1; 10_000]);
        let message = Message::new(Arc::new(Source::new("".into(), &Arc::default())), 1, content, None);
        let mut encoder = Encoder::default();
        encoder.outgoing(Outgoing { channel: 1, effect: Effect::Return(message) }, 4096);
        let mut rest = encoder.bytes();
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let (after, frame) = parse_frame(rest).unwrap();
            if let AMQPFrame::Body(_, piece) = frame {
                pieces.push(piece.len());
            }
            rest = after;
        }
        assert_eq!(pieces, [4088, 4088, 1824]);
    }
}
