//! The broker without a network: methods in, effects out, time as it pleases the test.

use super::{Broker, Client, Fatal, Limits};
use crate::{
    channel::{At, Due},
    effect::Effect,
    error::ReplyCode,
    journal::Event,
    ledger::Account,
    message::Content,
    properties::Properties,
    queue::{Moment, PageReader},
    request::{Ids, Publish},
    state::PeekedMessage,
    table::Table,
};
use amq_protocol::{
    frame::WriteContext,
    protocol::{AMQPClass, BasicProperties, basic, channel, confirm, exchange, queue, tx},
    types::{AMQPValue, FieldTable},
};
use proptest::prelude::*;

mod bounds;
mod events;
mod ledger;
mod timeouts;

/// A broker and the time of day.
struct Office {
    broker: Broker,
    now: Moment,
}

impl Office {
    fn open() -> Self {
        let limits = Limits {
            memory: 100_000,
            message: 10_000,
            objects: 1_000,
            consumer_timeout: 30_000,
            transient_nonexcl_queues: false,
            global_qos: true,
            resources: crate::limits::ResourceLimits::default(),
        };
        Self { broker: Broker::new(limits), now: 1_000_000 }
    }

    /// A client with channel 1 open.
    fn client(&mut self) -> u64 {
        let client =
            Client { consumer_cancel_notify: true, connection_blocked: true, channel_max: 10, ..Client::default() };
        let id = self.broker.connect(client, self.now);
        self.run(id, (20, 10), AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
        self.hears(id);
        id
    }

    fn run(&mut self, client: u64, ids: Ids, method: AMQPClass) {
        self.broker.method(client, 1, ids, method, Table::default(), self.now).unwrap();
        self.end_turn();
    }

    fn end_turn(&mut self) -> bool {
        self.broker.end_turn(&mut Vec::new())
    }

    fn declare(&mut self, client: u64, name: &str, arguments: &[(&str, AMQPValue)]) {
        let mut table = FieldTable::default();
        for (name, value) in arguments {
            table.insert((*name).into(), value.clone());
        }
        let declare = queue::Declare {
            queue: name.into(),
            passive: false,
            durable: true,
            exclusive: false,
            auto_delete: false,
            nowait: true,
            arguments: table,
        };
        self.run(client, (50, 10), AMQPClass::Queue(queue::AMQPMethod::Declare(declare)));
    }

    fn consume(&mut self, client: u64, queue: &str, prefetch: u16) {
        let qos = basic::Qos { prefetch_count: prefetch, global: false };
        self.run(client, (60, 10), AMQPClass::Basic(basic::AMQPMethod::Qos(qos)));
        let consume = basic::Consume {
            queue: queue.into(),
            consumer_tag: "me".into(),
            no_local: false,
            no_ack: false,
            exclusive: false,
            nowait: true,
            arguments: FieldTable::default(),
        };
        self.run(client, (60, 20), AMQPClass::Basic(basic::AMQPMethod::Consume(consume)));
        self.hears(client);
    }

    fn publish(&mut self, client: u64, key: &str, body: &str) {
        self.publish_with(client, key, body, &BasicProperties::default());
    }

    fn publish_with(&mut self, client: u64, key: &str, body: &str, properties: &BasicProperties) {
        let raw = basic::gen_properties(properties)(WriteContext::from(Vec::new())).unwrap().into_inner().0;
        let content = Content::new(key.as_bytes(), &raw, body.as_bytes());
        let publish = Publish { routing_key: key.as_bytes().to_vec(), mandatory: true, ..Publish::default() };
        self.broker.publish(client, 1, &publish, content, self.now).unwrap();
        self.end_turn();
    }

    fn ack(&mut self, client: u64, delivery_tag: u64, multiple: bool) {
        let ack = basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple });
        self.run(client, (60, 80), AMQPClass::Basic(ack));
    }

    fn nack(&mut self, client: u64, delivery_tag: u64, requeue: bool) {
        let nack = basic::AMQPMethod::Nack(basic::Nack { delivery_tag, multiple: false, requeue });
        self.run(client, (60, 120), AMQPClass::Basic(nack));
    }

    /// What a client has received since, in short.
    fn hears(&mut self, client: u64) -> Vec<String> {
        let mut outbox = Vec::new();
        self.broker.take_outbox(client, &mut outbox, self.now);
        outbox.into_iter().map(|outgoing| in_short(&outgoing.effect)).collect()
    }

    fn counts(&mut self, queue: &str) -> (usize, usize) {
        let state = self.broker.queue_state(queue, self.now).unwrap();
        (state.ready, state.unacknowledged)
    }

    fn wait(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.broker.tick(self.now);
        self.end_turn();
    }
}

