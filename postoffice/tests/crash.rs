//! What survives `kill -9`: `postoffice --data` is killed at random moments under a client that publishes with confirms and
//! acknowledges what it is given, and started again on the same folder. After each start everything that is there is looked at.
//!
//! `KILLS=20000 cargo test -p postoffice --test crash` goes on for longer than the 500 kills of an ordinary run.

#![cfg(unix)] // a signal kills it

mod support;

use amq_protocol::{
    frame::AMQPFrame,
    protocol::{
        AMQPClass,
        basic::{self, AMQPMethod as Basic, AMQPProperties},
        channel, confirm,
        queue::{self, AMQPMethod as Queue},
    },
    types::{AMQPValue, FieldTable},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use support::{
    client::{Client, Incoming},
    methods::{Method, a_queue},
};

/// How many brokers run side by side, each with a folder of its own.
const BROKERS: u64 = 4;
/// The channel on which everything is consumed, and the one on which it is published.
const CONSUMING: u16 = 1;
const PUBLISHING: u16 = 2;
const QUEUES: [&str; 3] = ["classic", "quorum", "dead"];

/// Random enough, and the same again for the same seed (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A broker as a process.
struct Broker {
    process: Child,
    address: SocketAddr,
}

impl Broker {
    fn start(data: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postoffice"));
        let mut process = command
            .args(["--listen", "127.0.0.1:0", "--disk-free-limit", "0", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim_end().rsplit(':').next().and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("the office opens on what it left; it said {line:?}"));
        Self { process, address: (Ipv4Addr::LOCALHOST, port).into() }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may be dead
        let _ = self.process.wait();
    }
}

/// What the client knows of its messages. They are numbered; the number begins the body.
#[derive(Default)]
struct Account {
    /// Published to which queue, so long.
    published: BTreeMap<u64, (&'static str, usize)>,
    confirmed: BTreeSet<u64>,
    /// The client has acknowledged it; whether the broker has heard of that is not known.
    acknowledged: BTreeSet<u64>,
    transient: BTreeSet<u64>,
    /// It was not there after a start, and may never be there again.
    gone: BTreeSet<u64>,
    /// Publishes that are not confirmed, by their tags on this connection.
    unconfirmed: BTreeMap<u64, u64>,
}

/// A message as it was delivered.
struct Delivered {
    tag: u64,
    number: u64,
    redelivered: bool,
    queue: &'static str,
}

struct Session {
    client: Client,
    content: Option<(basic::Deliver, usize, Vec<u8>)>,
    published: u64,
    is_over: bool,
}

impl Session {
    fn open(address: SocketAddr) -> Self {
        let mut session = Self { client: Client::open(address), content: None, published: 0, is_over: false };
        session.call(CONSUMING, channel::Open {});
        session.call(PUBLISHING, channel::Open {});
        session.call(PUBLISHING, confirm::Select { nowait: false });
        session
    }

    fn call(&mut self, channel: u16, method: impl Method) -> AMQPClass {
        self.client.send_method(channel, method.class());
        self.client.expect_method()
    }

    fn declare(&mut self) -> BTreeMap<&'static str, u32> {
        let arguments = |name: &str| {
            let mut table = FieldTable::default();
            match name {
                "classic" => {
                    table.insert("x-dead-letter-exchange".into(), AMQPValue::LongString("".into()));
                    table.insert("x-dead-letter-routing-key".into(), AMQPValue::LongString("dead".into()));
                }
                "quorum" => {
                    table.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
                    table.insert("x-delivery-limit".into(), AMQPValue::LongInt(-1));
                }
                _ => {}
            }
            table
        };
        let mut ready = BTreeMap::new();
        for name in QUEUES {
            let declare = queue::Declare { durable: true, arguments: arguments(name), ..a_queue(name) };
            let AMQPClass::Queue(Queue::DeclareOk(ok)) = self.call(CONSUMING, declare) else {
                panic!("{name} can be declared")
            };
            ready.insert(name, ok.message_count);
        }
        ready
    }

    /// What comes next by then, as far as the client cares.
    fn next(&mut self, deadline: Instant, account: &mut Account) -> Option<Delivered> {
        loop {
            let frame = match self.client.next_before(deadline)? {
                Incoming::Frame(frame) => frame,
                Incoming::Garbage(bytes) => panic!("nonsense: {bytes:?}"),
                Incoming::Closed => {
                    self.is_over = true;
                    return None;
                }
            };
            match frame {
                AMQPFrame::Method(_, AMQPClass::Basic(Basic::Deliver(deliver))) => {
                    self.content = Some((deliver, 0, Vec::new()));
                }
                AMQPFrame::Header(_, header) => {
                    let content = self.content.as_mut().expect("a header follows a method");
                    content.1 = header.body_size as usize;
                }
                AMQPFrame::Body(_, piece) => {
                    let content = self.content.as_mut().expect("a body follows a method");
                    content.2.extend(piece);
                }
                AMQPFrame::Method(_, AMQPClass::Basic(Basic::Ack(ack))) => {
                    let confirmed = account.unconfirmed.clone();
                    let confirmed = confirmed.range(..=ack.delivery_tag);
                    for (tag, number) in confirmed.filter(|(tag, _)| ack.multiple || **tag == ack.delivery_tag) {
                        account.unconfirmed.remove(tag);
                        account.confirmed.insert(*number);
                    }
                }
                AMQPFrame::Method(_, AMQPClass::Basic(Basic::ConsumeOk(_))) | AMQPFrame::Heartbeat => {}
                other => panic!("unexpected: {other:?}"),
            }
            if let Some((_, size, body)) = &self.content
                && *size > 0
                && body.len() == *size
            {
                let (deliver, _, body) = self.content.take().unwrap();
                return Some(delivered(deliver, &body, account));
            }
        }
    }

    fn publish(&mut self, account: &mut Account, dice: &mut Dice) {
        let number = account.published.len() as u64 + 1;
        let queue = if dice.below(2) == 0 { "classic" } else { "quorum" };
        let length = if dice.below(3) == 0 { 1000 + dice.below(9000) as usize } else { 8 + dice.below(200) as usize };
        let is_transient = queue == "classic" && dice.below(8) == 0;
        account.published.insert(number, (queue, length));
        if is_transient {
            account.transient.insert(number);
        }
        self.published += 1;
        account.unconfirmed.insert(self.published, number);
        let properties = AMQPProperties::default().with_delivery_mode(if is_transient { 1 } else { 2 });
        let publish = basic::Publish { routing_key: queue.into(), ..Default::default() };
        self.client.send_method(PUBLISHING, publish.class());
        self.client.send_content(PUBLISHING, &properties, &body_of(number, length));
    }
}

fn body_of(number: u64, length: usize) -> Vec<u8> {
    let filler = (0..length - 8).map(|index| (number as usize + index) as u8);
    number.to_be_bytes().into_iter().chain(filler).collect()
}

fn delivered(deliver: basic::Deliver, body: &[u8], account: &Account) -> Delivered {
    let number = u64::from_be_bytes(body[..8].try_into().unwrap());
    let (_, length) = account.published.get(&number).unwrap_or_else(|| panic!("nobody has sent {number}"));
    assert!(body == body_of(number, *length), "{number} comes as it was sent");
    let queue = QUEUES.into_iter().find(|name| *name == deliver.consumer_tag.as_str()).unwrap();
    Delivered { tag: deliver.delivery_tag, number, redelivered: deliver.redelivered, queue }
}

/// One folder, through many lives of its broker.
fn live_through(kills: u64, seed: u64) {
    let folder = tempfile::Builder::new().prefix("crash-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut dice = Dice(seed);
    let mut account = Account::default();
    for life in 0..kills {
        let mut broker = Broker::start(folder.path());
        let mut session = Session::open(broker.address);
        let context = format!("seed {seed}, life {life}");
        let waiting = look_at_everything(&mut session, &mut account, &context);
        let kill_after = Duration::from_micros(dice.below(25_000));
        let killer = thread::spawn(move || {
            thread::sleep(kill_after); // the moment is what is tried, not something that is waited for
            broker.process.kill().unwrap();
            broker
        });
        work(&mut session, &mut account, &mut dice, waiting);
        drop(killer.join().unwrap());
        account.unconfirmed.clear();
    }
    let mut broker = Broker::start(folder.path());
    look_at_everything(&mut Session::open(broker.address), &mut account, &format!("seed {seed}, in the end"));
    broker.process.kill().unwrap();
}

/// Has everything delivered, and compares it with what has to be there.
fn look_at_everything(session: &mut Session, account: &mut Account, context: &str) -> Vec<Delivered> {
    let ready = session.declare();
    let mut all = Vec::new();
    for name in QUEUES {
        let consume = basic::Consume { queue: name.into(), consumer_tag: name.into(), ..Default::default() };
        session.client.send_method(CONSUMING, consume.class());
        let before = all.len();
        while all.len() - before < ready[name] as usize {
            let deadline = Instant::now() + Duration::from_secs(60);
            let next = session.next(deadline, account);
            all.push(next.unwrap_or_else(|| panic!("{context}: {name} hands out what it says to have")));
        }
        let mine = &all[before..];
        assert!(mine.iter().all(|one| one.queue == name), "{context}");
        // What came back to a quorum queue, as what was rejected, comes in the order in which it came back.
        let in_order = mine.iter().filter(|one| name == "classic" || (name == "quorum" && !one.redelivered));
        assert!(in_order.map(|one| one.number).is_sorted(), "{context}: {name} is in order");
    }
    let there: BTreeSet<u64> = all.iter().map(|one| one.number).collect();
    assert_eq!(there.len(), all.len(), "{context}: nothing is there twice");
    let is_missing = |number: &&u64| !there.contains(number) && !account.acknowledged.contains(number);
    let durable = account.confirmed.difference(&account.transient);
    let missing: Vec<_> = durable.filter(is_missing).map(|number| (number, account.published[number])).collect();
    assert!(missing.is_empty(), "{context}: {missing:?} were confirmed, not acknowledged, and are missing");
    let back: Vec<&u64> = there.intersection(&account.gone).collect();
    assert!(back.is_empty(), "{context}: {back:?} were gone and are back");
    let transient: Vec<&u64> = there.intersection(&account.transient).collect();
    assert!(transient.is_empty(), "{context}: {transient:?} were transient");
    account.gone.extend(account.published.keys().filter(|number| !there.contains(number)));
    all
}

/// Publishes and acknowledges until the broker is dead.
fn work(session: &mut Session, account: &mut Account, dice: &mut Dice, mut waiting: Vec<Delivered>) {
    while !session.is_over {
        for _ in 0..dice.below(10) {
            session.publish(account, dice);
        }
        // So much stays that there is always something to lose, and little enough to look at.
        while waiting.len() > 60 || (!waiting.is_empty() && dice.below(3) == 0) {
            let Delivered { tag, number, queue, .. } = waiting.swap_remove(dice.below(waiting.len() as u64) as usize);
            match queue {
                "classic" if dice.below(4) == 0 => {
                    session.client.send_method(CONSUMING, basic::Reject { delivery_tag: tag, requeue: false }.class());
                }
                _ => {
                    account.acknowledged.insert(number);
                    session.client.send_method(CONSUMING, basic::Ack { delivery_tag: tag, multiple: false }.class());
                }
            }
        }
        while let Some(next) = session.next(Instant::now() + Duration::from_micros(dice.below(2000)), account) {
            waiting.push(next);
        }
    }
}

#[test]
fn what_was_confirmed_survives_every_kill_and_what_was_gone_stays_gone() {
    let kills: u64 = env::var("KILLS").ok().map_or(500, |text| text.parse().expect("KILLS is a number"));
    let seed = env::var("SEED").ok().map_or(1, |text| text.parse().expect("SEED is a number"));
    thread::scope(|scope| {
        for broker in 0..BROKERS {
            scope.spawn(move || live_through(kills.div_ceil(BROKERS), seed * 1000 + broker + 1));
        }
    });
}
