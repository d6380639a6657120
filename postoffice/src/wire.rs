//! Frames as they come in (AMQP 0-9-1, section 4.2.3): the envelope. What is in a method's frame is parsed in `method`.
//!
//! The envelope is read in place, because the broker has to know a frame's size before it has the frame, and because a
//! body need not be copied twice.

mod method;

pub(crate) use method::{Method, Verdict, parse_method};

use crate::{
    erlang,
    error::{Refusal, ReplyCode},
};

pub(crate) const METHOD: u8 = 1;
pub(crate) const HEADER: u8 = 2;
pub(crate) const BODY: u8 = 3;
pub(crate) const HEARTBEAT: u8 = 8;
pub(crate) const FRAME_END: u8 = 0xce;

/// The bytes of a frame around its payload.
pub(crate) const FRAME_OVERHEAD: usize = 8;

/// A complete frame, still in the buffer in which it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: u8,
    pub(crate) channel: u16,
    pub(crate) payload: &'a [u8],
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Method,
    /// A content header or a piece of a body.
    Content,
    Heartbeat,
}

/// The peer and we no longer agree where a frame starts; nothing that follows can be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LostSync {
    pub(crate) refusal: Refusal,
}

impl<'a> Frame<'a> {
    /// The frame at the start of `bytes` and its length, or nothing yet.
    pub(crate) fn first_in(bytes: &'a [u8], frame_max: u32) -> Result<Option<(Self, usize)>, LostSync> {
        let Some(([kind, c1, c0, s3, s2, s1, s0], rest)) = bytes.split_first_chunk::<7>() else { return Ok(None) };
        let (kind, channel) = (*kind, u16::from_be_bytes([*c1, *c0]));
        let size = u32::from_be_bytes([*s3, *s2, *s1, *s0]);
        // RabbitMQ lets a client exceed the limit by the eight bytes of the envelope: many get that wrong.
        if size > frame_max {
            let problem = format!("{{frame_too_large,{size},{}}}", frame_max - FRAME_OVERHEAD as u32);
            return Err(LostSync { refusal: frame_error(kind, &[], &problem) });
        }
        let Some((payload, rest)) = rest.split_at_checked(size as usize) else { return Ok(None) };
        match rest.first() {
            None => Ok(None),
            Some(&FRAME_END) => Ok(Some((Self { kind, channel, payload }, payload.len() + FRAME_OVERHEAD))),
            Some(other) => {
                let problem = format!("{{invalid_frame_end_marker,{other}}}");
                Err(LostSync { refusal: frame_error(kind, payload, &problem) })
            }
        }
    }

    /// What the frame is, by its type and its length; the refusal of one that is nothing.
    pub(crate) fn known(&self) -> Result<Kind, Refusal> {
        match self.kind {
            METHOD if self.payload.len() >= 4 => Ok(Kind::Method),
            HEADER if self.payload.len() >= 12 => Ok(Kind::Content),
            BODY => Ok(Kind::Content),
            HEARTBEAT if self.payload.is_empty() => Ok(Kind::Heartbeat),
            _ => Err(frame_error(self.kind, self.payload, "unknown_frame")),
        }
    }

    /// The refusal of a well-formed frame that has no business there.
    pub(crate) fn unexpected(&self) -> Refusal {
        ReplyCode::UnexpectedFrame.because(format!("type {}, {}", self.kind, snippet(self.payload)))
    }
}

fn frame_error(kind: u8, payload: &[u8], problem: &str) -> Refusal {
    let text = format!("type {kind}, {}: ", snippet(payload));
    let problem = erlang::laid_out(&text, problem);
    ReplyCode::FrameError.because(text + &problem)
}

/// The start of a payload as RabbitMQ shows it: in Erlang's notation.
fn snippet(payload: &[u8]) -> String {
    match payload.get(..16) {
        Some(first) if payload.len() > 16 => format!("first 16 octets = {}", erlang::binary(first)),
        _ => format!("all octets = {}", erlang::binary(payload)),
    }
}