fn in_short(effect: &Effect) -> String {
    match effect {
        Effect::Deliver { delivery_tag, redelivered, message, .. } => {
            let again = if *redelivered { " again" } else { "" };
            format!("{delivery_tag}: {}{again}", String::from_utf8_lossy(message.content.body()))
        }
        Effect::Confirm { delivery_tag, multiple, .. } => {
            format!("ack {delivery_tag}{}", if *multiple { "+" } else { "" })
        }
        Effect::Nack { delivery_tag, .. } => format!("nack {delivery_tag}"),
        Effect::Return(_) => "returned".to_owned(),
        Effect::GetOk { .. } => "got".to_owned(),
        Effect::Method(method) => match &**method {
            AMQPClass::Channel(channel::AMQPMethod::Close(close)) => format!("closed {}", close.reply_code),
            AMQPClass::Basic(basic::AMQPMethod::Cancel(_)) => "cancelled".to_owned(),
            AMQPClass::Connection(method) => format!("{method:?}").split('(').next().unwrap_or_default().to_owned(),
            _ => "ok".to_owned(),
        },
    }
}

#[test]
fn messages_go_round_and_come_back_in_order_when_their_reader_leaves() {
    let mut office = Office::open();
    let (anna, ben, carl) = (office.client(), office.client(), office.client());
    office.declare(anna, "hello", &[]);
    office.consume(ben, "hello", 2);
    office.consume(carl, "hello", 1);
    ["a", "b", "c", "d"].iter().for_each(|body| office.publish(anna, "hello", body));
    assert_eq!(office.hears(ben), ["1: a", "2: c"]);
    assert_eq!(office.hears(carl), ["1: b"]);
    assert_eq!(office.counts("hello"), (1, 3));
    office.broker.disconnect(ben, office.now);
    assert_eq!(office.counts("hello"), (3, 1));
    office.ack(carl, 1, false);
    assert_eq!(office.hears(carl), ["2: a again"]);
}

#[test]
fn confirms_that_follow_one_another_become_one() {
    let mut office = Office::open();
    let anna = office.client();
    office.declare(anna, "hello", &[]);
    let select = confirm::AMQPMethod::Select(confirm::Select { nowait: true });
    office.run(anna, (85, 10), AMQPClass::Confirm(select));
    (0..3).for_each(|_| office.publish(anna, "hello", "x"));
    office.publish(anna, "nobody", "x");
    (0..2).for_each(|_| office.publish(anna, "hello", "x"));
    // What no queue took is confirmed alone.
    assert_eq!(office.hears(anna), ["ack 3+", "returned", "ack 4", "ack 6+"]);
}

#[test]
fn a_mistake_closes_its_channel_and_gives_back_what_it_held() {
    let mut office = Office::open();
    let anna = office.client();
    office.declare(anna, "hello", &[]);
    office.consume(anna, "hello", 0);
    office.publish(anna, "hello", "a");
    assert_eq!(office.hears(anna), ["1: a"]);
    office.ack(anna, 7, false);
    assert_eq!(office.hears(anna), [format!("closed {}", ReplyCode::PreconditionFailed as u16)]);
    assert_eq!(office.counts("hello"), (1, 0));
    office.ack(anna, 1, false); // on a closed channel, nobody listens
    assert_eq!(office.hears(anna), [""; 0]);
}

