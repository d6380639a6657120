//! What one client can't do to the others: fill the memory for good, or hold up the broker.

mod support;

use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame},
    protocol::{
        AMQPClass, basic,
        channel::{self, AMQPMethod as Channel},
        connection::AMQPMethod as Connection,
        tx,
    },
};
use postoffice::PostOffice;
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};
use support::{
    brokers::{RUNTIME, open_office},
    client::{Client, Hello, Incoming, encode},
    methods::*,
};

/// How much memory the offices here have, and how much is tried to make them keep.
const LIMIT: usize = 4_000_000;
const TRIED: usize = 10 * LIMIT;
/// One piece of that.
const PIECE: usize = 100_000;

fn small_office() -> PostOffice {
    RUNTIME.block_on(PostOffice::builder().memory_limit(LIMIT).open()).expect("an office opens")
}

/// A client with channel 1 open.
fn at_work(addr: SocketAddr) -> Client {
    let mut client = Client::open(addr);
    open_channel(&mut client, 1);
    client
}

fn open_channel(client: &mut Client, number: u16) {
    client.send_method(number, channel::Open {}.class());
    assert!(matches!(client.expect_method(), AMQPClass::Channel(Channel::OpenOk(_))));
}

/// Waits until the office closes the connection, and says with which code.
fn close_code(client: &mut Client) -> u16 {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match client.next_before(deadline) {
            Some(Incoming::Frame(AMQPFrame::Method(0, AMQPClass::Connection(Connection::Close(close))))) => {
                return close.reply_code;
            }
            Some(Incoming::Closed) | None => panic!("no close"),
            Some(_) => {}
        }
    }
}

/// Somebody else publishes and gets it back: nobody waits for memory.
fn serves(addr: SocketAddr) {
    let mut client = at_work(addr);
    client.send_method(1, a_queue("beside").class());
    client.expect_method();
    client.send_method(1, to("", "beside").class());
    client.send_content(1, &properties(), b"still here");
    client.send_method(1, one_from("beside").class());
    assert!(matches!(client.expect_method(), AMQPClass::Basic(basic::AMQPMethod::GetOk(_))));
}

#[test]
fn a_transaction_larger_than_the_memory_is_refused() {
    let office = small_office();
    let mut hostile = at_work(office.address());
    hostile.send_method(1, a_queue("letters").class());
    hostile.expect_method();
    hostile.send_method(1, tx::Select {}.class());
    hostile.expect_method();
    for _ in 0..TRIED / PIECE {
        hostile.send_method(1, to("", "letters").class());
        hostile.send_content(1, &properties(), &[b'x'; PIECE]);
    }
    assert_eq!(close_code(&mut hostile), 506);
    serves(office.address());
    assert_eq!(office.queue("letters").expect("it is there").ready, 0);
}

#[test]
fn bodies_that_never_end_on_channels_that_were_never_opened_are_refused() {
    let office = small_office();
    let hello = Hello { channel_max: 10, ..Hello::default() };
    let mut hostile = Client::open_as(office.address(), &hello);
    for number in 0..TRIED / PIECE {
        let channel = number as u16 + 1; // most of them lie above channel_max
        hostile.send_method(channel, to("", "letters").class());
        let header = AMQPContentHeader { class_id: 60, body_size: 1 << 20, properties: properties() };
        hostile.send_bytes(&encode(&AMQPFrame::Header(channel, header)));
        hostile.send_bytes(&encode(&AMQPFrame::Body(channel, vec![b'x'; PIECE])));
    }
    assert_eq!(close_code(&mut hostile), 506);
    serves(office.address());
}

#[test]
fn direct_replies_that_nobody_reads_are_refused_and_their_sender_goes_on() {
    let office = small_office();
    let mut hostile = at_work(office.address());
    hostile.send_method(1, a_queue("requests").class());
    hostile.expect_method();
    hostile.send_method(1, a_listener("amq.rabbitmq.reply-to", "me").class());
    hostile.expect_method();
    hostile.send_method(1, to("", "requests").class());
    hostile.send_content(1, &properties().with_reply_to("amq.rabbitmq.reply-to".into()), b"please");
    let mut server = at_work(office.address());
    let request = loop {
        server.send_method(1, one_from("requests").class());
        if let AMQPClass::Basic(basic::AMQPMethod::GetOk(_)) = server.expect_method() {
            break server.next();
        }
    };
    let Some(Incoming::Frame(AMQPFrame::Header(_, header))) = request else { panic!("{request:?}") };
    let address = header.properties.reply_to().clone().expect("an address");
    server.next();
    for _ in 0..TRIED / PIECE {
        server.send_method(1, to("", address.as_str()).class());
        server.send_content(1, &properties(), &[b'x'; PIECE]);
    }
    open_channel(&mut server, 2);
    assert_eq!(close_code(&mut hostile), 506);
    serves(office.address());
}

