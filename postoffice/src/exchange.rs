//! One exchange: what it is and where it sends a message (AMQP 0-9-1, section 3.1.3;
//! <https://www.rabbitmq.com/docs/exchanges>). Knows its bindings, not the queues behind them.

use crate::{
    arguments::QueueType,
    destination::{Destination, Targets},
    error::{Refusal, ReplyCode},
    headers::{self, MessageHeaders, Rule},
    ledger::{Charge, Ledger, size_on_64_bits},
    limits::Host,
    message::Source,
    randomness::Randomness,
    table::{Keep, Table},
    topic::{Topics, words},
};
use amq_protocol::types::FieldTable;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// The kinds of exchange that the specification defines, and one of RabbitMQ's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Direct,
    Fanout,
    Topic,
    Headers,
    /// Each message to one of the queues (<https://www.rabbitmq.com/docs/local-random-exchange>).
    LocalRandom,
}

impl Kind {
    /// The kind with this name in `exchange.declare`.
    pub(crate) fn named(name: &str) -> Result<Self, Refusal> {
        match name {
            "direct" => Ok(Self::Direct),
            "fanout" => Ok(Self::Fanout),
            "topic" => Ok(Self::Topic),
            "headers" => Ok(Self::Headers),
            "x-local-random" => Ok(Self::LocalRandom),
            "x-modulus-hash" => {
                Err(ReplyCode::NotImplemented.because("the post office has no x-modulus-hash exchanges"))
            }
            "" => Err(ReplyCode::PreconditionFailed.because("invalid exchange type ''")),
            other => Err(ReplyCode::PreconditionFailed.because(format!("unknown exchange type '{other}'"))),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::Topic => "topic",
            Self::Headers => "headers",
            Self::LocalRandom => "x-local-random",
        }
    }
}

/// What makes one binding different from another: RabbitMQ compares all four parts, the source being this exchange.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Binding {
    pub(crate) destination: Destination,
    pub(crate) routing_key: Arc<str>,
    /// The arguments, encoded with their names in order.
    arguments: Box<[u8]>,
}

impl Binding {
    /// The entries of its arguments, encoded.
    pub(crate) fn arguments(&self) -> &[u8] {
        &self.arguments
    }

    pub(crate) fn new(destination: Destination, routing_key: &str, arguments: Table<'_>) -> Self {
        let arguments = arguments.sorted(Keep::All).into_boxed_slice();
        Self { destination, routing_key: routing_key.into(), arguments }
    }

    /// How much memory it takes in an exchange: itself, and its arguments once more or a node of the trie for each word.
    pub(crate) fn bytes(&self) -> usize {
        const NODE: usize = 256;
        const SIZE: usize = size_on_64_bits::<Binding>(48);
        SIZE + (self.routing_key.len() + self.arguments.len()) * 2 + words(&self.routing_key).count() * NODE
    }
}

/// The bindings in the form that makes this kind's lookup fast.
#[derive(Debug)]
enum Routes {
    Direct(HashMap<Arc<str>, Targets>),
    Fanout(Targets),
    Topic(Topics),
    Headers(HashMap<Arc<Binding>, Rule>),
    LocalRandom(Targets),
}

/// An exchange and its bindings.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) durable: bool,
    pub(crate) auto_delete: bool,
    pub(crate) internal: bool,
    pub(crate) arguments: FieldTable,
    /// Where a message goes that no binding takes.
    pub(crate) alternate: Option<Arc<str>>,
    /// None for those that are there from the start.
    pub(crate) charge: Option<Charge>,
    source: Arc<Source>,
    /// The host that it counts for; none if it was there from the start.
    pub(crate) declared_by: Option<Host>,
    bindings: BTreeSet<Arc<Binding>>,
    routes: Routes,
}

impl Exchange {
    pub(crate) fn new(name: Arc<str>, kind: Kind, ledger: &Arc<Ledger>) -> Self {
        let routes = match kind {
            Kind::Direct => Routes::Direct(HashMap::new()),
            Kind::Fanout => Routes::Fanout(Targets::default()),
            Kind::Topic => Routes::Topic(Topics::default()),
            Kind::Headers => Routes::Headers(HashMap::new()),
            Kind::LocalRandom => Routes::LocalRandom(Targets::default()),
        };
        Self {
            source: Arc::new(Source::new(name.clone(), ledger)),
            name,
            kind,
            charge: None,
            durable: true,
            auto_delete: false,
            internal: false,
            arguments: FieldTable::default(),
            alternate: None,
            declared_by: None,
            bindings: BTreeSet::new(),
            routes,
        }
    }

    /// What the messages that are published here have in common.
    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub(crate) fn bindings(&self) -> impl ExactSizeIterator<Item = &Arc<Binding>> {
        self.bindings.iter()
    }

    pub(crate) fn has_binding(&self, binding: &Binding) -> bool {
        self.bindings.contains(binding)
    }

    /// Whether an auto-delete exchange has lost its last binding.
    pub(crate) fn is_done(&self) -> bool {
        self.auto_delete && self.bindings.is_empty()
    }

