//! What clients may have, and how they are refused what is more.

mod support;

use amq_protocol::protocol::{
    AMQPClass, basic,
    channel::{self, AMQPMethod as Channel},
    connection::{self, AMQPMethod as Connection},
    exchange, queue,
};
use postoffice::{Event, HostLimits, Journal, PostOffice, ResourceLimits};
use std::time::{Duration, Instant};
use support::{
    brokers::RUNTIME,
    client::{Client, Hello, Incoming},
    methods::*,
};

fn office(limits: ResourceLimits) -> (PostOffice, Journal) {
    let office = RUNTIME.block_on(PostOffice::builder().limits(limits).open()).expect("a post office opens");
    let journal = office.journal();
    (office, journal)
}

/// A client with channel 1 open.
fn at_work(office: &PostOffice) -> Client {
    let mut client = Client::open(office.address());
    client.send_method(1, channel::Open {}.class());
    client.expect_method();
    client
}

/// The code and the text with which a channel or the connection is closed; none for any other answer.
fn refusal(client: &mut Client) -> Option<(u16, String)> {
    match client.expect_method() {
        AMQPClass::Channel(Channel::Close(close)) => Some((close.reply_code, close.reply_text.to_string())),
        AMQPClass::Connection(Connection::Close(close)) => Some((close.reply_code, close.reply_text.to_string())),
        _ => None,
    }
}

#[track_caller]
fn is_refused(client: &mut Client, code: u16, text: &str) {
    assert_eq!(refusal(client), Some((code, text.to_owned())));
}

/// The next thing that the journal tells of a refusal.
fn reason(journal: &mut Journal) -> String {
    let told = async {
        loop {
            match journal.next().await {
                Some(Event::LimitReached { reason, .. }) => return reason,
                Some(_) => {}
                None => panic!("the journal has ended"),
            }
        }
    };
    RUNTIME.block_on(async { tokio::time::timeout(Duration::from_secs(20), told).await }).expect("a limit is reached")
}

fn news(name: &str) -> exchange::Declare {
    exchange::Declare { exchange: name.into(), kind: "fanout".into(), durable: true, ..Default::default() }
}

#[test]
fn queues_are_refused_beyond_the_limit_of_the_vhost_and_of_a_host() {
    for (limits, whose) in [
        (ResourceLimits { max_queues: 2, ..Default::default() }, "in vhost '/'"),
        (
            ResourceLimits { per_host: HostLimits { max_queues: 2, ..Default::default() }, ..Default::default() },
            "of this connection",
        ),
    ] {
        let (office, mut journal) = office(limits);
        let mut client = at_work(&office);
        for name in ["a", "b", "a", "a"] {
            client.send_method(1, a_queue(name).class());
            assert_eq!(refusal(&mut client), None, "what is there may be declared again");
        }
        client.send_method(1, a_queue("c").class());
        let text = format!("cannot declare queue 'c': queue limit {whose} (2) is reached");
        is_refused(&mut client, 406, &format!("PRECONDITION_FAILED - {text}"));
        assert_eq!(reason(&mut journal), text);
        office.delete("a").unwrap();
        client.send_method(2, channel::Open {}.class());
        client.expect_method();
        client.send_method(2, a_queue("c").class());
        assert_eq!(refusal(&mut client), None, "there is room again");
    }
}

