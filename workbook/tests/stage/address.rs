//! The address of a stage's broker, and what a record shows in its place: the address that a reader has.

use lapin::uri::AMQPUri;
use std::{
    cmp::Reverse,
    net::{SocketAddr, ToSocketAddrs},
};
use workbook::broker::readable;

/// What a reader's broker is called.
pub const SHOWN: &str = "127.0.0.1:5672";

/// Where a broker is, and as whom programs come in.
#[derive(Clone)]
pub struct Address(AMQPUri);

impl Address {
    /// Reads an address like `amqp://user:password@host:5672/vhost`, of which all but the host may be missing.
    pub fn new(addr: &str) -> Self {
        Self(readable(addr).unwrap_or_else(|error| panic!("{error}")).parse().expect("it was read"))
    }

    /// Host and port, an IPv6 host in brackets.
    pub fn place(&self) -> String {
        let (host, port) = (&self.0.authority.host, self.0.authority.port);
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// What programs get as `AMQP_ADDR`.
    pub fn uri(&self) -> String {
        self.0.to_string().replacen(&self.printed(), &self.place(), 1)
    }

    /// The same as lapin reads it rightly.
    pub fn for_lapin(&self) -> String {
        readable(&self.uri()).expect("it was read before")
    }

    /// Host and port, as the listings print them.
    fn printed(&self) -> String {
        format!("{}:{}", self.0.authority.host, self.0.authority.port)
    }

    /// The same broker, reached at another place.
    pub fn by(&self, place: &str) -> Self {
        let (host, port) = place.rsplit_once(':').expect("host:port");
        let mut uri = self.0.clone();
        uri.authority.host = host.trim_matches(['[', ']']).to_owned();
        uri.authority.port = port.parse().expect("a port");
        Self(uri)
    }

    /// The same with an interval for heartbeats, in seconds; `None` leaves it to client and broker.
    pub fn with_heartbeat(mut self, seconds: Option<u16>) -> Self {
        self.0.query.heartbeat = seconds;
        self
    }

    /// Where the broker listens on this machine, if it does.
    pub fn on_this_machine(&self) -> Option<SocketAddr> {
        let mut places = self.place().to_socket_addrs().ok()?;
        places.find(|place| place.is_ipv4() && place.ip().is_loopback())
    }

    /// What is real, and what a reader sees instead.
    pub fn renamed(&self) -> Vec<(String, &'static str)> {
        let virtual_host = format!("vhost '{}'", self.0.vhost);
        // A command with another virtual host comes in as the same user.
        let user = Self(AMQPUri { query: Default::default(), vhost: String::new(), ..self.0.clone() }).uri();
        let user = user.trim_end_matches('/').to_owned();
        let places = [self.place(), self.printed()].map(|place| (place, SHOWN));
        [vec![(user, "amqp://127.0.0.1:5672"), (virtual_host, "vhost '/'")], places.into()].concat()
    }
}

/// Replaces words by others, all at once: what was put in is not replaced again. Where two begin at the same place, the
/// longer one counts.
pub fn replace_each<'a>(text: &str, words: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> String {
    let (mut replaced, mut rest) = (String::new(), text);
    loop {
        let found = words.clone().filter_map(|(from, to)| Some((rest.find(from)?, from, to)));
        let Some((at, from, to)) = found.min_by_key(|(at, from, _)| (*at, Reverse(from.len()))) else {
            return replaced + rest;
        };
        replaced += &rest[..at];
        replaced += to;
        rest = &rest[at + from.len()..];
    }
}

#[test]
fn whatever_the_address_a_record_shows_the_readers_and_commands_reach_the_real_one() {
    let renamed = Address::new("amqp://an%20na:p%231@localhost:56721/s%2Fhop").renamed();
    let shown = |text| replace_each(text, renamed.iter().map(|(real, shown)| (real.as_str(), *shown)));
    let real = |text| replace_each(text, renamed.iter().map(|(real, shown)| (*shown, real.as_str())));
    assert_eq!(
        shown("no queue 'helo' in vhost 's/hop' at localhost:56721"),
        "no queue 'helo' in vhost '/' at 127.0.0.1:5672"
    );
    assert_eq!(real("amqp://127.0.0.1:5672/shop"), "amqp://an%20na:p%231@localhost:56721/shop");
    assert_eq!(real("amqp://guest:wrong@127.0.0.1:5672"), "amqp://guest:wrong@localhost:56721");
    assert_eq!(Address::new("amqp://broker").place(), "broker:5672");
    let ipv6 = Address::new("amqp://[::1]:5673");
    assert_eq!(ipv6.uri(), "amqp://guest:guest@[::1]:5673/%2F");
    assert_eq!(ipv6.for_lapin(), "amqp://guest:guest@%3A%3A1:5673/%2F");
    assert_eq!(ipv6.by("[::2]:1").uri(), "amqp://guest:guest@[::2]:1/%2F");
}
