//! Puts the frames of one channel together: a method, and for a publish its header and body (AMQP 0-9-1, section 4.2.6).

use crate::{
    error::ReplyCode,
    message::{Content, ContentBuilder},
    wire::{self, BadMethod, Frame, Ids, Method, Publish},
};
use amq_protocol::protocol::AMQPClass;

/// A complete command from a client.
#[derive(Debug)]
pub(crate) enum Command {
    /// A method without content.
    Method(Ids, AMQPClass),
    /// A message to route.
    Publish(Publish, Content),
    /// A message over the limit; its body was thrown away as it came.
    TooLarge { size: u64 },
}

/// What a content belongs to.
#[derive(Debug)]
pub(crate) enum Carrier {
    Publish(Publish),
    /// A method with content that only servers send. It is refused, but not before it is complete.
    Server(Ids, AMQPClass),
}

impl Carrier {
    fn ids(&self) -> Ids {
        match self {
            Self::Publish(_) => wire::PUBLISH,
            Self::Server(ids, _) => *ids,
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
    /// More body came than was announced. RabbitMQ waits for the end that can't come; what follows is thrown away.
    Overrun(Ids),
}

impl Assembly {
    /// Takes the next frame of the channel; gives the command that it completes, if any.
    pub(crate) fn frame(&mut self, frame: Frame<'_>, message_limit: u64) -> Result<Option<Command>, BadMethod> {
        match std::mem::take(self) {
            Self::Method => self.method(frame),
            Self::Header(carrier) => self.header(frame, carrier, message_limit),
            Self::Body { carrier, mut builder, size, missing } => {
                if frame.kind != wire::BODY {
                    return Err(unexpected(NOT_A_BODY, carrier.ids()));
                }
                let Some(missing) = missing.checked_sub(frame.payload.len() as u64) else {
                    *self = Self::Overrun(carrier.ids());
                    return Ok(None);
                };
                if size <= message_limit {
                    builder.extend(frame.payload);
                }
                Ok(self.advance(carrier, builder, size, missing, message_limit))
            }
            Self::Overrun(ids) if frame.kind == wire::BODY => {
                *self = Self::Overrun(ids);
                Ok(None)
            }
            Self::Overrun(ids) => Err(unexpected(NOT_A_BODY, ids)),
        }
    }

    fn method(&mut self, frame: Frame<'_>) -> Result<Option<Command>, BadMethod> {
        if frame.kind != wire::METHOD {
            return Err(unexpected("expected method frame, got non method frame instead", (0, 0)));
        }
        let carrier = match wire::parse_method(frame.payload)? {
            (_, Method::Publish(publish)) => Carrier::Publish(publish),
            // basic.return, basic.deliver and basic.get-ok
            (ids @ (60, 50 | 60 | 71), Method::Other(method)) => Carrier::Server(ids, method),
            (ids, Method::Other(method)) => return Ok(Some(Command::Method(ids, method))),
        };
        *self = Self::Header(carrier);
        Ok(None)
    }

    fn header(&mut self, frame: Frame<'_>, carrier: Carrier, message_limit: u64) -> Result<Option<Command>, BadMethod> {
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
            Carrier::Publish(_) if size > message_limit => Some(Command::TooLarge { size }),
            Carrier::Publish(publish) => Some(Command::Publish(publish, builder.build())),
            Carrier::Server(ids, method) => Some(Command::Method(ids, method)),
        }
    }
}

const NOT_A_HEADER: &str = "expected content header for class 60, got non content header frame instead";
const NOT_A_BODY: &str = "expected content body, got non content body frame instead";

fn unexpected(text: &str, ids: Ids) -> BadMethod {
    BadMethod::Refuse { refusal: ReplyCode::UnexpectedFrame.because(text), ids }
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
        assert!(matches!(assembly.frame(frame(wire::BODY, b"abcd"), 3).unwrap(), Some(Command::TooLarge { size: 4 })));
    }

    #[test]
    fn a_method_where_a_header_is_due_is_refused() {
        let error = publish().frame(frame(wire::METHOD, &[0, 20, 0, 10, 0]), 100).unwrap_err();
        let text = "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead";
        assert!(matches!(error, BadMethod::Refuse { refusal, .. } if refusal.text == text));
    }

    #[test]
    fn a_body_longer_than_announced_is_thrown_away_until_something_else_comes() {
        let mut assembly = publish();
        assert!(assembly.frame(frame(wire::HEADER, &header(1)), 100).unwrap().is_none());
        assert!(assembly.frame(frame(wire::BODY, b"abc"), 100).unwrap().is_none());
        assert!(assembly.frame(frame(wire::BODY, b"abc"), 100).unwrap().is_none());
        assert!(assembly.frame(frame(wire::METHOD, &[0, 20, 0, 10, 0]), 100).is_err());
    }
}