#[test]
fn exchanges_and_bindings_are_counted_as_long_as_they_are_there() {
    let per_host = HostLimits { max_exchanges: 1, max_bindings: 2, ..Default::default() };
    let (office, _) = office(ResourceLimits { per_host, ..Default::default() });
    let mut client = at_work(&office);
    let mut is_done = |method: AMQPClass| {
        client.send_method(1, method);
        let answer = refusal(&mut client);
        if answer.is_some() {
            client.send_method(1, channel::CloseOk {}.class());
            client.send_method(1, channel::Open {}.class());
            client.expect_method();
        }
        answer.map(|(_, text)| text)
    };
    let exchange_limit = "PRECONDITION_FAILED - cannot declare exchange 'more' in vhost '/': exchange limit of this \
                          connection (1) is reached";
    let binding_limit = "PRECONDITION_FAILED - cannot bind to exchange 'news' in vhost '/': binding limit of this \
                         connection (2) is reached";
    for _ in 0..3 {
        assert_eq!(is_done(news("news").class()), None);
    }
    assert_eq!(is_done(news("more").class()).as_deref(), Some(exchange_limit));
    assert_eq!(is_done(a_queue("letters").class()), None);
    for key in ["a", "b", "a"] {
        assert_eq!(is_done(binding("letters", "news", key).class()), None);
    }
    assert_eq!(is_done(binding("letters", "news", "c").class()).as_deref(), Some(binding_limit));
    // They go with their queue, one by one, and with their exchange.
    assert_eq!(is_done(queue::Delete { queue: "letters".into(), ..Default::default() }.class()), None);
    assert_eq!(is_done(a_queue("letters").class()), None);
    for key in ["c", "d"] {
        assert_eq!(is_done(binding("letters", "news", key).class()), None);
    }
    let unbind = queue::Unbind {
        queue: "letters".into(),
        exchange: "news".into(),
        routing_key: "c".into(),
        ..Default::default()
    };
    assert_eq!(is_done(unbind.class()), None);
    assert_eq!(is_done(binding("letters", "news", "e").class()), None);
    assert_eq!(is_done(exchange::Delete { exchange: "news".into(), ..Default::default() }.class()), None);
    assert_eq!(is_done(news("more").class()), None);
    for key in ["a", "b"] {
        assert_eq!(is_done(binding("letters", "more", key).class()), None);
    }
}

#[test]
fn exchanges_are_refused_beyond_the_limit_of_all() {
    let (office, _) = office(ResourceLimits { max_exchanges: 9, ..Default::default() }); // eight are there from the start
    let mut client = at_work(&office);
    client.send_method(1, news("news").class());
    assert_eq!(refusal(&mut client), None);
    client.send_method(1, news("more").class());
    let text = "PRECONDITION_FAILED - cannot declare exchange 'more' in vhost '/': exchange limit of 9 is reached";
    is_refused(&mut client, 406, text);
}

#[test]
fn connections_channels_and_consumers_are_limited() {
    let (office, mut journal) = office(ResourceLimits {
        max_connections: 1,
        max_channels_per_connection: 2,
        max_consumers_per_channel: 1,
        ..Default::default()
    });
    let mut client = Client::open_as(office.address(), &Hello { channel_max: 2, ..Hello::default() });
    let mut second = Client::connect(office.address());
    second.send_bytes(b"AMQP\0\0\x09\x01");
    second.expect_method();
    second.send_method(0, Hello::default().start_ok());
    match second.expect_method() {
        AMQPClass::Connection(Connection::Tune(tune)) => assert_eq!(tune.channel_max, 2),
        other => panic!("{other:?}"),
    }
    second.send_method(0, connection::TuneOk { channel_max: 2, frame_max: 131_072, heartbeat: 0 }.class());
    second.send_method(0, Hello::default().open());
    let text = "connection refused: node connection limit (1) is reached";
    is_refused(&mut second, 530, &format!("NOT_ALLOWED - {text}"));
    assert_eq!(reason(&mut journal), text);

    client.send_method(1, channel::Open {}.class());
    client.expect_method();
    client.send_method(1, a_queue("letters").class());
    client.expect_method();
    client.send_method(1, a_consumer("letters", "first").class());
    client.expect_method();
    client.send_method(1, a_consumer("letters", "second").class());
    is_refused(&mut client, 530, "NOT_ALLOWED - reached maximum (1) of consumers per channel");
}

#[test]
fn as_many_sockets_again_may_be_in_their_handshake() {
    let (office, mut journal) = office(ResourceLimits { max_connections: 2, ..Default::default() });
    let mut waiting: Vec<Client> = (0..4).map(|_| Client::connect(office.address())).collect();
    for client in &mut waiting {
        client.send_bytes(b"AMQP\0\0\x09\x01");
        client.expect_method();
    }
    assert_eq!(Client::connect(office.address()).until_closed(), []);
    assert_eq!(reason(&mut journal), "connection refused: node connection limit is reached");
    drop(waiting);
}

