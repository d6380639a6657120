//! How a connection begins: who are you, may you, and how shall we talk (AMQP 0-9-1, section 2.2.4).
//!
//! A state machine without a socket: a method of the client in, an answer out.

use crate::{
    error::{Refusal, ReplyCode},
    request::Ids,
    table::{Table, Term},
    wire::{self, Frame, Kind, Method, Verdict},
};
use amq_protocol::{
    protocol::{AMQPClass, connection},
    types::{AMQPValue, FieldTable},
};
use std::{collections::HashSet, sync::Arc};

/// The version of RabbitMQ whose behaviour this broker follows. Clients hear it as the version of what they talk to, since
/// those that ask want to know how it behaves.
const FOLLOWS: &str = "4.3.6";

/// The largest frame that we offer, RabbitMQ's default.
const FRAME_MAX: u32 = 131_072;
/// The smallest that a client may ask for, and the largest before it is negotiated. The specification says 4096.
pub(crate) const FRAME_MIN: u32 = 8_192;
/// Seconds between heartbeats that we suggest.
const HEARTBEAT: u16 = 60;

/// The ways to log in. In which order RabbitMQ names them is chance; a client that takes the first had better say who it is.
const MECHANISMS: &str = "PLAIN ANONYMOUS AMQPLAIN";

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
    pub(crate) capabilities: HashSet<Vec<u8>>,
    pub(crate) frame_max: u32,
    pub(crate) channel_max: u16,
    /// Seconds; 0 is no heartbeat.
    pub(crate) heartbeat: u16,
}

impl Agreement {
    /// Whether the client said that it understands this extension.
    pub(crate) fn can(&self, capability: &str) -> bool {
        self.capabilities.contains(capability.as_bytes())
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
    /// The client isn't who it says it is: close the connection, in so many words to a client that understands them.
    Unauthenticated { user: String, refusal: Option<Refusal> },
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
    channel_max: u16,
    pub(crate) agreement: Agreement,
}

impl Handshake {
    /// The handshake with a peer, and the method that begins it.
    pub(crate) fn new(credentials: Credentials, is_local: bool, channel_max: u16) -> (Self, AMQPClass) {
        let start = connection::Start {
            version_major: 0,
            version_minor: 9,
            server_properties: server_properties(),
            mechanisms: MECHANISMS.into(),
            locales: "en_US".into(),
        };
        let agreement = Agreement { frame_max: FRAME_MIN, ..Agreement::default() };
        let handshake = Self { step: Step::Start, credentials, is_local, channel_max, agreement };
        (handshake, AMQPClass::Connection(connection::AMQPMethod::Start(start)))
    }

    /// Whether the peer has said who it is, so that it is told what it does wrong.
    pub(crate) fn is_trusted(&self) -> bool {
        self.step == Step::Open
    }

    /// Takes a frame.
    pub(crate) fn frame(&mut self, frame: Frame<'_>) -> Next {
        let refusal = match frame.known() {
            _ if frame.channel != 0 => frame.unexpected(),
            Ok(Kind::Method) => return self.method(frame.payload),
            Ok(Kind::Heartbeat) => return Next::Listen,
            Ok(Kind::Content) => frame.unexpected(),
            Err(refusal) => refusal,
        };
        self.refuse(refusal, (0, 0))
    }

    fn method(&mut self, payload: &[u8]) -> Next {
        let (ids, method) = match wire::parse_method(payload) {
            Ok(parsed) => parsed,
            Err(bad) => match bad.in_opening() {
                Verdict::Refuse { refusal, ids } => return self.refuse(refusal, ids),
                Verdict::Drop => return Next::Drop,
            },
        };
        match (self.step, method) {
            (Step::Start, Method::Other(AMQPClass::Connection(connection::AMQPMethod::StartOk(start_ok)), table)) => {
                self.start_ok(&start_ok, Table::checked(&table))
            }
            (Step::Tune, Method::Other(AMQPClass::Connection(connection::AMQPMethod::TuneOk(tune_ok)), _)) => {
                self.tune_ok(&tune_ok)
            }
            (Step::Open, Method::Other(AMQPClass::Connection(connection::AMQPMethod::Open(open)), _)) => {
                open_vhost(open.virtual_host.as_str())
            }
            _ => self.refuse(ReplyCode::ChannelError.because("unexpected method in connection state opening"), ids),
        }
    }