#[test]
fn a_letter_that_expires_or_is_rejected_goes_to_the_dead_letter_office() {
    let mut office = Office::open();
    let (anna, ben) = (office.client(), office.client());
    let text = |text: &str| AMQPValue::LongString(text.into());
    let dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
    office.declare(anna, "dead", &[]);
    office.declare(anna, "hello", &dead);
    office.publish_with(anna, "hello", "late", &BasicProperties::default().with_expiration("100".into()));
    office.wait(99);
    assert_eq!(office.counts("hello"), (1, 0));
    office.wait(1);
    assert_eq!(office.counts("dead"), (1, 0));
    office.consume(ben, "hello", 0);
    office.publish(anna, "hello", "bad");
    office.nack(ben, 1, false);
    assert_eq!(office.counts("dead"), (2, 0));
    let page = office.broker.page("dead", &mut PageReader::default(), office.now).unwrap();
    let peeked: Vec<PeekedMessage> =
        page.iter().map(|(message, again)| PeekedMessage::copy_of(message, *again)).collect();
    let reason =
        |index: usize| peeked[index].properties.headers().as_ref()?.inner().get("x-first-death-reason").cloned();
    assert_eq!((reason(0), reason(1)), (Some(text("expired")), Some(text("rejected"))));
}

#[test]
fn a_dead_letter_keeps_a_header_whose_name_is_not_text() {
    let mut office = Office::open();
    let anna = office.client();
    let text = |text: &str| AMQPValue::LongString(text.into());
    office.declare(anna, "dead", &[]);
    let dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
    office.declare(anna, "hello", &[&dead[..], &[("x-message-ttl", AMQPValue::LongInt(0))]].concat());
    let content = Content::new(b"hello", &[&[0x20, 0, 0, 0, 0, 6][..], b"\x01\xffV\x01aV"].concat(), b"");
    let publish = Publish { routing_key: b"hello".to_vec(), ..Publish::default() };
    office.broker.publish(anna, 1, &publish, content, office.now).unwrap();
    office.wait(1);
    let queue = office.broker.queues.values().find(|queue| &*queue.name == "dead").unwrap();
    let raw = queue.iter().next().unwrap().message.properties_for_clients();
    let properties = Properties::parse(&raw).unwrap();
    let names: Vec<&[u8]> = properties.header_table().unwrap().entries().map(|(name, _)| name).collect();
    assert!(names.contains(&&b"\xff"[..]) && names.contains(&&b"x-death"[..]) && names.contains(&&b"a"[..]));
    assert!(names.is_sorted());
}

#[test]
fn an_unused_queue_expires_and_a_used_one_does_not() {
    let mut office = Office::open();
    let anna = office.client();
    office.declare(anna, "idle", &[("x-expires", AMQPValue::LongInt(100))]);
    office.declare(anna, "used", &[("x-expires", AMQPValue::LongInt(100))]);
    office.consume(anna, "used", 0);
    office.wait(100);
    let names: Vec<String> = office.broker.queue_states(office.now).into_iter().map(|queue| queue.name).collect();
    assert_eq!(names, ["used"]);
}

#[test]
fn a_client_that_does_not_read_leaves_its_messages_in_the_queue() {
    let mut office = Office::open();
    office.broker.limits.memory = usize::MAX;
    let (anna, ben) = (office.client(), office.client());
    office.declare(anna, "hello", &[]);
    office.consume(ben, "hello", 0);
    let body = "x".repeat(10_000);
    (0..100).for_each(|_| office.publish(anna, "hello", &body));
    let (ready, unacknowledged) = office.counts("hello");
    assert!((20..40).contains(&unacknowledged), "{unacknowledged} are on their way");
    assert_eq!(ready + unacknowledged, 100);
    let mut read = 0;
    loop {
        match office.hears(ben).len() {
            0 => break,
            more => read += more,
        }
    }
    assert_eq!(read, 100);
}

