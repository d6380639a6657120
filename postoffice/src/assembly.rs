//! Puts the frames of one channel together: a method, and for a publish its header and body (AMQP 0-9-1, section 4.2.6).

use crate::{
    error::ReplyCode,
    message::{Content, ContentBuilder},
    wire::{self, BadMethod, Frame, Ids},
};
use amq_protocol::protocol::{AMQPClass, basic};

/// A complete command from a client.
#[derive(Debug)]
pub(crate) enum Command {
    /// A method without content.
    Method(Ids, AMQPClass),
    /// A message to route.
    Publish(basic::Publish, Content),
    /// A message over the limit; its body was thrown away as it came.
    TooLarge { size: u64 },
}

/// What a channel's next frame has to be.
#[derive(Debug, Default)]
pub(crate) enum Assembly {
    /// A method.
    #[default]
    Method,
    /// The content header of this publish.
    Header(basic::Publish),
    /// The rest of a body.
    Body { publish: basic::Publish, builder: ContentBuilder, size: u64, missing: u64 },
    /// More body came than was announced. RabbitMQ waits for the end that can't come; what follows is thrown away.
    Overrun,
}

const PUBLISH: Ids = (60, 40);

impl Assembly {
    /// Takes the next frame of the channel; gives the command that it completes, if any.
    pub(crate) fn frame(&mut self, frame: Frame<'_>, message_limit: u64) -> Result<Option<Command>, BadMethod> {
        match std::mem::take(self) {
            Self::Method => match frame.kind {
                wire::METHOD => match wire::parse_method(frame.payload)? {
                    (_, AMQPClass::Basic(basic::AMQPMethod::Publish(publish))) => {
                        *self = Self::Header(publish);
                        Ok(None)
                    }
                    (ids, method) => Ok(Some(Command::Method(ids, method))),
                },
                _ => Err(unexpected("expected method frame, got non method frame instead", (0, 0))),
            },
            Self::Header(publish) => {
                let header = (frame.kind == wire::HEADER).then(|| frame.payload.split_first_chunk::<12>()).flatten();
                let Some(([c1, c0, w1, w0, size @ ..], properties)) = header else {
                    let text = "expected content header for class 60, got non content header frame instead";
                    return Err(unexpected(text, PUBLISH));
                };
                let class = u16::from_be_bytes([*c1, *c0]);
                if class != 60 {
                    let text = format!("expected content header for class 60, got one for class {class} instead");
                    return Err(unexpected(&text, PUBLISH));
                }
                if [*w1, *w0] != [0, 0] {
                    let text = "expected content header for class 60, got non content header frame instead";
                    return Err(unexpected(text, PUBLISH));
                }
                let size = u64::from_be_bytes(*size);
                let expected = if size > message_limit { 0 } else { size as usize };
                let builder = ContentBuilder::new(publish.routing_key.as_str().as_bytes(), properties, expected);
                Ok(self.advance(publish, builder, size, size))
            }
            Self::Body { publish, mut builder, size, missing } => {
                if frame.kind != wire::BODY {
                    return Err(unexpected(NOT_A_BODY, PUBLISH));
                }
                let Some(missing) = missing.checked_sub(frame.payload.len() as u64) else {
                    *self = Self::Overrun;
                    return Ok(None);
                };
                if size <= message_limit {
                    builder.extend(frame.payload);
                }
                Ok(match missing {
                    0 if size > message_limit => Some(Command::TooLarge { size }),
                    _ => self.advance(publish, builder, size, missing),
                })
            }
            Self::Overrun if frame.kind == wire::BODY => {
                *self = Self::Overrun;
                Ok(None)
            }
            Self::Overrun => Err(unexpected(NOT_A_BODY, PUBLISH)),
        }
    }

    fn advance(
        &mut self,
        publish: basic::Publish,
        builder: ContentBuilder,
        size: u64,
        missing: u64,
    ) -> Option<Command> {
        if missing == 0 {
            return Some(Command::Publish(publish, builder.build()));
        }
        *self = Self::Body { publish, builder, size, missing };
        None
    }
}

const NOT_A_BODY: &str = "expected content body, got non content body frame instead";

fn unexpected(text: &str, ids: Ids) -> BadMethod {
    BadMethod::Refuse { refusal: ReplyCode::UnexpectedFrame.because(text), ids }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish() -> Assembly {
        Assembly::Header(basic::Publish {
            exchange: "".into(),
            routing_key: "hello".into(),
            mandatory: false,
            immediate: false,
        })
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
