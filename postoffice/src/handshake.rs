//! How a connection begins: who are you, may you, and how shall we talk (AMQP 0-9-1, section 2.2.4).
//!
//! A state machine without a socket: a method of the client in, an answer out.

use crate::{
    error::{Refusal, ReplyCode},
    table,
    wire::{self, Frame, Ids, Method},
};
use amq_protocol::{
    protocol::{AMQPClass, connection},
    types::{AMQPValue, FieldTable, parsing::parse_field_table},
};
use std::sync::Arc;

/// The largest frame that we offer, RabbitMQ's default.
const FRAME_MAX: u32 = 131_072;
/// The smallest that every peer must accept, and the largest before it is negotiated.
pub(crate) const FRAME_MIN: u32 = 4_096;
const CHANNEL_MAX: u16 = 2_047;
/// Seconds between heartbeats that we suggest.
const HEARTBEAT: u16 = 60;

/// Who may come in.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// What client and server have agreed on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agreement {
    pub(crate) user: Arc<str>,
    pub(crate) name: Option<String>,
    pub(crate) capabilities: FieldTable,
    pub(crate) frame_max: u32,
    pub(crate) channel_max: u16,
    /// Seconds; 0 is no heartbeat.
    pub(crate) heartbeat: u16,
}

impl Agreement {
    /// Whether the client said that it understands this extension.
    pub(crate) fn can(&self, capability: &str) -> bool {
        self.capabilities.inner().get(capability) == Some(&AMQPValue::Boolean(true))
    }
}

/// What the next method has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Start,
    Tune,
    Open,
}

/// What to do after a method.
#[derive(Debug)]
pub(crate) enum Next {
    /// Answer and go on.
    Answer(AMQPClass),
    /// Go on without an answer.
    Listen,
    /// Let the client in, with this answer.
    Welcome(AMQPClass),
    /// Close the connection in so many words.
    Refuse { refusal: Refusal, ids: Ids },
    /// Close it without a word: nothing that this peer says can be trusted.
    Drop,
}

/// The state of a connection that is not open yet.
#[derive(Debug)]
pub(crate) struct Handshake {
    step: Step,
    credentials: Credentials,
    is_local: bool,
    pub(crate) agreement: Agreement,
}

impl Handshake {
    /// The handshake with a peer, and the method that begins it.
    pub(crate) fn new(credentials: Credentials, is_local: bool) -> (Self, AMQPClass) {
        let start = connection::Start {
            version_major: 0,
            version_minor: 9,
            server_properties: server_properties(),
            mechanisms: "AMQPLAIN PLAIN".into(),
            locales: "en_US".into(),
        };
        let agreement = Agreement { frame_max: FRAME_MIN, ..Agreement::default() };
        let handshake = Self { step: Step::Start, credentials, is_local, agreement };
        (handshake, AMQPClass::Connection(connection::AMQPMethod::Start(start)))
    }

    /// Takes the payload of a method frame on channel 0.
    pub(crate) fn method(&mut self, payload: &[u8]) -> Next {
        let parsed = match wire::parse_method(payload) {
            Ok(parsed) => parsed,
            Err(wire::BadMethod::Refuse { refusal, ids }) if self.step == Step::Open => {
                return Next::Refuse { refusal, ids };
            }
            Err(_) => return Next::Drop,
        };
        let (ids, Method::Other(AMQPClass::Connection(method))) = parsed else { return self.unexpected(parsed.0) };
        match (self.step, method) {
            (Step::Start, connection::AMQPMethod::StartOk(start_ok)) => self.start_ok(start_ok),
            (Step::Tune, connection::AMQPMethod::TuneOk(tune_ok)) => self.tune_ok(&tune_ok),
            (Step::Open, connection::AMQPMethod::Open(open)) => open_vhost(open.virtual_host.as_str()),
            _ => self.unexpected(ids),
        }
    }

    fn unexpected(&self, ids: Ids) -> Next {
        match self.step {
            Step::Open => {
                let refusal = ReplyCode::ChannelError.because("unexpected method in connection state opening");
                Next::Refuse { refusal, ids }
            }
            _ => Next::Drop,
        }
    }