#[test]
fn publishers_wait_while_the_memory_is_full_and_hear_when_it_is_not() {
    let mut office = Office::open();
    let (anna, ben) = (office.client(), office.client());
    office.declare(anna, "hello", &[]);
    (0..11).for_each(|_| office.publish(anna, "hello", &"x".repeat(9_500)));
    assert!(office.broker.is_alarmed());
    assert_eq!(office.hears(anna), [""; 0]);
    office.broker.block(anna, office.now);
    office.broker.block(anna, office.now);
    assert_eq!(office.hears(anna), ["Blocked"]);
    office.consume(ben, "hello", 2);
    office.ack(ben, 2, true);
    assert!(!office.broker.is_alarmed());
    assert_eq!(office.hears(anna), ["Unblocked"]);
    assert_eq!(office.hears(ben).len(), 2);
}

#[test]
fn consumers_that_share_one_limit_take_turns_among_their_queues() {
    let mut office = Office::open();
    let (reader, writer) = (office.client(), office.client());
    let qos = basic::Qos { prefetch_count: 1, global: true };
    office.run(reader, (60, 10), AMQPClass::Basic(basic::AMQPMethod::Qos(qos)));
    for queue in ["first", "second", "third"] {
        office.declare(writer, queue, &[]);
        (0..100).for_each(|_| office.publish(writer, queue, queue));
        let consume = basic::Consume { queue: queue.into(), nowait: true, ..Default::default() };
        office.run(reader, (60, 20), AMQPClass::Basic(basic::AMQPMethod::Consume(consume)));
    }
    (1..100).for_each(|tag| office.ack(reader, tag, false));
    let given = ["first", "second", "third"].map(|queue| 100 - office.counts(queue).0);
    assert_eq!(given, [34, 33, 33]);
}

fn bind(office: &mut Office, client: u64, queue: &str, exchange: &str, key: &str) {
    let bind = queue::Bind {
        queue: queue.into(),
        exchange: exchange.into(),
        routing_key: key.into(),
        nowait: true,
        arguments: FieldTable::default(),
    };
    office.run(client, (50, 20), AMQPClass::Queue(queue::AMQPMethod::Bind(bind)));
}

/// An exchange that goes with its last binding.
fn declare_brief_exchange(office: &mut Office, client: u64, name: &str) {
    let declare = exchange::Declare {
        exchange: name.into(),
        kind: "topic".into(),
        passive: false,
        durable: false,
        auto_delete: true,
        internal: false,
        nowait: true,
        arguments: FieldTable::default(),
    };
    office.run(client, (40, 10), AMQPClass::Exchange(exchange::AMQPMethod::Declare(declare)));
}

#[test]
fn a_queue_that_goes_takes_its_own_bindings_along_and_no_others() {
    let mut office = Office::open();
    let anna = office.client();
    declare_brief_exchange(&mut office, anna, "brief");
    ["one", "two"].iter().for_each(|queue| office.declare(anna, queue, &[]));
    for exchange in ["amq.topic", "amq.fanout", "amq.direct", "amq.match", "brief"] {
        bind(&mut office, anna, "one", exchange, "a.*");
        bind(&mut office, anna, "one", exchange, "a.#");
    }
    bind(&mut office, anna, "two", "amq.topic", "a.*");
    bind(&mut office, anna, "two", "amq.match", "");
    let left = |office: &Office| -> Vec<(String, usize)> {
        let states = office.broker.exchange_states().into_iter();
        states.filter(|state| !state.bindings.is_empty()).map(|state| (state.name, state.bindings.len())).collect()
    };
    assert_eq!((left(&office).len(), office.broker.bindings.count()), (5, 12));
    office.broker.remove_queue("one", office.now).unwrap();
    assert_eq!(left(&office), [("amq.match".to_owned(), 1), ("amq.topic".to_owned(), 1)]);
    assert!(!office.broker.exchanges.contains_key("brief"), "an auto-delete exchange goes with its last binding");
    office.broker.remove_queue("two", office.now).unwrap();
    assert_eq!((left(&office), office.broker.bindings.count()), (Vec::new(), 0));
}

