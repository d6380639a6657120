//! Refusing what is too much (<https://www.rabbitmq.com/docs/limits>, <https://www.rabbitmq.com/docs/vhosts#limits>), and
//! counting what each host has.

use super::{Broker, Client};
use crate::{
    channel::At,
    error::{Refusal, ReplyCode, exchange_in_vhost},
    exchange::Binding,
    journal::Event,
    limits::Host,
};
use std::{collections::HashMap, fmt};

/// How many of something each host has.
#[derive(Debug, Default)]
pub(super) struct Tally(HashMap<Host, usize>);

impl Tally {
    pub(super) fn add(&mut self, host: Host) {
        *self.0.entry(host).or_default() += 1;
    }

    pub(super) fn remove(&mut self, host: Host) {
        if let Some(count) = self.0.get_mut(&host) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&host);
            }
        }
    }

    pub(super) fn of(&self, host: Host) -> usize {
        self.0.get(&host).copied().unwrap_or_default()
    }
}

/// What each host has. Its bindings are counted where they are kept.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) connections: Tally,
    pub(super) queues: Tally,
    pub(super) exchanges: Tally,
}

impl Client {
    /// Whom a connection of this number is counted for.
    pub(super) fn host(&self, connection: u64) -> Host {
        self.address.map_or(Host::Connection(connection), Host::Address)
    }
}

impl Broker {
    pub(super) fn host(&self, connection: u64) -> Host {
        let client = self.connections.get(&connection).map(|known| &known.client);
        client.map_or(Host::Connection(connection), |client| client.host(connection))
    }

    /// Whether one connection more may be opened.
    #[cfg(feature = "server")]
    pub(crate) fn check_connection_limits(&mut self, client: &Client) -> Result<(), Refusal> {
        let limits = self.limits.resources;
        if self.connections.len() >= limits.max_connections {
            let text = format!("connection refused: node connection limit ({}) is reached", limits.max_connections);
            return Err(self.over_limit(None, &client.peer, ReplyCode::NotAllowed, text));
        }
        let Some(host) = client.address.map(Host::Address) else { return Ok(()) };
        let limit = limits.per_host.max_connections;
        if self.usage.connections.of(host) >= limit {
            let text = format!("connection refused: connection limit of {host} ({limit}) is reached");
            return Err(self.over_limit(None, &client.peer, ReplyCode::NotAllowed, text));
        }
        Ok(())
    }

    pub(super) fn check_queue_limits(&mut self, at: At, name: &str) -> Result<(), Refusal> {
        let (limits, host) = (self.limits.resources, self.host(at.connection));
        let refused =
            |limit: fmt::Arguments<'_>| format!("cannot declare queue '{name}': queue limit {limit} is reached");
        if self.queues.len() >= limits.max_queues {
            return Err(self.refuse_more(at, refused(format_args!("in vhost '/' ({})", limits.max_queues))));
        }
        if self.usage.queues.of(host) >= limits.per_host.max_queues {
            return Err(self.refuse_more(at, refused(format_args!("of {host} ({})", limits.per_host.max_queues))));
        }
        Ok(())
    }

    pub(super) fn check_exchange_limits(&mut self, at: At, name: &str) -> Result<(), Refusal> {
        let (limits, host) = (self.limits.resources, self.host(at.connection));
        let refused = |limit: fmt::Arguments<'_>| {
            format!("cannot declare {}: exchange limit {limit} is reached", exchange_in_vhost(name))
        };
        if self.exchanges.len() >= limits.max_exchanges {
            return Err(self.refuse_more(at, refused(format_args!("of {}", limits.max_exchanges))));
        }
        if self.usage.exchanges.of(host) >= limits.per_host.max_exchanges {
            return Err(self.refuse_more(at, refused(format_args!("of {host} ({})", limits.per_host.max_exchanges))));
        }
        Ok(())
    }

    pub(super) fn check_binding_limit(&mut self, at: At, source: &str, binding: &Binding) -> Result<(), Refusal> {
        let (limit, host) = (self.limits.resources.per_host.max_bindings, self.host(at.connection));
        let is_known = self.exchanges.get(source).is_some_and(|exchange| exchange.has_binding(binding));
        if is_known || self.bindings.of(host) < limit {
            return Ok(());
        }
        let text =
            format!("cannot bind to {}: binding limit of {host} ({limit}) is reached", exchange_in_vhost(source));
        Err(self.refuse_more(at, text))
    }

    pub(super) fn check_consumer_limit(&mut self, at: At) -> Result<(), Refusal> {
        let limit = self.limits.resources.max_consumers_per_channel;
        if self.channel(at).is_none_or(|channel| channel.consumers.len() < limit) {
            return Ok(());
        }
        let text = format!("reached maximum ({limit}) of consumers per channel");
        let peer = self.peer(at);
        Err(self.over_limit(Some(at.connection), &peer, ReplyCode::NotAllowed, text))
    }

    /// Whether a channel may take one more message that it has to acknowledge.
    pub(super) fn check_unacknowledged_limit(&mut self, at: At) -> Result<(), Refusal> {
        if self.channel(at).is_none_or(|channel| !channel.is_laden()) {
            return Ok(());
        }
        let limit = self.limits.resources.max_unacknowledged_per_channel;
        let text = format!("cannot get a message: limit of unacknowledged deliveries ({limit}) is reached");
        Err(self.refuse_more(at, text))
    }

    fn peer(&self, at: At) -> String {
        self.connections.get(&at.connection).map(|known| known.client.peer.clone()).unwrap_or_default()
    }

    fn refuse_more(&mut self, at: At, text: String) -> Refusal {
        let peer = self.peer(at);
        self.over_limit(Some(at.connection), &peer, ReplyCode::PreconditionFailed, text)
    }

    fn over_limit(&mut self, connection: Option<u64>, peer: &str, code: ReplyCode, text: String) -> Refusal {
        let refusal = code.because(&text);
        self.note_limit(connection, peer, text);
        refusal
    }

    /// Tells the journal that something was refused because of a limit.
    pub(crate) fn note_limit(&mut self, connection: Option<u64>, peer: &str, reason: String) {
        self.note(|| Event::LimitReached { connection, peer: peer.to_owned(), reason });
    }

    /// Tells the journal of a client that could not log in.
    #[cfg(feature = "server")]
    pub(crate) fn note_authentication_failure(&mut self, peer: &str, user: String) {
        self.note(|| Event::AuthenticationFailed { peer: peer.to_owned(), user });
    }
}
