//! Peers that send nonsense, send it slowly, send nothing or come by the thousand: the office answers or closes that
//! connection, forgets it, and goes on serving the others.

mod support;

use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame},
    protocol::{
        AMQPClass,
        channel::{self, AMQPMethod as Channel},
        connection::AMQPMethod as Connection,
    },
};
use postoffice::PostOffice;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use std::{
    net::SocketAddr,
    panic,
    sync::{
        Once,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use support::{
    brokers::{RUNTIME, open_office},
    client::{Client, Hello, Incoming, encode},
    methods::*,
    script::Script,
};

const HEADER: &[u8] = b"AMQP\0\0\x09\x01";

/// An office, and the certainty in the end that it still works and has forgotten everybody.
fn after(hostility: impl FnOnce(&PostOffice)) {
    let office = open_office();
    count_panics();
    hostility(&office);
    serves(office.address());
    until(|| office.connections().is_empty(), "every connection is forgotten");
    assert!(office.queues().is_empty(), "a queue is left: {:?}", office.queues());
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "a task of the office panicked, see above");
}

/// A panic in a task ends that task alone, and no client could tell it from a close.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().name().is_some_and(|name| name.starts_with("tokio")) {
                PANICS.fetch_add(1, Ordering::SeqCst);
            }
            usual(info);
        }));
    });
}

fn until(reached: impl Fn() -> bool, what: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !reached() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        thread::sleep(Duration::from_millis(1)); // between two looks
    }
}

/// A normal client can do a normal thing.
fn serves(addr: SocketAddr) {
    let at = ("normal", 1);
    let mut script = Script::new(addr);
    script.call(at, a_queue("letters"));
    script.publish(at, to("", "letters"), "still here");
    script.call(at, one_from("letters"));
    let steps = script.end();
    assert!(steps[2].observed[0].contains("still here"), "{steps:?}");
}

fn method(channel: u16, method: impl Method) -> Vec<u8> {
    encode(&AMQPFrame::Method(channel, method.class()))
}

fn header(channel: u16, body_size: u64) -> Vec<u8> {
    encode(&AMQPFrame::Header(channel, AMQPContentHeader { class_id: 60, body_size, properties: properties() }))
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(channel.to_be_bytes());
    bytes.extend((payload.len() as u32).to_be_bytes());
    bytes.extend(payload);
    bytes.push(0xce);
    bytes
}

/// A client with channel 1 open.
fn at_work(addr: SocketAddr) -> Client {
    let mut client = Client::open(addr);
    client.send_method(1, channel::Open {}.class());
    client.expect_method();
    client
}

/// Sends this on an open channel. Everything that the office says until it closes the socket, agrees to a close or answers a
/// last question.
fn answer_to(addr: SocketAddr, bytes: &[u8]) -> Vec<Incoming> {
    let mut client = at_work(addr);
    client.send_bytes(bytes);
    client.send_method(QUESTION, channel::Open {}.class());
    let mut seen = Vec::new();
    while let Some(incoming) = client.next() {
        let is_last = matches!(
            &incoming,
            Incoming::Closed
                | Incoming::Frame(AMQPFrame::Method(QUESTION, AMQPClass::Channel(Channel::OpenOk(_))))
                | Incoming::Frame(AMQPFrame::Method(
                    0,
                    AMQPClass::Connection(Connection::Close(_) | Connection::CloseOk(_))
                ))
        );
        seen.push(incoming);
        if is_last {
            return seen;
        }
    }
    panic!("neither an answer nor an end, only {seen:?}");
}

/// The channel of the last question: none that the tests use otherwise.
const QUESTION: u16 = 999;

/// The code and the text with which the office closes the connection.
fn refusal(seen: &[Incoming]) -> Option<(u16, String)> {
    match seen.last() {
        Some(Incoming::Frame(AMQPFrame::Method(0, AMQPClass::Connection(Connection::Close(close))))) => {
            Some((close.reply_code, close.reply_text.to_string()))
        }
        _ => None,
    }
}

