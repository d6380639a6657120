//! What no client can make the broker do or keep: work in one turn, and bytes that nobody else could let go of.

use super::*;
use crate::broker::backlog::STEPS_IN_A_TURN;

/// Queues that keep nothing, on a fanout exchange that gets what they give up.
pub(super) fn declare_storm(office: &mut Office, client: u64, queues: usize) {
    let declare = exchange::Declare { kind: "fanout".into(), nowait: true, ..declare_named("storm") };
    office.run(client, (40, 10), AMQPClass::Exchange(exchange::AMQPMethod::Declare(declare)));
    for number in 0..queues {
        let name = format!("storm-{number}");
        let dead = ("x-dead-letter-exchange", AMQPValue::LongString("storm".into()));
        office.declare(client, &name, &[dead, ("x-max-length", AMQPValue::LongInt(0))]);
        bind(office, client, &name, "storm", "");
    }
}

fn declare_named(name: &str) -> exchange::Declare {
    exchange::Declare {
        exchange: name.into(),
        kind: "direct".into(),
        passive: false,
        durable: true,
        auto_delete: false,
        internal: false,
        nowait: true,
        arguments: FieldTable::default(),
    }
}

fn publish_to_storm(office: &mut Office, client: u64) -> bool {
    let publish = Publish { exchange: b"storm".to_vec(), ..Publish::default() };
    office.broker.publish(client, 1, &publish, Content::new(b"", &[0, 0], b"x"), office.now).unwrap();
    office.end_turn()
}

fn deaths(office: &mut Office) -> usize {
    office.broker.take_journal().iter().filter(|event| matches!(event, Event::DeadLettered { .. })).count()
}

/// The steps since the last call.
pub(super) fn steps(office: &mut Office) -> usize {
    std::mem::take(&mut office.broker.steps_taken)
}

#[test]
fn deaths_beyond_count_take_many_short_turns_and_nobody_elses_dead_letter_waits_for_them() {
    let mut office = Office::open();
    office.broker.limits.memory = usize::MAX;
    let (anna, ben) = (office.client(), office.client());
    declare_storm(&mut office, anna, 6);
    office.declare(anna, "dead", &[]);
    let dead = [
        ("x-dead-letter-exchange", AMQPValue::LongString("".into())),
        ("x-dead-letter-routing-key", AMQPValue::LongString("dead".into())),
        ("x-max-length", AMQPValue::LongInt(0)),
    ];
    office.declare(anna, "none", &dead);
    office.broker.keep_journal(true);
    steps(&mut office);
    assert!(publish_to_storm(&mut office, anna), "work is left");
    let widest = STEPS_IN_A_TURN + 7;
    assert!(steps(&mut office) <= widest);
    office.publish(ben, "none", "mine");
    assert_eq!(office.counts("dead"), (1, 0));
    steps(&mut office);
    let mut turns = 0;
    loop {
        office.broker.resume_dead_letters(office.now);
        let is_left = office.end_turn();
        assert!(steps(&mut office) <= widest);
        if !is_left {
            break;
        }
        turns += 1;
    }
    assert!(turns > 10, "{turns}");
    // One for each way through some of the six queues, each once; and Ben's.
    assert_eq!(deaths(&mut office), 6 + 30 + 120 + 360 + 720 + 720 + 1);
}

#[test]
fn those_who_left_work_behind_take_turns_with_it() {
    let mut office = Office::open();
    office.broker.limits.memory = usize::MAX;
    let (anna, ben) = (office.client(), office.client());
    declare_storm(&mut office, anna, 7);
    office.declare(anna, "hello", &[]);
    office.declare(anna, "dead", &[]);
    let dead = [
        ("x-dead-letter-exchange", AMQPValue::LongString("".into())),
        ("x-dead-letter-routing-key", AMQPValue::LongString("dead".into())),
    ];
    office.declare(anna, "work", &dead);
    publish_to_storm(&mut office, anna);
    (0..300).for_each(|_| office.publish(ben, "work", "x"));
    office.consume(ben, "work", 0);
    let reject = basic::Nack { delivery_tag: 0, multiple: true, requeue: false };
    office.run(ben, (60, 120), AMQPClass::Basic(basic::AMQPMethod::Nack(reject)));
    let mut turns = 0;
    while office.counts("dead").0 < 300 {
        office.broker.resume_dead_letters(office.now);
        assert!(office.end_turn(), "Anna's storm goes on");
        turns += 1;
        assert!(turns < 20, "{:?}", office.counts("dead"));
    }
    let page = office.broker.page("dead", &mut PageReader::default(), office.now).unwrap();
    assert_eq!(page.len(), 300);
}

fn is_over(office: &Office) -> bool {
    office.broker.ledger().held() > office.broker.limits.memory
}

