//! Scripts that nobody thought of: random operations on a few queues, exchanges and connections.
//!
//! The seed is fixed so that everybody runs the same scripts; `RANDOM_SCRIPTS=500` runs more of them, with new seeds.

use crate::support::{
    brokers::{difference, rabbitmq},
    methods::*,
    script::{At, Script},
};
use amq_protocol::{
    protocol::{basic, confirm, exchange, queue, tx},
    types::{AMQPValue, FieldTable},
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
};

const QUEUES: [&str; 3] = ["first", "second", "third"];
const EXCHANGES: [&str; 4] = ["direct", "topic", "fanout", "headers"];
const KEYS: [&str; 4] = ["a", "a.b", "b", "#"];
/// Each connection has one channel: what a broker does with two that die together has no order.
const CONNECTIONS: [At; 4] = [("a", 1), ("b", 1), ("c", 1), TELLER];
/// Works with transactions, and consumes nothing: what a commit brings a consumer of its own channel, and when it is
/// answered, has no order.
const TELLER: At = ("t", 1);

#[derive(Debug, Clone)]
enum Operation {
    Declare(&'static str, Kind),
    Replace(&'static str, Kind),
    Delete(&'static str),
    Purge(&'static str),
    Bind(&'static str, &'static str, &'static str),
    Unbind(&'static str, &'static str, &'static str),
    BindExchange(&'static str, &'static str, &'static str),
    Publish {
        at: At,
        exchange: &'static str,
        key: &'static str,
        mandatory: bool,
        priority: Option<u8>,
        headers: Vec<(&'static str, Value)>,
        size: usize,
    },
    BindHeaders(&'static str, &'static str, Vec<(&'static str, Value)>),
    Consume {
        at: At,
        queue: &'static str,
        no_ack: bool,
        priority: Option<i32>,
        exclusive: bool,
    },
    Cancel(At, usize),
    Get(At, &'static str, bool),
    Ack(At, usize, bool),
    Nack(At, usize, bool, bool),
    Reject(At, usize, bool),
    Recover(At),
    /// For each consumer: when a global limit lets a message pass again is a race in RabbitMQ.
    Qos(At, u16),
    Confirm(At),
    Transact,
    Commit,
    RollBack,
    CloseChannel(At),
    Close(At),
    Kill(At),
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Plain,
    AutoDelete,
    Short,
    Refusing,
    Urgent,
    DeadLetters,
    Single,
    Votes,
    VotesShort,
    VotesRefusing,
    VotesFew,
    VotesSingle,
}

/// A header's value: the same few numbers in each of AMQP's types, and what is none.
#[derive(Debug, Clone)]
struct Value(AMQPValue);

fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![Just(-1_i8), Just(1_i8), Just(7_i8)];
    let typed = |number: i8| {
        let wide = f64::from(number);
        select(vec![
            AMQPValue::ShortShortInt(number),
            AMQPValue::ShortShortUInt(number as u8),
            AMQPValue::ShortInt(number.into()),
            AMQPValue::ShortUInt(number as u16),
            AMQPValue::LongInt(number.into()),
            AMQPValue::LongUInt(number as u32),
            AMQPValue::LongLongInt(number.into()),
            AMQPValue::Float(number.into()),
            AMQPValue::Double(wide),
            AMQPValue::Timestamp(number as u64),
            AMQPValue::LongString(number.to_string().into()),
            AMQPValue::Boolean(number > 0),
            AMQPValue::Void,
        ])
    };
    number.prop_flat_map(typed).prop_map(Value)
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let name = select(vec!["size", "colour", "x-size", "z"]);
    proptest::collection::vec((name, value()), 0..3)
}

fn at() -> impl Strategy<Value = At> {
    select(&CONNECTIONS[..])
}

fn queue() -> impl Strategy<Value = &'static str> {
    select(&QUEUES[..])
}

fn operation() -> impl Strategy<Value = Operation> {
    use Kind::*;
    let classic = [Plain, Plain, AutoDelete, Short, Refusing, Urgent, DeadLetters, Single];
    let quorum = [Votes, VotesShort, VotesRefusing, VotesFew, VotesSingle];
    let kind = move || select([&classic[..], &quorum[..]].concat());
    let exchange = || select(&EXCHANGES[..]);
    let key = || select(&KEYS[..]);
    let target = prop_oneof![
        3 => queue().prop_map(|queue| ("", queue)),
        2 => (exchange(), key()),
    ];
    prop_oneof![
        1 => (queue(), kind()).prop_map(|(queue, kind)| Operation::Declare(queue, kind)),
        3 => (queue(), kind()).prop_map(|(queue, kind)| Operation::Replace(queue, kind)),
        1 => queue().prop_map(Operation::Delete),
        1 => queue().prop_map(Operation::Purge),
        1 => (queue(), select(vec!["all", "any", "all-with-x", "any-with-x"]), headers())
            .prop_map(|(queue, x_match, headers)| Operation::BindHeaders(queue, x_match, headers)),
        3 => (queue(), exchange(), key()).prop_map(|(queue, exchange, key)| Operation::Bind(queue, exchange, key)),
        1 => (queue(), exchange(), key()).prop_map(|(queue, exchange, key)| Operation::Unbind(queue, exchange, key)),
        1 => (exchange(), exchange(), key()).prop_map(|(one, two, key)| Operation::BindExchange(one, two, key)),
        18 => (at(), target, any::<bool>(), proptest::option::of(0_u8..6), headers(), select(vec![1_usize, 3, 200, 9000]))
            .prop_map(|(at, (exchange, key), mandatory, priority, headers, size)| {
                Operation::Publish { at, exchange, key, mandatory, priority, headers, size }
            }),
        7 => (select(&CONNECTIONS[..3]), queue(), proptest::bool::weighted(0.3), proptest::option::of(-1..3), proptest::bool::weighted(0.05)).prop_map(
            |(at, queue, no_ack, priority, exclusive)| Operation::Consume { at, queue, no_ack, priority, exclusive }
        ),
        1 => (at(), any::<usize>()).prop_map(|(at, which)| Operation::Cancel(at, which)),
        5 => (at(), queue(), proptest::bool::weighted(0.2)).prop_map(|(at, queue, no_ack)| Operation::Get(at, queue, no_ack)),
        4 => (at(), any::<usize>(), any::<bool>()).prop_map(|(at, which, all)| Operation::Ack(at, which, all)),
        4 => (at(), any::<usize>(), any::<bool>(), proptest::bool::weighted(0.7))
            .prop_map(|(at, which, all, requeue)| Operation::Nack(at, which, all, requeue)),
        2 => (at(), any::<usize>(), proptest::bool::weighted(0.7)).prop_map(|(at, which, requeue)| Operation::Reject(at, which, requeue)),
        2 => at().prop_map(Operation::Recover),
        2 => (at(), 0_u16..4).prop_map(|(at, count)| Operation::Qos(at, count)),
        1 => at().prop_map(Operation::Confirm),
        1 => Just(Operation::Transact),
        3 => Just(Operation::Commit),
        1 => Just(Operation::RollBack),
        1 => at().prop_map(Operation::CloseChannel),
        1 => at().prop_map(Operation::Close),
        1 => at().prop_map(Operation::Kill),
    ]
}

fn declaration(queue: &str, kind: Kind) -> queue::Declare {
    let dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
    let quorum = [("x-queue-type", text("quorum"))];
    let with = |arguments: &[(&str, AMQPValue)]| {
        let mut declare = a_queue(queue);
        for (key, value) in arguments {
            declare.arguments.insert((*key).into(), value.clone());
        }
        declare
    };
    match kind {
        Kind::Plain => a_queue(queue),
        Kind::AutoDelete => queue::Declare { auto_delete: true, ..a_queue(queue) },
        Kind::Short => with(&[("x-max-length", int(2)), dead[0].clone(), dead[1].clone()]),
        Kind::Refusing => with(&[("x-max-length", int(2)), ("x-overflow", text("reject-publish"))]),
        Kind::Urgent => with(&[("x-max-priority", int(4))]),
        Kind::DeadLetters => with(&dead),
        Kind::Single => with(&[("x-single-active-consumer", flag(true))]),
        Kind::Votes => with(&quorum),
        Kind::VotesShort => with(&[&quorum[..], &dead[..], &[("x-max-length", int(2))]].concat()),
        Kind::VotesRefusing => {
            with(&[&quorum[..], &[("x-max-length", int(5)), ("x-overflow", text("reject-publish"))]].concat())
        }
        Kind::VotesFew => with(&[&quorum[..], &dead[..], &[("x-delivery-limit", int(1))]].concat()),
        Kind::VotesSingle => with(&[&quorum[..], &[("x-single-active-consumer", flag(true))]].concat()),
    }
}

/// The queues go by roles. Who plays one changes: RabbitMQ takes the acknowledgement of a message from a deleted queue for one of the
/// next queue with the same name, which is nothing to imitate.
struct Roles {
    players: BTreeMap<&'static str, String>,
    /// Quorum queues with a single active consumer, whose consumers get no priority here: RabbitMQ 4.3.6 keeps one that dies
    /// while another of higher priority waits for it, and later hands messages to it that are never seen again.
    single_quorum: BTreeSet<String>,
}

impl Roles {
    fn new() -> Self {
        let players = QUEUES.iter().map(|&role| (role, format!("{role}-0"))).collect();
        Self { players, single_quorum: BTreeSet::new() }
    }

    fn recast(&mut self, role: &'static str, number: usize) {
        self.players.insert(role, format!("{role}-{number}"));
    }

    fn declared(&mut self, role: &'static str, kind: Kind) {
        if matches!(kind, Kind::VotesSingle) {
            self.single_quorum.insert(self.player(role).to_owned());
        }
    }

    /// Who plays this role; a key that is none stays as it is.
    fn player(&self, role: &'static str) -> &str {
        self.players.get(role).map_or(role, |name| name)
    }
}

/// Declares and binds on a channel of its own, so that a refusal hits nobody else.
const CLERK: At = ("clerk", 1);

fn table_of(headers: &[(&str, Value)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert((*name).into(), value.0.clone());
    }
    table
}

fn perform(s: &mut Script, roles: &mut Roles, operation: &Operation, number: usize) {
    for at in CONNECTIONS.into_iter().chain([CLERK]) {
        if !s.is_open(at) {
            s.reopen(at);
        }
    }
    let pick = |tags: Vec<u64>, which: usize| (!tags.is_empty()).then(|| tags[which % tags.len()]);
    match *operation {
        Operation::Declare(queue, kind) => {
            if !s.exists(roles.player(queue)) {
                roles.recast(queue, number);
            }
            roles.declared(queue, kind);
            s.call(CLERK, declaration(roles.player(queue), kind));
        }
        Operation::Replace(queue, kind) => {
            s.call(CLERK, queue::Delete { queue: roles.player(queue).into(), ..Default::default() });
            roles.recast(queue, number);
            roles.declared(queue, kind);
            s.call(CLERK, declaration(roles.player(queue), kind));
        }
        Operation::Delete(queue) => {
            s.call(CLERK, queue::Delete { queue: roles.player(queue).into(), ..Default::default() });
        }
        Operation::BindHeaders(queue, x_match, ref headers) => {
            let mut arguments = table_of(headers);
            arguments.insert("x-match".into(), text(x_match));
            s.call(CLERK, queue::Bind { arguments, ..binding(roles.player(queue), "headers", "") });
        }
        Operation::Purge(queue) => s.call(CLERK, queue::Purge { queue: roles.player(queue).into(), nowait: false }),
        Operation::Bind(queue, exchange, key) => s.call(CLERK, binding(roles.player(queue), exchange, key)),
        Operation::Unbind(queue, exchange, key) => s.call(
            CLERK,
            queue::Unbind {
                queue: roles.player(queue).into(),
                exchange: exchange.into(),
                routing_key: key.into(),
                ..Default::default()
            },
        ),
        Operation::BindExchange(source, destination, key) => s.call(
            CLERK,
            exchange::Bind {
                source: source.into(),
                destination: destination.into(),
                routing_key: key.into(),
                ..Default::default()
            },
        ),
        Operation::Publish { at, exchange, key, mandatory, priority, ref headers, size } => {
            let mut properties = priority.map_or(properties(), |priority| properties().with_priority(priority));
            if !headers.is_empty() {
                properties = properties.with_headers(table_of(headers));
            }
            let body = format!("{number} ").repeat(size / 2 + 1);
            s.publish_with(
                at,
                basic::Publish { mandatory, ..to(exchange, roles.player(key)) },
                properties,
                body.as_bytes(),
            );
        }
        Operation::Consume { at, queue, no_ack, priority, exclusive } => {
            // Two queues that feed one channel do so in no particular order.
            let queue = s.consumes_from(at).unwrap_or(roles.player(queue).to_owned());
            let priority = priority.filter(|_| !roles.single_quorum.contains(&queue));
            let arguments = priority.map_or(table([]), |priority| table([("x-priority", int(priority))]));
            let tag = format!("{}-{number}", at.0);
            s.call(at, basic::Consume { no_ack, exclusive, arguments, ..a_consumer(&queue, &tag) });
        }
        Operation::Cancel(at, which) => {
            let tags = s.consumers(at);
            if !tags.is_empty() {
                let consumer_tag = tags[which % tags.len()].as_str().into();
                s.call(at, basic::Cancel { consumer_tag, nowait: false });
            }
        }
        Operation::Get(at, queue, no_ack) => s.call(at, basic::Get { no_ack, ..one_from(roles.player(queue)) }),
        Operation::Ack(at, which, multiple) => {
            if let Some(delivery_tag) = pick(s.unacknowledged(at), which) {
                s.tell(at, basic::Ack { delivery_tag, multiple });
            }
        }
        Operation::Nack(at, which, multiple, requeue) => {
            if let Some(delivery_tag) = pick(s.unacknowledged(at), which) {
                s.tell(at, basic::Nack { delivery_tag, multiple, requeue });
            }
        }
        Operation::Reject(at, which, requeue) => {
            if let Some(delivery_tag) = pick(s.unacknowledged(at), which) {
                s.tell(at, basic::Reject { delivery_tag, requeue });
            }
        }
        Operation::Recover(at) => s.call(at, basic::Recover { requeue: true }),
        Operation::Qos(at, prefetch_count) => s.call(at, qos(prefetch_count)),
        Operation::Confirm(at) => s.call(at, confirm::Select { nowait: false }),
        Operation::Transact => s.call(TELLER, tx::Select {}),
        Operation::Commit if s.is_transacting(TELLER) => s.call(TELLER, tx::Commit {}),
        Operation::RollBack if s.is_transacting(TELLER) => s.call(TELLER, tx::Rollback {}),
        Operation::Commit | Operation::RollBack => {}
        Operation::CloseChannel(at) => s.close_channel(at),
        Operation::Close(at) => s.close(at.0),
        Operation::Kill(at) => s.kill(at.0),
    }
}

fn run(s: &mut Script, operations: &[Operation]) {
    s.call(CLERK, a_queue("dead"));
    let mut roles = Roles::new();
    for name in roles.players.values() {
        s.call(CLERK, a_queue(name));
    }
    for kind in EXCHANGES {
        s.call(CLERK, an_exchange(kind, kind));
    }
    for (number, operation) in operations.iter().enumerate() {
        perform(s, &mut roles, operation, number + 1);
    }
}

#[test]
fn random_operations_look_the_same_to_a_client() {
    if rabbitmq().is_none() {
        return;
    }
    let more = env::var("RANDOM_SCRIPTS").ok().and_then(|count| count.parse().ok());
    let config =
        Config { cases: more.unwrap_or(12), failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let mut runner = match more {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32])),
    };
    let scripts = proptest::collection::vec(operation(), 40..100);
    let result = runner.run(&scripts, |operations| match difference(|s| run(s, &operations)) {
        None => Ok(()),
        Some(report) => Err(TestCaseError::fail(report)),
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(report, operations)) => {
            panic!("the post office differs from RabbitMQ\n{}\n{operations:#?}", report.message())
        }
        Err(error) => panic!("{error}"),
    }
}