/// Runs a property on the same random values every time.
fn for_many<S: Strategy>(cases: u32, values: S, check: impl Fn(S::Value)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[3; 32]));
    let result = runner.run(&values, |value| {
        check(value);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn random_bytes_instead_of_a_header_are_answered_with_a_header() {
    after(|office| {
        for_many(64, proptest::collection::vec(any::<u8>(), 8..200), |bytes| {
            let mut client = Client::connect(office.address());
            client.send_bytes(&bytes);
            let mut right = Client::connect(office.address());
            right.send_bytes(HEADER);
            right.expect_method();
            match client.until_closed().as_slice() {
                [Incoming::Garbage(header)] => assert_eq!(header, b"AMQP\x03\x01\0\0"),
                other => panic!("{other:?}"),
            }
        });
    });
}

#[test]
fn random_bytes_in_the_handshake_end_it() {
    after(|office| {
        for_many(32, proptest::collection::vec(any::<u8>(), 20..200), |bytes| {
            let mut client = Client::connect(office.address());
            client.send_bytes(HEADER);
            client.expect_method();
            client.send_bytes(&bytes);
            client.until_closed(); // by the office: this client stays
        });
    });
}

#[test]
fn random_bytes_on_an_open_connection_end_it() {
    after(|office| {
        for_many(128, proptest::collection::vec(any::<u8>(), 8..300), |bytes| {
            let mut client = at_work(office.address());
            client.send_bytes(&bytes);
            client.until_closed();
        });
    });
}

/// Frames that look right from outside, with anything inside.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        // a method that exists, with any arguments
        (
            prop::sample::select(vec![10_u8, 20, 30, 40, 50, 60, 85, 90]),
            0_u8..12,
            0_u8..3,
            proptest::collection::vec(any::<u8>(), 0..40)
        )
            .prop_map(|(class, method, sub, rest)| [&[0, class, 0, method * 10 + sub][..], &rest].concat()),
        // a content header
        (any::<u16>(), proptest::collection::vec(any::<u8>(), 0..40)).prop_map(|(flags, rest)| [
            &[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5][..],
            &flags.to_be_bytes(),
            &rest
        ]
        .concat()),
    ];
    (prop_oneof![4 => 1_u8..4, 1 => any::<u8>()], 0_u16..4, payload)
        .prop_map(|(kind, channel, payload)| frame(kind, channel, &payload))
}

#[test]
fn frames_with_anything_inside_are_answered_or_end_the_connection() {
    after(|office| {
        for_many(400, proptest::collection::vec(any_frame(), 1..6), |frames| {
            answer_to(office.address(), &frames.concat());
        });
        until(|| office.connections().is_empty(), "every connection is forgotten");
        office.reset(); // a random method may well declare a queue
    });
}

/// Well-formed methods of a client in any order, cut and changed in one place. Where that leaves a frame without its end,
/// the office rightly waits for the rest, until the client is gone.
#[test]
fn a_normal_conversation_with_one_byte_changed_is_answered_or_ends_the_connection() {
    let frames = [
        method(1, a_queue_with("letters", [("x-max-length", int(5)), ("x-of-my-own", text("anything"))])),
        method(1, a_consumer("letters", "me")),
        method(1, to("", "letters")),
        header(1, 3),
        encode(&AMQPFrame::Body(1, b"abc".to_vec())),
        method(1, one_from("letters")),
        method(1, ack(1)),
        method(1, binding("letters", "amq.topic", "a.#")),
    ];
    let conversation = frames.concat();
    let beginnings = frames.iter().scan(0, |at, frame| Some(std::mem::replace(at, *at + frame.len())));
    let lengths: Vec<usize> = beginnings.flat_map(|at| at + 3..at + 7).collect();
    after(|office| {
        for_many(300, (0..conversation.len(), any::<u8>(), any::<bool>()), |(place, byte, cut)| {
            let mut bytes = conversation.clone();
            bytes[place] = byte;
            if cut {
                bytes.truncate(place + 1);
            }
            if cut || lengths.contains(&place) {
                let mut client = at_work(office.address());
                client.send_bytes(&bytes);
                client.kill();
            } else {
                answer_to(office.address(), &bytes);
            }
        });
        until(|| office.connections().is_empty(), "every connection is forgotten");
        office.reset();
    });
}