    fn refuse(&self, refusal: Refusal, ids: Ids) -> Next {
        if self.is_trusted() { Next::Refuse { refusal, ids } } else { Next::Drop }
    }

    fn start_ok(&mut self, start_ok: &connection::StartOk, properties: Table<'_>) -> Next {
        if let Some(capabilities) = properties.get("capabilities") {
            let claimed = capabilities.table().entries().filter(|(_, value)| value.flag() == Some(true));
            self.agreement.capabilities = claimed.map(|(name, _)| name.to_vec()).collect();
        }
        let name = properties.get("connection_name").and_then(|name| name.text());
        self.agreement.name = name.map(|name| String::from_utf8_lossy(name).into_owned());
        let mechanism = start_ok.mechanism.as_str();
        let given = match mechanism {
            "PLAIN" => plain(start_ok.response.as_bytes()),
            "AMQPLAIN" => amqplain(start_ok.response.as_bytes()),
            // RabbitMQ logs such a client in with the user and the password of its default configuration.
            "ANONYMOUS" => Some((&b"guest"[..], &b"guest"[..])),
            _ => None,
        };
        let Some((user, password)) = given else { return Next::Drop };
        let is_known = user == self.credentials.user.as_bytes() && same(password, self.credentials.password.as_bytes());
        if !is_known || (user == b"guest" && !self.is_local) {
            let text = format!(
                "Login was refused using authentication mechanism {mechanism}. For details see the broker logfile."
            );
            let is_told = self.agreement.can("authentication_failure_close");
            let refusal = is_told.then(|| ReplyCode::AccessRefused.because(text));
            return Next::Unauthenticated { user: String::from_utf8_lossy(user).into_owned(), refusal };
        }
        self.agreement.user = self.credentials.user.as_str().into();
        self.step = Step::Tune;
        let tune = connection::Tune { channel_max: self.channel_max, frame_max: FRAME_MAX, heartbeat: HEARTBEAT };
        Next::Answer(AMQPClass::Connection(connection::AMQPMethod::Tune(tune)))
    }

    fn tune_ok(&mut self, tune_ok: &connection::TuneOk) -> Next {
        // 0 asks for no limit at all, which is more than we offer.
        let fits = |value: u32, min, max| (min..=max).contains(&value);
        if !fits(tune_ok.frame_max, FRAME_MIN, FRAME_MAX)
            || !fits(tune_ok.channel_max.into(), 1, self.channel_max.into())
        {
            return Next::Drop;
        }
        self.agreement.frame_max = tune_ok.frame_max;
        self.agreement.channel_max = tune_ok.channel_max;
        self.agreement.heartbeat = tune_ok.heartbeat;
        self.step = Step::Open;
        Next::Listen
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
fn plain(response: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = response.strip_prefix(&[0])?.split(|&byte| byte == 0);
    let (user, password) = (parts.next()?, parts.next()?);
    parts.next().is_none().then_some((user, password))
}

/// User and password from an AMQPLAIN response: the entries of a table, without its length.
fn amqplain(response: &[u8]) -> Option<(&[u8], &[u8])> {
    let table = Table::parse(response).ok()?;
    let field = |name| match table.get(name)?.term() {
        Term::Text(text) => Some(text),
        _ => None,
    };
    Some((field("LOGIN")?, field("PASSWORD")?))
}

/// Compares without telling by its time how much was right.
fn same(given: &[u8], expected: &[u8]) -> bool {
    let differences = given.iter().zip(expected).fold(0, |sum, (a, b)| sum | (a ^ b));
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
        ("information", concat!("Post Office ", env!("CARGO_PKG_VERSION"), " to learn with. Messages live in memory.")),
        ("platform", "Rust"),
        ("product", "Post Office"),
        ("version", FOLLOWS),
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
        let expected = Some((&b"guest"[..], &b"secret"[..]));
        assert_eq!(plain(b"\0guest\0secret"), expected);
        assert_eq!(amqplain(b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x06secret"), expected);
        assert_eq!(plain(b"guest"), None);
        assert_eq!(plain(b"\0guest\0secret\0"), None);
        assert_eq!(amqplain(b"\x05LOGINS\0\0\0\xff"), None);
    }
}