#[test]
fn a_chain_of_exchanges_that_go_with_their_last_binding_may_be_as_long_as_it_likes() {
    const LENGTH: usize = 100_000;
    let mut office = Office::open();
    (office.broker.limits.objects, office.broker.limits.memory) = (usize::MAX, usize::MAX);
    let own = office.broker.exchanges.len();
    let anna = office.client();
    for number in 0..LENGTH {
        declare_brief_exchange(&mut office, anna, &number.to_string());
        if number > 0 {
            let bind = exchange::Bind {
                source: (number - 1).to_string().into(),
                destination: number.to_string().into(),
                routing_key: "".into(),
                nowait: true,
                arguments: FieldTable::default(),
            };
            office.run(anna, (40, 30), AMQPClass::Exchange(exchange::AMQPMethod::Bind(bind)));
        }
    }
    office.declare(anna, "end", &[]);
    bind(&mut office, anna, "end", &(LENGTH - 1).to_string(), "");
    office.broker.remove_queue("end", office.now).unwrap();
    assert_eq!((office.broker.exchanges.len(), office.broker.bindings.count()), (own, 0));
}

/// Something that a client does.
#[derive(Clone, Debug)]
enum Step {
    Publish(usize, usize),
    Consume(usize, usize, u16),
    Settle(usize, u64, u8),
    Transact(usize, u8),
    Leave(usize),
    Purge(usize),
    Read(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0usize..3;
    prop_oneof![
        6 => (client.clone(), 0usize..6).prop_map(|(client, queue)| Step::Publish(client, queue)),
        2 => (client.clone(), 0usize..6, 0u16..3).prop_map(|(client, queue, n)| Step::Consume(client, queue, n)),
        6 => (client.clone(), 0u64..8, 0u8..4).prop_map(|(client, tag, how)| Step::Settle(client, tag, how)),
        2 => (client.clone(), 0u8..5).prop_map(|(client, how)| Step::Transact(client, how)),
        1 => client.clone().prop_map(Step::Leave),
        1 => (0usize..6).prop_map(Step::Purge),
        3 => client.prop_map(Step::Read),
        2 => (0u64..40).prop_map(Step::Wait),
    ]
}

fn transact(office: &mut Office, client: u64, how: u8) -> Result<(), Fatal> {
    let (ids, method) = match how {
        0 => ((90, 10), tx::AMQPMethod::Select(tx::Select {})),
        1 => ((90, 30), tx::AMQPMethod::Rollback(tx::Rollback {})),
        _ => ((90, 20), tx::AMQPMethod::Commit(tx::Commit {})),
    };
    office.broker.method(client, 1, ids, AMQPClass::Tx(method), Table::default(), office.now)
}

#[test]
fn what_a_commit_that_fails_would_have_settled_goes_back() {
    let mut office = Office::open();
    let (anna, ben) = (office.client(), office.client());
    ["hello", "brief"].iter().for_each(|queue| office.declare(anna, queue, &[]));
    office.publish(anna, "hello", "a");
    office.consume(ben, "hello", 0);
    transact(&mut office, ben, 0).unwrap();
    office.publish(ben, "hello", "b");
    office.publish(ben, "brief", "c");
    office.ack(ben, 1, false);
    office.broker.remove_queue("brief", office.now).unwrap();
    let fatal = transact(&mut office, ben, 2).unwrap_err();
    assert_eq!((fatal.refusal.code, fatal.class_id, fatal.method_id), (ReplyCode::ResourceError, 90, 20));
    office.broker.disconnect(ben, office.now);
    assert_eq!(office.counts("hello"), (2, 0));
    office.broker.remove_queue("hello", office.now).unwrap();
    assert_eq!(office.broker.ledger().held_for(Account::Messages), 0);
}

#[test]
fn a_message_that_was_never_noted_anything_about_costs_no_more_for_those_that_were() {
    let mut office = Office::open();
    let anna = office.client();
    let text = |text: &str| AMQPValue::LongString(text.into());
    office.declare(anna, "dead", &[]);
    let dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
    office.declare(anna, "none", &[&dead[..], &[("x-max-length", AMQPValue::LongInt(0))]].concat());
    office.publish(anna, "dead", "x");
    let messages = |office: &Office| office.broker.ledger().held_for(Account::Messages);
    office.hears(anna);
    let alive = messages(&office);
    office.publish(anna, "none", "x");
    assert!(messages(&office) > 2 * alive, "a death is charged for");
}

proptest! {
    /// Whatever clients do, the books balance: nothing is counted that isn't there, and an empty office costs nothing.
    #[test]
    fn the_books_balance(steps in proptest::collection::vec(step(), 1..120)) {
        const QUEUES: [&str; 6] = ["plain", "short", "brief", "votes", "single", "full"];
        let text = |text: &str| AMQPValue::LongString(text.into());
        let mut office = Office::open();
        let owner = office.client();
        office.declare(owner, "plain", &[]);
        let dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("plain"))];
        let limited = |name, value| [&dead[..], &[(name, AMQPValue::LongInt(value))]].concat();
        office.declare(owner, "short", &limited("x-max-length", 3));
        office.declare(owner, "brief", &limited("x-message-ttl", 50));
        let quorum = ("x-queue-type", text("quorum"));
        let impatient = ("x-consumer-timeout", AMQPValue::LongInt(60));
        let votes = [limited("x-delivery-limit", 1), vec![quorum.clone(), impatient.clone()]].concat();
        office.declare(owner, "votes", &votes);
        let single = ("x-single-active-consumer", AMQPValue::Boolean(true));
        office.declare(owner, "single", &[quorum.clone(), single, impatient]);
        let reject = ("x-overflow", text("reject-publish"));
        office.declare(owner, "full", &[quorum, ("x-max-length", AMQPValue::LongInt(2)), reject]);
        let mut clients = [office.client(), office.client(), office.client()];
        for step in steps {
            match step {
                Step::Publish(client, queue) => office.publish(clients[client], QUEUES[queue], "letter"),
                Step::Consume(client, queue, prefetch) => {
                    // A second consumer with the same tag would end the connection.
                    office.broker.disconnect(clients[client], office.now);
                    clients[client] = office.client();
                    office.consume(clients[client], QUEUES[queue], prefetch);
                }
                Step::Settle(client, tag, 0) => office.ack(clients[client], tag, true),
                Step::Settle(client, tag, 1) => office.ack(clients[client], tag, false),
                Step::Settle(client, tag, how) => office.nack(clients[client], tag, how == 2),
                Step::Transact(client, how) => {
                    let at = At { connection: clients[client], channel: 1 };
                    let is_open = office.broker.channel(at).is_some_and(|channel| channel.transaction.is_some());
                    if is_open || how == 0 {
                        prop_assert!(transact(&mut office, clients[client], how).is_ok());
                    }
                }
                Step::Leave(client) => {
                    office.broker.disconnect(clients[client], office.now);
                    clients[client] = office.client();
                }
                Step::Purge(queue) => drop(office.broker.empty_queue(QUEUES[queue], office.now)),
                Step::Read(client) => drop(office.hears(clients[client])),
                Step::Wait(milliseconds) => office.wait(milliseconds),
            }
            for queue in office.broker.queues.values() {
                prop_assert!(queue.consumer_count() <= queue.consumers.len() + queue.unacknowledged);
            }
            let channels = || office.broker.connections.values().flat_map(|connection| connection.channels.values());
            let settled = channels().flat_map(|channel| &channel.transaction).flat_map(|open| &open.settlements);
            let held = channels().map(|channel| channel.unacknowledged()).sum::<usize>()
                + settled.flat_map(|(_, taken)| taken).filter(|(_, given)| given.due != Due::Missed).count();
            let counted: usize = office.broker.queue_states(office.now).iter().map(|queue| queue.unacknowledged).sum();
            prop_assert_eq!(held, counted);
        }
        clients.iter().chain([&owner]).for_each(|&client| office.broker.disconnect(client, office.now));
        office.broker.reset(office.now);
        prop_assert_eq!(office.broker.ledger().held(), 0);
        prop_assert!(office.broker.consumers.is_empty() && office.broker.timers.is_empty());
        prop_assert!(office.broker.deadlines.is_empty());
    }
}