#[test]
fn a_frame_that_is_too_large_is_refused_before_it_has_come() {
    after(|office| {
        let seen = answer_to(office.address(), &[3, 0, 1, 255, 255, 255, 255]);
        let (code, text) = refusal(&seen).expect("a refusal");
        assert_eq!((code, text.contains("frame_too_large")), (501, true), "{text}");
    });
}

#[test]
fn a_table_deep_enough_to_overflow_a_stack_is_refused() {
    after(|office| {
        // 128 KiB of `{"": {"": {"": …`
        let mut table = Vec::new();
        for depth in (0..20_000_u32).rev() {
            table.extend([0, b'F']);
            table.extend((depth * 6).to_be_bytes());
        }
        let declare = |table: &[u8]| {
            let mut payload = vec![0, 50, 0, 10, 0, 0, 1, b'q', 0];
            payload.extend((table.len() as u32).to_be_bytes());
            payload.extend(table);
            frame(1, 1, &payload)
        };
        let seen = answer_to(office.address(), &declare(&table));
        assert!(!seen.iter().any(|i| matches!(i, Incoming::Frame(AMQPFrame::Method(QUESTION, _)))), "{seen:?}");
        // the same in an array, in a header, and before the connection is open
        let array: Vec<u8> =
            [&[1, b'x'][..], &table.iter().map(|&b| if b == b'F' { b'A' } else { b }).collect::<Vec<_>>()].concat();
        answer_to(office.address(), &declare(&array));
        let mut content = vec![0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0];
        content.extend((table.len() as u32).to_be_bytes());
        content.extend(&table);
        answer_to(office.address(), &[method(1, to("", "q")), frame(2, 1, &content)].concat());
        let mut client = Client::connect(office.address());
        client.send_bytes(HEADER);
        client.expect_method();
        let mut start_ok = vec![0, 10, 0, 11];
        start_ok.extend(8_092_u32.to_be_bytes());
        start_ok.extend(table.iter().skip(table.len() - 8_092));
        start_ok.extend(b"\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US");
        client.send_bytes(&frame(1, 0, &start_ok));
        client.until_closed();
    });
}

#[test]
fn lengths_that_are_negative_or_point_too_far_are_refused() {
    after(|office| {
        for table in [
            &[255_u8, 255, 255, 255][..],
            &[0x80, 0, 0, 0],
            &[0x7f, 255, 255, 255],
            &[0, 0, 0, 6, 0, b'F', 255, 255, 255, 255],
            &[0, 0, 0, 6, 0, b'A', 0x7f, 255, 255, 255],
            &[0, 0, 0, 6, 0, b'S', 0x80, 0, 0, 0],
            &[0, 0, 0, 6, 0, b'x', 255, 255, 255, 254],
        ] {
            let payload = [&[0, 50, 0, 10, 0, 0, 1, b'q', 0][..], table].concat();
            let seen = answer_to(office.address(), &frame(1, 1, &payload));
            assert!(
                !seen.iter().any(|i| matches!(i, Incoming::Frame(AMQPFrame::Method(QUESTION, _)))),
                "{table:?}: {seen:?}"
            );
        }
    });
}

#[test]
fn a_body_of_absurd_length_can_be_announced_without_taking_memory() {
    after(|office| {
        let bytes = [method(1, to("", "letters")), header(1, 512 << 20)].concat(); // the largest that may be
        let mut client = at_work(office.address());
        client.send_bytes(&bytes);
        client.send_bytes(&frame(3, 1, &[b'x'; 100_000]));
        client.kill();
    });
}