/// Does something until the memory is full, then publishes: whoever holds the memory is refused, and nobody waits for ever.
fn until_refused(office: &mut Office, hostile: u64, mut act: impl FnMut(&mut Office)) {
    for _ in 0..10_000 {
        if is_over(office) {
            let other = office.client();
            office.broker.block(other, office.now);
            office.end_turn();
            let close_reason = office.broker.close_reason(hostile).expect("who holds the memory is refused");
            assert_eq!(close_reason.code, ReplyCode::ResourceError);
            assert!(office.broker.close_reason(other).is_none());
            office.broker.disconnect(hostile, office.now);
            assert!(!office.broker.is_blocked(other), "others go on");
            return;
        }
        act(office);
    }
    panic!("nothing counts: {} bytes", office.broker.ledger().held());
}

#[test]
fn a_transaction_that_fills_the_memory_is_refused() {
    let mut office = Office::open();
    let anna = office.client();
    office.declare(anna, "hello", &[]);
    transact(&mut office, anna, 0).unwrap();
    until_refused(&mut office, anna, |office| office.publish(anna, "hello", &"x".repeat(5000)));
    assert_eq!(office.counts("hello"), (0, 0));
}

#[test]
fn direct_replies_that_nobody_reads_are_refused() {
    let mut office = Office::open();
    let (anna, ben) = (office.client(), office.client());
    let address = consume_replies(&mut office, anna);
    until_refused(&mut office, anna, |office| office.publish(ben, &address, &"x".repeat(5000)));
}

/// Subscribes to direct replies; gives the name to reply to.
pub(super) fn consume_replies(office: &mut Office, client: u64) -> String {
    let consume = basic::Consume {
        queue: "amq.rabbitmq.reply-to".into(),
        no_ack: true,
        nowait: true,
        ..basic::Consume::default()
    };
    office.run(client, (60, 20), AMQPClass::Basic(basic::AMQPMethod::Consume(consume)));
    let at = At { connection: client, channel: 1 };
    office.broker.channel(at).unwrap().reply_consumer.as_ref().unwrap().address.to_string()
}

#[test]
fn half_sent_messages_that_fill_the_memory_are_refused() {
    let mut office = Office::open();
    let anna = office.client();
    let half_sent = office.broker.half_sent(anna).unwrap();
    until_refused(&mut office, anna, |_| half_sent.grow(5000));
}

#[test]
fn definitions_take_half_of_the_memory_at_most() {
    let mut office = Office::open();
    let anna = office.client();
    let declare = |office: &mut Office, number: usize| {
        let mut arguments = FieldTable::default();
        arguments.insert("x-of-my-own".into(), AMQPValue::LongString("x".repeat(5000).into()));
        let declare = queue::Declare {
            queue: format!("q{number}").into(),
            durable: true,
            nowait: true,
            arguments,
            ..queue::Declare::default()
        };
        let method = AMQPClass::Queue(queue::AMQPMethod::Declare(declare));
        office.broker.method(anna, 1, (50, 10), method, Table::default(), office.now)
    };
    let refused = (0..100).find_map(|number| declare(&mut office, number).err()).expect("a refusal");
    assert_eq!(refused.refusal.code, ReplyCode::ResourceError);
    assert!(office.broker.ledger().held() <= office.broker.limits.memory / 2 + 1000);
    office.broker.reset(office.now);
    declare(&mut office, 0).unwrap();
}

#[test]
fn a_client_that_reads_slowly_is_no_reason_to_refuse_it() {
    let mut office = Office::open();
    let (anna, ben) = (office.client(), office.client());
    office.declare(anna, "hello", &[]);
    office.consume(ben, "hello", 0);
    while !is_over(&office) {
        office.publish(anna, "hello", &"x".repeat(5000));
    }
    assert!(office.broker.block(anna, office.now));
    assert!(office.broker.close_reason(anna).or(office.broker.close_reason(ben)).is_none());
    let letters = office.hears(ben).len();
    office.ack(ben, letters as u64, true);
    assert!(!office.broker.is_blocked(anna));
}

/// A delivery limit of one allows for one delivery more.
fn votes_once(office: &mut Office, client: u64) {
    let text = |text: &str| AMQPValue::LongString(text.into());
    office.declare(client, "dead", &[]);
    let arguments = [
        ("x-queue-type", text("quorum")),
        ("x-delivery-limit", AMQPValue::LongInt(1)),
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text("dead")),
    ];
    office.declare(client, "votes", &arguments);
}

