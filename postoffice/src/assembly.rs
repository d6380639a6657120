//! Puts the frames of one channel together: a method, and for a publish its header and body (AMQP 0-9-1, section 4.2.6).

use crate::{
    error::{Refusal, ReplyCode},
    message::{Content, ContentBuilder},
    request::{Ids, PUBLISH, Publish},
    wire::{self, Frame, Method, Verdict},
};
use amq_protocol::protocol::AMQPClass;

/// A complete command from a client.
#[derive(Debug)]
pub(crate) enum Command {
    /// A method without content, and the entries of its table if the codec may not hold all of them.
    Method(Ids, AMQPClass, Box<[u8]>),
    /// A message to route.
    Publish(Publish, Content),
    /// What the channel refuses as soon as it comes to it.
    Refused(Ids, Refusal),
}

/// What a content belongs to.
#[derive(Debug)]
pub(crate) enum Carrier {
    Publish(Publish),
    /// A method with content that only servers send. It is refused, but not before it is complete.
    Server(Ids),
}

impl Carrier {
    fn ids(&self) -> Ids {
        match self {
            Self::Publish(_) => PUBLISH,
            Self::Server(ids) => *ids,
        }
    }
}

/// What a channel's next frame has to be.
#[derive(Debug, Default)]
pub(crate) enum Assembly {
    /// A method.
    #[default]
    Method,
    /// A content header.
    Header(Carrier),
    /// The rest of a body.
    Body { carrier: Carrier, builder: ContentBuilder, size: u64, missing: u64 },
}

/// The largest body that may be announced at all; RabbitMQ's value, whatever its own limit is set to.
pub(crate) const LARGEST: u64 = 512 << 20;

impl Assembly {
    /// Takes the next frame of the channel; gives the command that it completes, if any.
    pub(crate) fn frame(&mut self, frame: Frame<'_>, message_limit: u64) -> Result<Option<Command>, Verdict> {
        match std::mem::take(self) {
            Self::Method => self.method(frame),
            Self::Header(carrier) => self.header(frame, carrier, message_limit),
            Self::Body { carrier, mut builder, size, missing } => {
                if frame.kind != wire::BODY {
                    return Err(unexpected("expected content body, got non content body frame instead", carrier.ids()));
                }
                let Some(missing) = missing.checked_sub(frame.payload.len() as u64) else {
                    return Err(refuse(ReplyCode::FrameError, OVERRUN, carrier.ids()));
                };
                if size <= message_limit {
                    builder.extend(frame.payload);
                }
                Ok(self.advance(carrier, builder, size, missing, message_limit))
            }
        }
    }

    /// The bytes of a message of which a part is still to come.
    pub(crate) fn bytes(&self) -> usize {
        let (carrier, content) = match self {
            Self::Method => return 0,
            Self::Header(carrier) => (carrier, 0),
            Self::Body { carrier, builder, .. } => (carrier, builder.capacity()),
        };
        let names = match carrier {
            Carrier::Publish(publish) => publish.exchange.len() + publish.routing_key.len(),
            Carrier::Server(_) => 0,
        };
        size_of::<Self>() + names + content
    }

    fn method(&mut self, frame: Frame<'_>) -> Result<Option<Command>, Verdict> {
        if frame.kind != wire::METHOD {
            return Err(unexpected("expected method frame, got non method frame instead", (0, 0)));
        }
        let (ids, method) = wire::parse_method(frame.payload).map_err(|bad| bad.on_channel())?;
        let carrier = match method {
            Method::Publish(publish) => Carrier::Publish(publish),
            Method::ServersContent => Carrier::Server(ids),
            Method::Refused(refusal) => return Ok(Some(Command::Refused(ids, refusal))),
            Method::Other(method, table) => return Ok(Some(Command::Method(ids, method, table))),
        };
        *self = Self::Header(carrier);
        Ok(None)
    }

    fn header(&mut self, frame: Frame<'_>, carrier: Carrier, message_limit: u64) -> Result<Option<Command>, Verdict> {
        let header = (frame.kind == wire::HEADER).then(|| frame.payload.split_first_chunk::<12>()).flatten();
        // The weight, bytes 2 and 3, has been zero since the days of AMQP 0-8.
        let Some(([c1, c0, _, _, size @ ..], properties)) = header else {
            return Err(unexpected(NOT_A_HEADER, carrier.ids()));
        };
        let class = u16::from_be_bytes([*c1, *c0]);
        if frame.payload.get(2..4) != Some(&[0, 0]) {
            return Err(unexpected(NOT_A_HEADER, carrier.ids()));
        }
        if class != 60 {
            let text = format!("expected content header for class 60, got one for class {class} instead");
            return Err(unexpected(&text, carrier.ids()));
        }
        let size = u64::from_be_bytes(*size);
        if size > LARGEST {
            let text = format!("content body size {size} exceeds maximum allowed size {LARGEST}");
            return Err(refuse(ReplyCode::FrameError, &text, carrier.ids()));
        }
        let expected = if size > message_limit { 0 } else { size as usize };
        let routing_key = match &carrier {
            Carrier::Publish(publish) => &publish.routing_key[..],
            Carrier::Server(..) => &[],
        };
        let builder = ContentBuilder::new(routing_key, properties, expected);
        Ok(self.advance(carrier, builder, size, size, message_limit))
    }