#[test]
fn a_message_that_never_ends_leaves_nothing_behind() {
    after(|office| {
        for body in [&b""[..], b"x", &[b'x'; 4000]] {
            let mut client = at_work(office.address());
            client.send_method(1, a_queue("letters").class());
            client.expect_method();
            client.send_bytes(&[method(1, to("", "letters")), header(1, 1 << 20), frame(3, 1, body)].concat());
            client.kill();
        }
        until(|| office.connections().is_empty(), "every connection is forgotten");
        assert_eq!(office.queue("letters").expect("the queue is there").ready, 0);
        office.reset();
    });
}

#[test]
fn who_says_nothing_in_the_handshake_is_shown_the_door() {
    after(|office| {
        let mut stages: Vec<Client> = (0..4).map(|_| Client::connect(office.address())).collect();
        stages[1].send_bytes(b"AMQ");
        stages[2].send_bytes(HEADER);
        stages[3].send_bytes(HEADER);
        stages[3].expect_method();
        stages[3].send_bytes(&method(0, Hello::default().start_ok())[..20]);
        serves(office.address());
        for client in &mut stages {
            let deadline = Instant::now() + Duration::from_secs(20); // RabbitMQ's ten seconds, and some for a busy machine
            while client.next_before(deadline).expect("the office closes in time") != Incoming::Closed {}
        }
    });
}

#[test]
fn a_handshake_byte_by_byte_is_fine() {
    after(|office| {
        let mut client = Client::connect(office.address());
        let hello = Hello::default();
        let bytes = [
            HEADER.to_vec(),
            method(0, hello.start_ok()),
            method(0, hello.tune_ok()),
            method(0, hello.open()),
            method(1, channel::Open {}),
        ];
        for byte in bytes.concat() {
            client.send_bytes(&[byte]);
        }
        for _ in 0..3 {
            client.expect_method();
        }
        assert!(matches!(client.expect_method(), AMQPClass::Channel(Channel::OpenOk(_))));
    });
}

#[test]
fn a_thousand_idle_connections_are_no_burden() {
    after(|office| {
        let clients: Vec<Client> = (0..1000).map(|_| Client::open(office.address())).collect();
        assert_eq!(office.connections().len(), 1000);
        serves(office.address());
        drop(clients);
    });
}

#[test]
fn ten_thousand_channels_can_be_open() {
    after(|office| {
        let clients: Vec<Client> = (0..5)
            .map(|_| {
                let mut client = Client::open(office.address());
                for number in 1..=2000 {
                    client.send_method(number, channel::Open {}.class());
                }
                for _ in 1..=2000 {
                    assert!(matches!(client.expect_method(), AMQPClass::Channel(Channel::OpenOk(_))));
                }
                client
            })
            .collect();
        assert_eq!(office.connections().iter().map(|connection| connection.channels).sum::<usize>(), 10_000);
        serves(office.address());
        drop(clients);
    });
}

#[test]
fn a_storm_of_connections_that_come_and_go_passes() {
    after(|office| {
        let addr = office.address();
        thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || {
                    for number in 0..100 {
                        let mut client = Client::connect(addr);
                        match (thread + number) % 4 {
                            0 => {}
                            1 => client.send_bytes(HEADER),
                            2 => drop(at_work(addr)),
                            _ => {
                                let mut client = at_work(addr);
                                client.send_method(
                                    1,
                                    amq_protocol::protocol::queue::Declare { exclusive: true, ..Default::default() }
                                        .class(),
                                );
                                client.expect_method();
                                client.send_method(1, a_consumer("", "me").class());
                            }
                        }
                        client.kill();
                    }
                });
            }
        });
        until(|| office.queues().is_empty(), "every exclusive queue is gone");
    });
}