    /// Adds a binding; the same one twice is one. `arguments` are those that `binding` was made with.
    pub(crate) fn bind(&mut self, binding: Arc<Binding>, arguments: Table<'_>) -> bool {
        if !self.bindings.insert(binding.clone()) {
            return false;
        }
        match &mut self.routes {
            Routes::Direct(routes) => {
                routes.entry(binding.routing_key.clone()).or_default().add(&binding.destination);
            }
            Routes::Fanout(targets) | Routes::LocalRandom(targets) => targets.add(&binding.destination),
            Routes::Topic(topics) => topics.add(&binding.routing_key, &binding.destination),
            Routes::Headers(rules) => drop(rules.insert(binding, Rule::new(arguments))),
        }
        true
    }

    /// Takes a binding away. False where there was none.
    pub(crate) fn unbind(&mut self, binding: &Binding) -> bool {
        if !self.bindings.remove(binding) {
            return false;
        }
        match &mut self.routes {
            Routes::Direct(routes) => {
                if let Some(targets) = routes.get_mut(&binding.routing_key) {
                    targets.remove(&binding.destination);
                    if targets.is_empty() {
                        routes.remove(&binding.routing_key);
                    }
                }
            }
            Routes::Fanout(targets) | Routes::LocalRandom(targets) => targets.remove(&binding.destination),
            Routes::Topic(topics) => topics.remove(&binding.routing_key, &binding.destination),
            Routes::Headers(rules) => drop(rules.remove(binding)),
        }
        true
    }

    /// Calls `found` for each destination that a message with this key and these headers goes to; a destination may
    /// come more than once.
    pub(crate) fn route(
        &self,
        routing_key: &str,
        headers: &MessageHeaders<'_>,
        chance: &Randomness,
        mut found: impl FnMut(&Destination),
    ) {
        match &self.routes {
            Routes::Direct(routes) => routes.get(routing_key).into_iter().flat_map(Targets::iter).for_each(found),
            Routes::Fanout(targets) => targets.iter().for_each(found),
            Routes::Topic(topics) => topics.matches(routing_key, found),
            Routes::Headers(rules) => {
                let matching = rules.iter().filter(|(_, rule)| rule.matches(headers));
                matching.for_each(|(binding, _)| found(&binding.destination));
            }
            Routes::LocalRandom(targets) => targets.any(chance.next()).into_iter().for_each(found),
        }
    }

    /// Whether a binding makes sense for this kind of exchange. It leads to a queue of this type, or to an exchange.
    pub(crate) fn check_binding(
        &self,
        routing_key: &str,
        arguments: Table<'_>,
        queue_type: Option<QueueType>,
    ) -> Result<(), Refusal> {
        match self.kind {
            Kind::Headers => headers::check(arguments),
            Kind::LocalRandom => {
                let problem = match queue_type {
                    _ if !routing_key.is_empty() => {
                        let key: String = routing_key.bytes().map(char::from).collect(); // RabbitMQ shows its bytes
                        format!("Non empty binding '{key}' key not permitted")
                    }
                    Some(QueueType::Classic) => return Ok(()),
                    Some(other) => format!("Queue type {} not valid for this exchange type", other.module()),
                    None => "Destination not found".to_owned(),
                };
                Err(ReplyCode::PreconditionFailed.because(problem))
            }
            Kind::Direct | Kind::Fanout | Kind::Topic => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(exchange: &Exchange, key: &str) -> Vec<Destination> {
        let mut found = Vec::new();
        exchange.route(key, &MessageHeaders::default(), &Randomness::default(), |destination| {
            found.push(destination.clone())
        });
        found
    }

    #[test]
    fn the_same_binding_twice_is_one_and_goes_with_one_unbind() {
        let mut exchange = Exchange::new("logs".into(), Kind::Direct, &Arc::default());
        let binding = Arc::new(Binding::new(Destination::Queue(1), "info", Table::default()));
        assert!(exchange.bind(binding.clone(), Table::default()));
        assert!(!exchange.bind(binding.clone(), Table::default()));
        assert_eq!(routed(&exchange, "info"), [Destination::Queue(1)]);
        assert!(exchange.unbind(&binding));
        assert_eq!(routed(&exchange, "info"), []);
        assert!(!exchange.unbind(&binding));
    }

    #[test]
    fn bindings_that_differ_in_arguments_alone_are_two() {
        let mut exchange = Exchange::new("logs".into(), Kind::Fanout, &Arc::default());
        for arguments in [Table::default(), Table::parse(b"\x01at\x01").unwrap()] {
            exchange.bind(Arc::new(Binding::new(Destination::Queue(1), "", arguments)), arguments);
        }
        assert_eq!(routed(&exchange, "any"), [Destination::Queue(1)]);
        exchange.unbind(&Binding::new(Destination::Queue(1), "", Table::default()));
        assert_eq!(routed(&exchange, "any"), [Destination::Queue(1)]);
    }

    #[test]
    fn a_local_random_exchange_gives_each_message_to_one_queue_and_forgets_none() {
        let mut exchange = Exchange::new("work".into(), Kind::LocalRandom, &Arc::default());
        for queue in 1..=3 {
            let binding = Binding::new(Destination::Queue(queue), "", Table::default());
            exchange.bind(Arc::new(binding), Table::default());
        }
        let routed: Vec<_> = (0..1000).map(|_| routed(&exchange, "any")).collect();
        assert!(routed.iter().all(|found| found.len() == 1));
        assert!((1..=3).all(|queue| routed.contains(&vec![Destination::Queue(queue)])));
    }
}
