//! What goes wrong: AMQP's reply codes with RabbitMQ's texts for the client, and the library's own error in `library`.
//!
//! Nothing here decides *when* something is wrong; that is the broker's part.

#[cfg(feature = "server")]
mod library;

#[cfg(feature = "server")]
pub use library::Error;

use amq_protocol::types::ShortString;
use std::fmt;

/// The reply codes of AMQP 0-9-1 (section 1.2 of its reference) that RabbitMQ uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
#[cfg_attr(not(feature = "server"), allow(dead_code))] // some only frames can earn
pub(crate) enum ReplyCode {
    NoRoute = 312,
    ConnectionForced = 320,
    AccessRefused = 403,
    NotFound = 404,
    ResourceLocked = 405,
    PreconditionFailed = 406,
    FrameError = 501,
    CommandInvalid = 503,
    ChannelError = 504,
    UnexpectedFrame = 505,
    ResourceError = 506,
    NotAllowed = 530,
    NotImplemented = 540,
    InternalError = 541,
}

impl ReplyCode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoRoute => "NO_ROUTE",
            Self::ConnectionForced => "CONNECTION_FORCED",
            Self::AccessRefused => "ACCESS_REFUSED",
            Self::NotFound => "NOT_FOUND",
            Self::ResourceLocked => "RESOURCE_LOCKED",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::FrameError => "FRAME_ERROR",
            Self::CommandInvalid => "COMMAND_INVALID",
            Self::ChannelError => "CHANNEL_ERROR",
            Self::UnexpectedFrame => "UNEXPECTED_FRAME",
            Self::ResourceError => "RESOURCE_ERROR",
            Self::NotAllowed => "NOT_ALLOWED",
            Self::NotImplemented => "NOT_IMPLEMENTED",
            Self::InternalError => "INTERNAL_ERROR",
        }
    }

    /// Whether the error ends the whole connection ("hard" in the specification) or its channel alone.
    pub(crate) fn is_hard(self) -> bool {
        !matches!(
            self,
            Self::NoRoute | Self::AccessRefused | Self::NotFound | Self::ResourceLocked | Self::PreconditionFailed
        )
    }

    /// The refusal with this code and this explanation.
    pub(crate) fn because(self, explanation: impl fmt::Display) -> Refusal {
        Refusal { code: self, text: format!("{} - {explanation}", self.name()) }
    }
}

/// A refusal as the client reads it: `406 PRECONDITION_FAILED - …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ReplyCode,
    pub(crate) text: String,
}

impl Refusal {
    /// An error inside the broker; RabbitMQ tells the client no more than the name.
    pub(crate) fn internal() -> Self {
        Self { code: ReplyCode::InternalError, text: ReplyCode::InternalError.name().to_owned() }
    }

    /// Whether it is an error inside the broker, for which RabbitMQ blames no method.
    pub(crate) fn is_internal(&self) -> bool {
        *self == Self::internal()
    }

    /// A method that nobody, or no client, may send.
    pub(crate) fn unimplemented() -> Self {
        ReplyCode::CommandInvalid.because("unimplemented method")
    }

    /// The reply text cut to what a short string holds, the way RabbitMQ cuts it: 252 bytes and three dots.
    pub(crate) fn reply_text(&self) -> ShortString {
        short(&self.text)
    }
}

/// A text as a short string (255 bytes at most), cut with three dots where it is longer.
pub(crate) fn short(text: &str) -> ShortString {
    let cut = match text.len() {
        0..=255 => text.to_owned(),
        _ => {
            let end = (0..=252).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
            format!("{}...", text.get(..end).unwrap_or_default())
        }
    };
    ShortString::try_new(cut).unwrap_or_default() // 255 bytes at most by now
}

/// How RabbitMQ names a queue in its texts.
pub(crate) fn queue_in_vhost(name: &str) -> String {
    format!("queue '{name}' in vhost '/'")
}

/// How RabbitMQ names an exchange in its texts.
pub(crate) fn exchange_in_vhost(name: &str) -> String {
    format!("exchange '{name}' in vhost '/'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_255_bytes_with_three_dots() {
        let refusal = ReplyCode::NotFound.because("é".repeat(200));
        let text = refusal.reply_text();
        assert!(text.as_str().len() <= 255);
        assert!(text.as_str().ends_with("é..."));
    }
}