#[test]
fn a_peer_that_reads_nothing_holds_up_nobody_and_loses_nothing() {
    after(|office| {
        let mut slow = at_work(office.address());
        slow.send_method(1, a_queue("letters").class());
        slow.expect_method();
        slow.send_method(1, a_consumer("letters", "slow").class());
        slow.expect_method();
        let mut publisher = at_work(office.address());
        for _ in 0..200 {
            publisher.send_method(1, to("", "letters").class());
            publisher.send_content(1, &properties(), &[b'x'; 100_000]);
        }
        // its socket is full long before these 20 MB: what doesn't fit stays in the queue
        until(
            || office.queue("letters").is_ok_and(|queue| queue.ready + queue.unacknowledged == 200),
            "every message has come",
        );
        serves_beside(office.address());
        assert!(office.queue("letters").is_ok_and(|queue| queue.ready > 0), "{:?}", office.queue("letters"));
        slow.kill();
        until(|| office.queue("letters").is_ok_and(|queue| queue.ready == 200), "what it held is back");
        office.reset();
        publisher.kill();
    });
}

/// As [`serves`], where a queue `letters` is in use.
fn serves_beside(addr: SocketAddr) {
    let at = ("normal", 1);
    let mut script = Script::new(addr);
    script.call(at, a_queue("beside"));
    script.publish(at, to("", "beside"), "still here");
    script.call(at, one_from("beside"));
    let steps = script.end();
    assert!(steps[2].observed[0].contains("still here"), "{steps:?}");
}

#[test]
fn who_ignores_the_last_words_is_dropped_with_the_office() {
    let office = open_office();
    let mut client = at_work(office.address());
    RUNTIME.block_on(office.close());
    let seen = client.until_closed();
    assert_eq!(refusal(&seen).map(|(code, _)| code), Some(320), "{seen:?}");
}

/// An office that is full, and a queue in it.
fn full_office() -> PostOffice {
    let office = RUNTIME.block_on(PostOffice::builder().memory_limit(10_000).open()).expect("a post office opens");
    let mut client = at_work(office.address());
    client.send_method(1, a_queue("letters").class());
    client.expect_method();
    client.send_method(1, to("", "letters").class());
    client.send_content(1, &properties(), &[b'x'; 20_000]);
    until(|| office.queue("letters").is_ok_and(|queue| queue.ready == 1), "the office is full");
    client.kill();
    until(|| office.connections().is_empty(), "the first client has left");
    office
}

#[test]
fn a_publisher_that_dies_while_it_has_to_wait_is_forgotten() {
    let office = full_office();
    // The end of the second's stream is behind more than the system takes of what nobody reads. It answers a heartbeat of
    // ours with a reset: so that one is missed after half an interval.
    for (unread, heartbeat) in [(1, 0), (50, 10)] {
        let mut blocked = Client::open_as(office.address(), &Hello { heartbeat, ..Hello::default() });
        blocked.send_method(1, channel::Open {}.class());
        for _ in 0..unread {
            blocked.send_method(1, to("", "letters").class());
            blocked.send_content(1, &properties(), &[b'x'; 10_000]);
        }
        until(|| office.connections().iter().any(|known| known.blocked), "it has to wait");
        blocked.kill();
        until(|| office.connections().is_empty(), "it is forgotten, though the office is still full");
    }
    assert_eq!(office.queue("letters").expect("the queue is there").ready, 1);
}

/// The mistake is found only when the publish behind it has to wait.
#[test]
fn who_is_refused_just_before_it_would_have_to_wait_is_heard_to_the_end() {
    let office = full_office();
    let mut client = at_work(office.address());
    client.send_bytes(&[method(1, channel::Open {}), method(1, to("", "letters")), header(1, 1)].concat());
    assert!(
        matches!(client.expect_method(), AMQPClass::Connection(Connection::Close(close)) if close.reply_code == 504)
    );
    client.send_method(0, amq_protocol::protocol::connection::CloseOk {}.class());
    assert_eq!(client.until_closed(), []); // waits for a third of the time that a peer has to agree
}