#[test]
fn a_queue_holds_no_more_than_the_limit_and_its_own_says_what_becomes_of_the_rest() {
    let (office, _) = office(ResourceLimits { max_length: Some(3), ..Default::default() });
    let mut client = at_work(&office);
    client.send_method(1, a_queue("letters").class());
    client.expect_method();
    client.send_method(1, a_queue_with("short", [("x-max-length", int(1))]).class());
    client.expect_method();
    client.send_method(1, a_queue_with("strict", [("x-overflow", text("reject-publish"))]).class());
    client.expect_method();
    for name in ["letters", "short", "strict"] {
        for number in 0..5 {
            client.send_method(1, to("", name).class());
            client.send_content(1, &properties(), format!("{number}").as_bytes());
        }
    }
    client.send_method(2, channel::Open {}.class());
    client.expect_method(); // after all that
    let waiting = |name: &str| -> String {
        office.peek(name).unwrap().iter().map(|letter| String::from_utf8_lossy(&letter.body).into_owned()).collect()
    };
    assert_eq!([waiting("letters"), waiting("short"), waiting("strict")], ["234", "4", "012"]);
}

#[test]
fn a_channel_that_acknowledges_nothing_gets_so_much_and_then_no_more() {
    let (office, _) = office(ResourceLimits { max_unacknowledged_per_channel: 2, ..Default::default() });
    let mut client = at_work(&office);
    client.send_method(1, a_queue("letters").class());
    client.expect_method();
    for _ in 0..5 {
        client.send_method(1, to("", "letters").class());
        client.send_content(1, &properties(), b"Hi!");
    }
    client.send_method(1, a_consumer("letters", "me").class());
    client.send_method(2, channel::Open {}.class());
    client.send_method(2, one_from("letters").class());
    client.send_method(2, one_from("letters").class());
    client.send_method(2, one_from("letters").class());
    let refused = std::iter::from_fn(|| client.next()).find_map(|incoming| match incoming {
        Incoming::Frame(amq_protocol::frame::AMQPFrame::Method(2, AMQPClass::Channel(Channel::Close(close)))) => {
            Some((close.reply_code, close.reply_text.to_string()))
        }
        _ => None,
    });
    let text = "PRECONDITION_FAILED - cannot get a message: limit of unacknowledged deliveries (2) is reached";
    assert_eq!(refused, Some((406, text.to_owned())));
    let state = office.queue("letters").unwrap(); // what the second channel had is back
    assert_eq!((state.ready, state.unacknowledged), (3, 2));
    client.send_method(1, basic::Ack { delivery_tag: 1, multiple: false }.class());
    client.send_method(3, channel::Open {}.class());
    while !matches!(client.next(), Some(Incoming::Frame(amq_protocol::frame::AMQPFrame::Method(3, _)))) {}
    let state = office.queue("letters").unwrap();
    assert_eq!((state.ready, state.unacknowledged), (2, 2));
}

#[test]
fn a_client_that_is_too_fast_is_read_no_faster_than_it_may_send() {
    let per_host = HostLimits { requests_per_second: Some(10), ..Default::default() };
    let (office, _) = office(ResourceLimits { per_host, ..Default::default() });
    let mut client = at_work(&office); // four of the twenty that may come at once
    let start = Instant::now();
    for number in 2..=41 {
        client.send_method(number, channel::Open {}.class());
    }
    for _ in 2..=41 {
        client.expect_method();
    }
    // The other 24 take 2.4 s; those that were read together with the last that was free come with it.
    client.send_method(42, channel::Open {}.class());
    client.expect_method();
    assert!(start.elapsed() > Duration::from_secs(2), "it took only {:?}", start.elapsed());
}

#[test]
fn the_owner_closes_a_connection_and_the_client_is_told_why() {
    let (office, _) = office(ResourceLimits::default());
    let (mut first, mut second) = (at_work(&office), at_work(&office));
    let id = office.connections()[0].id; // the oldest
    assert!(office.close_connection(id, "it is late"));
    is_refused(&mut first, 320, "CONNECTION_FORCED - it is late");
    second.send_method(1, a_queue("letters").class());
    assert_eq!(refusal(&mut second), None);
}

#[test]
fn who_cannot_log_in_is_in_the_journal() {
    let (office, mut journal) = office(ResourceLimits::default());
    let mut client = Client::connect(office.address());
    client.send_bytes(b"AMQP\0\0\x09\x01");
    client.expect_method();
    client.send_method(0, Hello { response: "\0anna\0secret".into(), ..Hello::default() }.start_ok());
    assert_eq!(refusal(&mut client).map(|(code, _)| code), Some(403));
    let told = RUNTIME.block_on(async { tokio::time::timeout(Duration::from_secs(20), journal.next()).await });
    assert!(matches!(told, Ok(Some(Event::AuthenticationFailed { user, .. })) if user == "anna"));
}