#[test]
fn a_connection_that_dies_channel_by_channel_hands_nothing_to_its_own_consumers() {
    let mut office = Office::open();
    let (anna, ben) = (office.client(), office.client());
    votes_once(&mut office, anna);
    office.consume(ben, "votes", 1);
    for number in 2..=5 {
        let open = AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {}));
        office.broker.method(ben, number, (20, 10), open, Table::default(), office.now).unwrap();
        let consume = basic::Consume { queue: "votes".into(), nowait: true, ..basic::Consume::default() };
        let consume = AMQPClass::Basic(basic::AMQPMethod::Consume(consume));
        office.broker.method(ben, number, (60, 20), consume, Table::default(), office.now).unwrap();
    }
    office.publish(anna, "votes", "a");
    assert_eq!(office.hears(ben).iter().filter(|said| said.contains(": a")).count(), 1);
    office.broker.disconnect(ben, office.now);
    assert_eq!((office.counts("votes"), office.counts("dead")), ((1, 0), (0, 0)));
}

#[test]
fn a_channel_that_dies_hands_nothing_to_its_other_consumers() {
    let mut office = Office::open();
    let (anna, ben) = (office.client(), office.client());
    votes_once(&mut office, anna);
    office.consume(ben, "votes", 1);
    for tag in ["second", "third", "fourth"] {
        let consume =
            basic::Consume { queue: "votes".into(), consumer_tag: tag.into(), nowait: true, ..Default::default() };
        office.run(ben, (60, 20), AMQPClass::Basic(basic::AMQPMethod::Consume(consume)));
    }
    office.publish(anna, "votes", "a");
    office.ack(ben, 77, false); // unknown: the channel is closed
    assert_eq!((office.counts("votes"), office.counts("dead")), ((1, 0), (0, 0)));
}

#[test]
fn a_deleted_queue_is_forgotten_by_those_who_published_to_it() {
    let mut office = Office::open();
    let anna = office.client();
    let text = |text: &str| AMQPValue::LongString(text.into());
    let full = [
        ("x-queue-type", text("quorum")),
        ("x-max-length", AMQPValue::LongInt(1)),
        ("x-overflow", text("reject-publish")),
    ];
    let admissions =
        |office: &mut Office| office.broker.channel(At { connection: anna, channel: 1 }).unwrap().admissions.len();
    for _ in 0..3 {
        office.declare(anna, "votes", &full);
        office.publish(anna, "votes", "x");
        assert_eq!(admissions(&mut office), 1);
        office.broker.remove_queue("votes", office.now).unwrap();
        assert_eq!(admissions(&mut office), 0);
    }
}

#[test]
fn a_long_queue_is_read_page_by_page_whatever_happens_meanwhile() {
    let mut office = Office::open();
    (office.broker.limits.memory, office.broker.limits.objects) = (usize::MAX, usize::MAX);
    let anna = office.client();
    office.declare(anna, "hello", &[]);
    (0..2500).for_each(|number| office.publish(anna, "hello", &number.to_string()));
    let mut reader = PageReader::default();
    let mut bodies = Vec::new();
    loop {
        let page = office.broker.page("hello", &mut reader, office.now).unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 1000);
        bodies.extend(page.iter().map(|(message, _)| String::from_utf8_lossy(message.content.body()).into_owned()));
        // Half of what was read goes, and more comes.
        let get = basic::Get { queue: "hello".into(), no_ack: true };
        (0..page.len() / 2).for_each(|_| {
            office.run(anna, (60, 70), AMQPClass::Basic(basic::AMQPMethod::Get(get.clone())));
            office.publish(anna, "hello", "later");
        });
    }
    assert_eq!(bodies, (0..2500).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[test]
fn what_came_back_to_a_quorum_queue_is_read_once_too() {
    let mut office = Office::open();
    (office.broker.limits.memory, office.broker.limits.objects) = (usize::MAX, usize::MAX);
    let (anna, ben) = (office.client(), office.client());
    office.declare(anna, "votes", &[("x-queue-type", AMQPValue::LongString("quorum".into()))]);
    (0..2200).for_each(|number| office.publish(anna, "votes", &number.to_string()));
    office.consume(ben, "votes", 1500);
    office.broker.disconnect(ben, office.now);
    assert_eq!(office.counts("votes"), (2200, 0));
    let mut reader = PageReader::default();
    let mut read = 0;
    loop {
        let page = office.broker.page("votes", &mut reader, office.now).unwrap();
        for (message, redelivered) in &page {
            let number: usize = String::from_utf8_lossy(message.content.body()).parse().unwrap();
            assert_eq!((number, *redelivered), (read, read < 1500));
            read += 1;
        }
        if page.is_empty() {
            break;
        }
        let get = basic::Get { queue: "votes".into(), no_ack: true };
        (0..100).for_each(|_| office.run(anna, (60, 70), AMQPClass::Basic(basic::AMQPMethod::Get(get.clone()))));
    }
    assert_eq!(read, 2200);
}