    fn start_ok(&mut self, start_ok: connection::StartOk) -> Next {
        let properties = start_ok.client_properties;
        if let Some(AMQPValue::FieldTable(capabilities)) = properties.inner().get("capabilities") {
            self.agreement.capabilities = capabilities.clone();
        }
        self.agreement.name =
            properties.inner().get("connection_name").and_then(crate::properties::long_text).map(str::to_owned);
        let mechanism = start_ok.mechanism.as_str();
        let given = match mechanism {
            "PLAIN" => plain(start_ok.response.as_bytes()),
            "AMQPLAIN" => amqplain(start_ok.response.as_bytes()),
            _ => None,
        };
        let Some((user, password)) = given else { return Next::Drop };
        let is_known = user == self.credentials.user && same(&password, &self.credentials.password);
        if !is_known || (user == "guest" && !self.is_local) {
            if !self.agreement.can("authentication_failure_close") {
                return Next::Drop;
            }
            let text = format!(
                "Login was refused using authentication mechanism {mechanism}. For details see the broker logfile."
            );
            return Next::Refuse { refusal: ReplyCode::AccessRefused.because(text), ids: (0, 0) };
        }
        self.agreement.user = user.into();
        self.step = Step::Tune;
        let tune = connection::Tune { channel_max: CHANNEL_MAX, frame_max: FRAME_MAX, heartbeat: HEARTBEAT };
        Next::Answer(AMQPClass::Connection(connection::AMQPMethod::Tune(tune)))
    }

    fn tune_ok(&mut self, tune_ok: &connection::TuneOk) -> Next {
        // 0 asks for no limit at all, which is more than we offer.
        let fits = |value: u32, min, max| (min..=max).contains(&value);
        if !fits(tune_ok.frame_max, FRAME_MIN, FRAME_MAX) || !fits(tune_ok.channel_max.into(), 1, CHANNEL_MAX.into()) {
            return Next::Drop;
        }
        self.agreement.frame_max = tune_ok.frame_max;
        self.agreement.channel_max = tune_ok.channel_max;
        self.agreement.heartbeat = tune_ok.heartbeat;
        self.step = Step::Open;
        Next::Listen
    }

    /// Takes a frame that is no method on channel 0.
    pub(crate) fn other_frame(&self, frame: Frame<'_>) -> Next {
        match self.step {
            Step::Open => Next::Refuse { refusal: frame.unexpected(), ids: (0, 0) },
            _ => Next::Drop,
        }
    }
}

fn open_vhost(name: &str) -> Next {
    if name == "/" {
        return Next::Welcome(AMQPClass::Connection(connection::AMQPMethod::OpenOk(connection::OpenOk {})));
    }
    let refusal = ReplyCode::NotAllowed.because(format!("vhost {name} not found"));
    Next::Refuse { refusal, ids: (10, 40) }
}

/// User and password from a PLAIN response: an empty identity, the user, the password, each after a zero byte.
fn plain(response: &[u8]) -> Option<(String, String)> {
    let mut parts = response.strip_prefix(&[0])?.splitn(2, |&byte| byte == 0);
    let (user, password) = (parts.next()?, parts.next()?);
    Some((String::from_utf8(user.to_vec()).ok()?, String::from_utf8(password.to_vec()).ok()?))
}

/// User and password from an AMQPLAIN response: the entries of a table, without its length.
fn amqplain(response: &[u8]) -> Option<(String, String)> {
    table::check(response).ok()?;
    let mut framed = u32::try_from(response.len()).ok()?.to_be_bytes().to_vec();
    framed.extend_from_slice(response);
    let (_, table) = parse_field_table(&framed[..]).ok()?;
    let field = |name| table.inner().get(name).and_then(crate::properties::long_text).map(str::to_owned);
    Some((field("LOGIN")?, field("PASSWORD")?))
}

/// Compares without telling by its time how much was right.
fn same(given: &str, expected: &str) -> bool {
    let differences = given.bytes().zip(expected.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    given.len() == expected.len() && differences == 0
}

fn server_properties() -> FieldTable {
    let mut capabilities = FieldTable::default();
    for capability in [
        "publisher_confirms",
        "exchange_exchange_bindings",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "consumer_priorities",
        "authentication_failure_close",
        "per_consumer_qos",
        "direct_reply_to",
    ] {
        capabilities.insert(capability.into(), AMQPValue::Boolean(true));
    }
    let mut properties = FieldTable::default();
    properties.insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
    for (name, value) in [
        ("cluster_name", "postoffice@localhost"),
        ("copyright", "Of those who wrote it; see the licence."),
        ("information", "An embedded broker to learn with. Messages live in memory."),
        ("platform", "Rust"),
        ("product", "Post Office"),
        ("version", env!("CARGO_PKG_VERSION")),
    ] {
        properties.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_amqplain_say_the_same() {
        let expected = Some(("guest".to_owned(), "secret".to_owned()));
        assert_eq!(plain(b"\0guest\0secret"), expected);
        assert_eq!(amqplain(b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x06secret"), expected);
        assert_eq!(plain(b"guest"), None);
        assert_eq!(amqplain(b"\x05LOGINS\0\0\0\xff"), None);
    }
}