    fn advance(
        &mut self,
        carrier: Carrier,
        builder: ContentBuilder,
        size: u64,
        missing: u64,
        message_limit: u64,
    ) -> Option<Command> {
        match carrier {
            carrier if missing > 0 => {
                *self = Self::Body { carrier, builder, size, missing };
                None
            }
            Carrier::Publish(publish) if publish.immediate => {
                Some(Command::Refused(PUBLISH, ReplyCode::NotImplemented.because("immediate=true")))
            }
            // The body was thrown away as it came.
            Carrier::Publish(_) if size > message_limit => {
                Some(Command::Refused(PUBLISH, too_large(size, message_limit)))
            }
            Carrier::Publish(publish) => Some(Command::Publish(publish, builder.build())),
            Carrier::Server(ids) => Some(Command::Refused(ids, Refusal::unimplemented())),
        }
    }
}

const NOT_A_HEADER: &str = "expected content header for class 60, got non content header frame instead";
const OVERRUN: &str = "content body frame exceeds remaining content size";

fn too_large(size: u64, limit: u64) -> Refusal {
    ReplyCode::PreconditionFailed.because(format!("message size {size} is larger than configured max size {limit}"))
}

fn unexpected(text: &str, ids: Ids) -> Verdict {
    refuse(ReplyCode::UnexpectedFrame, text, ids)
}

fn refuse(code: ReplyCode, text: &str, ids: Ids) -> Verdict {
    Verdict::Refuse { refusal: code.because(text), ids }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish() -> Assembly {
        Assembly::Header(Carrier::Publish(Publish { routing_key: b"hello".to_vec(), ..Publish::default() }))
    }

    fn header(size: u64) -> Vec<u8> {
        let mut payload = vec![0, 60, 0, 0];
        payload.extend(size.to_be_bytes());
        payload.extend([0, 0]);
        payload
    }

    fn frame(kind: u8, payload: &[u8]) -> Frame<'_> {
        Frame { kind, channel: 1, payload }
    }

    #[test]
    fn a_body_in_two_frames_becomes_one_content() {
        let mut assembly = publish();
        assert!(assembly.frame(frame(wire::HEADER, &header(4)), 100).unwrap().is_none());
        assert!(assembly.frame(frame(wire::BODY, b"ab"), 100).unwrap().is_none());
        match assembly.frame(frame(wire::BODY, b"cd"), 100).unwrap() {
            Some(Command::Publish(_, content)) => assert_eq!(content.body(), b"abcd"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_body_over_the_limit_is_not_kept() {
        let mut assembly = publish();
        assert!(assembly.frame(frame(wire::HEADER, &header(4)), 3).unwrap().is_none());
        match assembly.frame(frame(wire::BODY, b"abcd"), 3).unwrap() {
            Some(Command::Refused(ids, refusal)) => assert_eq!((ids, refusal), (PUBLISH, too_large(4, 3))),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_method_where_a_header_is_due_is_refused() {
        let error = publish().frame(frame(wire::METHOD, &[0, 20, 0, 10, 0]), 100).unwrap_err();
        let text = "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead";
        assert!(matches!(error, Verdict::Refuse { refusal, .. } if refusal.text == text));
    }

    #[test]
    fn a_body_longer_than_announced_is_refused() {
        let mut assembly = publish();
        assert!(assembly.frame(frame(wire::HEADER, &header(1)), 100).unwrap().is_none());
        let error = assembly.frame(frame(wire::BODY, b"abc"), 100).unwrap_err();
        assert_eq!(error, refuse(ReplyCode::FrameError, OVERRUN, PUBLISH));
    }

    #[test]
    fn a_body_of_absurd_length_is_refused_before_it_comes() {
        let error = publish().frame(frame(wire::HEADER, &header(LARGEST + 1)), u64::MAX).unwrap_err();
        let text = "FRAME_ERROR - content body size 536870913 exceeds maximum allowed size 536870912";
        assert!(matches!(error, Verdict::Refuse { refusal, .. } if refusal.text == text));
    }
}