#[test]
fn arguments_that_fill_the_memory_are_refused() {
    let office = small_office();
    let mut hostile = at_work(office.address());
    let large = "x".repeat(PIECE);
    for number in 0..TRIED / PIECE {
        let mut declare = a_queue_with(&number.to_string(), [("x-of-my-own", text(&large))]);
        declare.nowait = true;
        hostile.send_method(1, declare.class());
    }
    assert_eq!(close_code(&mut hostile), 506);
    assert!(office.queues().len() <= LIMIT / 2 / PIECE);
    serves(office.address());
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// A client's round trips, the shortest first, while somebody does this again and again.
fn round_trips_while(office: &PostOffice, mut hostility: impl FnMut() + Send) -> Vec<Duration> {
    const TRIPS: usize = 100;
    let is_over = AtomicBool::new(false);
    let (is_over, addr) = (&is_over, office.address());
    let mut times: Vec<Duration> = thread::scope(|scope| {
        scope.spawn(move || {
            while !is_over.load(Relaxed) {
                hostility();
            }
        });
        let _over = SetOnDrop(is_over); // also where an answer stays away
        let mut client = at_work(addr);
        client.send_method(1, a_queue("beside").class());
        client.expect_method();
        let times = (0..TRIPS).map(|_| {
            let start = Instant::now();
            client.send_method(1, one_from("beside").class());
            client.next_before(start + Duration::from_secs(60)).expect("an answer");
            let taken = start.elapsed();
            thread::sleep(Duration::from_millis(1)); // so that it is a look now and then, not a load of its own
            taken
        });
        times.collect()
    });
    times.sort_unstable();
    times
}

/// Tests run beside one another, often on a machine with more to do, so that one answer may take any time. What is tried here
/// held up each of them for seconds, which the median shows.
fn is_bearable(what: &str, times: Vec<Duration>) {
    let [median, percentile] = [50, 99].map(|percent| times[times.len() * percent / 100]);
    println!("{what}: {median:?}, and {percentile:?} at the 99th percentile");
    assert!(median < Duration::from_secs(1), "{what}: {median:?}");
}

#[test]
fn deaths_beyond_count_hold_up_nobody() {
    let office = open_office();
    let mut hostile = at_work(office.address());
    hostile.send_method(1, an_exchange("storm", "fanout").class());
    hostile.expect_method();
    for number in 0..9 {
        let dead = [("x-dead-letter-exchange", text("storm")), ("x-max-length", int(0))];
        hostile.send_method(1, a_queue_with(&number.to_string(), dead).class());
        hostile.expect_method();
        hostile.send_method(1, binding(&number.to_string(), "storm", "").class());
        hostile.expect_method();
    }
    let times = round_trips_while(&office, || {
        hostile.send_method(1, to("storm", "").class());
        hostile.send_content(1, &properties(), b"x");
        hostile.send_method(1, one_from("0").class());
        hostile.expect_method();
    });
    is_bearable("deaths", times);
    office.reset();
}

#[test]
fn filling_the_memory_holds_up_nobody() {
    let office = small_office();
    let addr = office.address();
    let times = round_trips_while(&office, || {
        let mut hostile = at_work(addr);
        hostile.send_method(1, tx::Select {}.class());
        hostile.expect_method();
        for _ in 0..2 * LIMIT / PIECE {
            hostile.send_method(1, to("", "letters").class());
            hostile.send_content(1, &properties(), &[b'x'; PIECE]);
        }
        assert_eq!(close_code(&mut hostile), 506);
    });
    is_bearable("memory", times);
}

#[test]
fn patterns_of_many_hashes_hold_up_nobody() {
    let office = open_office();
    let mut hostile = at_work(office.address());
    hostile.send_method(1, a_queue("letters").class());
    hostile.expect_method();
    for pattern in [["#"; 128].join("."), ["#.*"; 64].join("."), ["#.a"; 64].join(".")] {
        hostile.send_method(1, binding("letters", "amq.topic", &pattern).class());
        hostile.expect_method();
    }
    let key = ["a"; 128].join(".");
    let times = round_trips_while(&office, || {
        for _ in 0..4 {
            hostile.send_method(1, to("amq.topic", &key).class());
            hostile.send_content(1, &properties(), b"");
        }
        hostile.send_method(1, is_there_a_queue("letters").class());
        hostile.expect_method();
    });
    is_bearable("patterns", times);
}

#[test]
fn connections_that_die_with_many_messages_hold_up_nobody() {
    let office = open_office();
    let addr = office.address();
    let mut owner = at_work(addr);
    owner.send_method(1, a_queue("letters").class());
    owner.expect_method();
    for _ in 0..1000 {
        owner.send_method(1, to("", "letters").class());
        owner.send_content(1, &properties(), b"x");
    }
    let times = round_trips_while(&office, || {
        let mut hostile = Client::open(addr);
        (1..=10).for_each(|number| open_channel(&mut hostile, number));
        (1..=10).for_each(|number| hostile.send_method(number, a_consumer("letters", "me").class()));
        hostile.next();
        hostile.kill();
    });
    is_bearable("dying", times);
}

#[test]
fn looking_into_a_long_queue_holds_up_nobody() {
    const LETTERS: usize = 10_000;
    let office = open_office();
    let mut owner = at_work(office.address());
    owner.send_method(1, a_queue("long").class());
    owner.expect_method();
    for _ in 0..LETTERS {
        owner.send_method(1, to("", "long").class());
        owner.send_content(1, &properties(), &[b'x'; 1000]);
    }
    let deadline = Instant::now() + Duration::from_secs(120);
    while office.queue("long").is_ok_and(|queue| queue.ready < LETTERS) {
        assert!(Instant::now() < deadline, "the letters arrive");
        thread::sleep(Duration::from_millis(10)); // between two looks
    }
    let times = round_trips_while(&office, || {
        let letters = office.peek("long").expect("it is there");
        assert_eq!((letters.len(), letters[LETTERS - 1].body.len()), (LETTERS, 1000));
    });
    is_bearable("looking", times);
}
