//! A script: operations on named connections, and what a client observes after each of them.
//!
//! Nothing here waits for a time to pass. After each operation the script *settles*: every open channel makes a round
//! trip that changes nothing, every queue is asked for its counts, until two rounds in a row bring nothing new. A broker
//! handles what one channel asks in order, so what an operation causes has arrived by then.

use super::{
    client::{Client, Hello, Incoming, PATIENCE},
    methods::{Method, a_queue, is_there_a_queue, is_there_an_exchange},
    show::{self, Invented},
};
use amq_protocol::{
    frame::AMQPFrame,
    protocol::{
        AMQPClass,
        basic::{self, AMQPMethod as Basic, AMQPProperties},
        channel::{self, AMQPMethod as Channel},
        confirm,
        connection::{self, AMQPMethod as Connection},
        exchange::{self, AMQPMethod as Exchange},
        queue::{self, AMQPMethod as Queue},
        tx,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// A channel: the name of its connection and its number. Both are opened when they are first used.
pub type At = (&'static str, u16);

/// How long a queue may take over an operation that its channel has gone on from.
const SETTLE_PATIENCE: Duration = Duration::from_secs(3);

/// One operation and what was observed after it.
#[derive(Debug, PartialEq)]
pub struct Step {
    pub operation: String,
    pub observed: Vec<String>,
}

/// A queue as others see it: how many messages are ready, and how many consumers there are; `None` where it is missing.
type Counts = Option<(u32, u32)>;

pub struct Script {
    addr: SocketAddr,
    steps: Vec<Step>,
    invented: Invented,
    peers: BTreeMap<&'static str, Peer>,
    probe: Peer,
    watched: BTreeMap<String, Counts>,
    /// The same before the last operation.
    before: BTreeMap<String, Counts>,
    expected: Expected,
    /// Who waits for the steps of this script.
    report: Option<mpsc::Sender<Vec<String>>>,
    /// What to delete in the end.
    declared: (BTreeSet<String>, BTreeSet<String>),
    raw_properties: bool,
}

/// What the other broker has shown, step by step, as soon as it is known.
///
/// RabbitMQ's queues are processes of their own: what a channel has told one, or one another, is done a moment after the
/// channel has gone on, in a quorum queue once it is on disk; nothing that a client can ask tells when. So a script waits,
/// at most for [`SETTLE_PATIENCE`], for as much as the other broker has shown.
#[derive(Default)]
pub struct Expected {
    coming: Option<mpsc::Receiver<Vec<String>>>,
    steps: Vec<Vec<String>>,
}

impl Expected {
    pub fn from(coming: mpsc::Receiver<Vec<String>>) -> Self {
        Self { coming: Some(coming), steps: Vec::new() }
    }

    /// What is known of a step once the other broker has gone on to the next one.
    fn step(&mut self, index: usize) -> Option<&Vec<String>> {
        while self.steps.len() <= index {
            self.steps.push(self.coming.as_ref()?.recv().ok()?); // nothing more comes from a script that failed
        }
        self.steps.get(index)
    }
}

/// One connection as its client sees it.
struct Peer {
    client: Client,
    closed: bool,
    channels: BTreeMap<u16, ChannelView>,
}

#[derive(Default)]
struct ChannelView {
    open: bool,
    /// An answer is due, or the end of the channel.
    awaiting: bool,
    /// So many answers to round trips are due.
    barriers: usize,
    observed: Vec<String>,
    /// A message of which the body isn't complete.
    content: Option<Content>,
    confirming: bool,
    transacting: bool,
    published: u64,
    unconfirmed: BTreeSet<u64>,
    /// The confirmations that are due answer one message, or each one of several: their frames are certain.
    one_by_one: bool,
    confirmations: Vec<String>,
    acked: BTreeSet<u64>,
    nacked: BTreeSet<u64>,
    unacknowledged: Vec<u64>,
    consumers: Vec<String>,
    /// Consumers, and the last get, that need no acknowledgement.
    no_ack: BTreeSet<String>,
    consumes_from: Option<String>,
    last_queue: String,
    last_reply_to: String,
}

struct Content {
    method: String,
    properties: Option<(u64, String)>,
    body: Vec<u8>,
    frames: Vec<usize>,
}

impl Script {
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            expected: Expected::default(),
            report: None,
            steps: Vec::new(),
            invented: Invented::default(),
            peers: BTreeMap::new(),
            probe: Peer::open(addr, &Hello::default()),
            watched: BTreeMap::new(),
            before: BTreeMap::new(),
            declared: Default::default(),
            raw_properties: false,
        }
    }

    /// Tells what was observed, step by step.
    pub fn reporting(self, report: mpsc::Sender<Vec<String>>) -> Self {
        Self { report: Some(report), ..self }
    }

    /// Waits for what another broker has shown.
    pub fn expecting(self, expected: Expected) -> Self {
        Self { expected, ..self }
    }

    // ---- connections and channels ----

    /// Shows the properties of messages byte for byte, on connections that are opened from now on.
    pub fn look_at_bytes(&mut self) {
        self.raw_properties = true;
    }

    /// Opens a connection that introduces itself in its own way.
    pub fn connect(&mut self, name: &'static str, hello: &Hello) {
        self.peers.insert(name, Peer::open(self.addr, hello));
    }

    /// Opens a channel again that was closed.
    pub fn reopen(&mut self, at: At) {
        self.call(at, channel::Open {});
    }

    /// Makes a channel usable again that an error has closed, on a new connection where the error closed that, too.
    pub fn recover(&mut self, at: At) {
        if self.peer(at.0).closed {
            self.connect(at.0, &Hello::default());
        } else if !self.channel(at).open {
            self.reopen(at);
        }
    }

    pub fn close_channel(&mut self, at: At) {
        self.call(at, channel::Close { reply_code: 200, reply_text: "".into(), class_id: 0, method_id: 0 });
    }

    /// Has each message on a channel confirmed: what it causes has come when the confirm has, however busy a queue is.
    pub fn confirm(&mut self, at: At) {
        self.call(at, confirm::Select { nowait: false });
    }

    /// Opens a channel again if it was closed, with confirms.
    pub fn confirm_again(&mut self, at: At) {
        if !self.is_open(at) {
            self.reopen(at);
            self.confirm(at);
        }
    }

    /// Closes a connection as a polite client does.
    pub fn close(&mut self, name: &'static str) {
        let Some(mut peer) = self.peers.remove(name) else { return };
        peer.client.send_method(
            0,
            connection::Close { reply_code: 200, reply_text: "".into(), class_id: 0, method_id: 0 }.class(),
        );
        // Who asked for the end closes the socket: RabbitMQ leaves that to the client.
        peer.read_until(Peer::has_closed_politely);
        self.finish(format!("{name} closes"), vec![(name, peer)]);
    }

    /// Ends a connection as a crash does, and waits until the broker has noticed: until the consumers of every channel
    /// and an exclusive queue of the connection are gone.
    pub fn kill(&mut self, name: &'static str) {
        let channels: Vec<_> = match self.peers.get(name) {
            Some(peer) if !peer.closed => peer.channels.iter().filter(|(_, c)| c.open).map(|(&n, _)| n).collect(),
            _ => Vec::new(),
        };
        let (sentinel, exclusive) = (format!("sentinel-{name}"), format!("sentinel-exclusive-{name}"));
        if let Some(peer) = self.peers.get_mut(name) {
            self.probe.ask(1, a_queue(&sentinel));
            for &number in &channels {
                peer.ask(number, basic::Consume { queue: sentinel.as_str().into(), ..Default::default() });
            }
            if let Some(&number) = channels.first() {
                peer.ask(number, queue::Declare { exclusive: true, ..a_queue(&exclusive) });
            }
            peer.client.kill();
        }
        self.peers.remove(name);
        let gone = |script: &mut Self| {
            script.counts(&sentinel).is_none_or(|(_, consumers)| consumers == 0)
                && script.probe.ask(1, is_there_a_queue(&exclusive)).contains("404")
        };
        self.until(gone);
        self.probe.ask(1, queue::Delete { queue: sentinel.as_str().into(), ..Default::default() });
        self.finish(format!("{name} dies"), Vec::new());
    }

    /// Has the broker end in good order and start again on what it has kept, and goes on with it.
    pub fn restart(&mut self, restart: impl FnOnce()) {
        restart();
        let mut peers: Vec<_> = std::mem::take(&mut self.peers).into_iter().collect();
        for (_, peer) in &mut peers {
            peer.read_until(|_| false);
        }
        self.probe = Peer::open(self.addr, &Hello::default());
        self.finish("the broker restarts".to_owned(), peers);
    }

    // ---- operations ----

    /// Sends a method and waits for its answer.
    pub fn call(&mut self, at: At, method: impl Method) {
        let method = method.class();
        let operation = format!("{}/{} {}", at.0, at.1, show::method(&method));
        let channel = self.channel(at);
        let opening = matches!(method, AMQPClass::Channel(Channel::Open(_)));
        if !channel.open && !opening {
            return self.finish(format!("{operation} (the channel is closed)"), Vec::new());
        }
        channel.awaiting = true;
        channel.prepare(&method);
        let name = channel.declared_name(&method);
        let peer = self.peer(at.0);
        peer.client.send_method(at.1, method.clone());
        let answered = peer.read_until(|peer| peer.channels.get(&at.1).is_none_or(|channel| !channel.awaiting));
        let channel = self.channel(at);
        if !answered {
            channel.awaiting = false;
            channel.observed.push("no answer".to_owned());
        }
        if channel.open
            && let Some(name) = name
        {
            let name = if name.is_empty() { self.last_queue(at) } else { name };
            self.remember(&method, name);
        }
        self.finish(operation, Vec::new());
    }

    /// Sends a method that has no answer.
    pub fn tell(&mut self, at: At, method: impl Method) {
        let method = method.class();
        let operation = format!("{}/{} {}", at.0, at.1, show::method(&method));
        let channel = self.channel(at);
        if !channel.open {
            return self.finish(format!("{operation} (the channel is closed)"), Vec::new());
        }
        channel.prepare(&method);
        let name = channel.declared_name(&method);
        self.peer(at.0).client.send_method(at.1, method.clone());
        if let Some(name) = name {
            self.remember(&method, name);
        }
        self.finish(operation, Vec::new());
    }

    pub fn publish(&mut self, at: At, publish: basic::Publish, body: &str) {
        self.publish_with(at, publish, AMQPProperties::default(), body.as_bytes());
    }

    pub fn publish_with(&mut self, at: At, publish: basic::Publish, properties: AMQPProperties, body: &[u8]) {
        self.publish_all(at, publish, properties, &[body]);
    }

    /// Publishes several messages without looking at what they cause in between. How many of them one confirmation
    /// answers is the broker's choice of the moment.
    pub fn publish_all(&mut self, at: At, publish: basic::Publish, properties: AMQPProperties, bodies: &[&[u8]]) {
        self.publish_several(at, publish, properties, bodies, bodies.len() == 1);
    }

    /// The same for messages that the broker confirms before it looks at the next one: those that no queue takes.
    pub fn publish_all_one_by_one(
        &mut self,
        at: At,
        publish: basic::Publish,
        properties: AMQPProperties,
        bodies: &[&[u8]],
    ) {
        self.publish_several(at, publish, properties, bodies, true);
    }

    fn publish_several(
        &mut self,
        at: At,
        publish: basic::Publish,
        properties: AMQPProperties,
        bodies: &[&[u8]],
        one_by_one: bool,
    ) {
        let shown: Vec<_> = bodies.iter().map(|body| show::body(body)).collect();
        let method = publish.class();
        let operation = format!(
            "{}/{} {}{} {}",
            at.0,
            at.1,
            show::method(&method),
            show::properties(&properties),
            shown.join(", ")
        );
        let channel = self.channel(at);
        if !channel.open {
            return self.finish(format!("{operation} (the channel is closed)"), Vec::new());
        }
        channel.one_by_one = one_by_one && channel.unconfirmed.is_empty();
        bodies.iter().for_each(|_| channel.expect_confirm());
        let peer = self.peer(at.0);
        for body in bodies {
            peer.client.send_method(at.1, method.clone());
            peer.client.send_content(at.1, &properties, body);
        }
        self.finish(operation, Vec::new());
    }

    /// Publishes a message with these bytes for its properties, flags first.
    pub fn publish_raw(&mut self, at: At, publish: basic::Publish, properties: &[u8], body: &str) {
        let shown = show::bytes(properties);
        let operation = format!("{}/{} {} {shown} {body:?}", at.0, at.1, show::method(&publish.clone().class()));
        let channel = self.channel(at);
        if !channel.open {
            return self.finish(format!("{operation} (the channel is closed)"), Vec::new());
        }
        channel.expect_confirm();
        let client = &mut self.peer(at.0).client;
        client.send_method(at.1, publish.class());
        client.send_raw_content(at.1, properties, body.as_bytes());
        self.finish(operation, Vec::new());
    }

    /// Sends bytes that no proper client would send, on a channel that is open, and observes how the broker ends that.
    pub fn send_raw(&mut self, at: At, what: &str, bytes: &[u8]) {
        self.channel(at).awaiting = true;
        self.peer(at.0).client.send_bytes(bytes);
        self.await_what_raw_bytes_cause(at, what);
    }

    fn await_what_raw_bytes_cause(&mut self, at: At, what: &str) {
        self.peer(at.0).read_until(|peer| peer.channels.get(&at.1).is_none_or(|channel| !channel.awaiting));
        self.channel(at).awaiting = false;
        self.finish(format!("{}/{} sends {what}", at.0, at.1), Vec::new());
    }

    /// The same on several connections at once, since a broker lets those wait that send nonsense.
    pub fn send_raw_on_each(&mut self, cases: &[(At, &str, Vec<u8>)]) {
        for (at, _, bytes) in cases {
            self.channel(*at).awaiting = true;
            self.peer(at.0).client.send_bytes(bytes);
        }
        for (at, what, _) in cases {
            self.await_what_raw_bytes_cause(*at, what); // it may have come while another was waited for
        }
    }

    // ---- waiting for what takes its time: it belongs to the operation before ----

    /// Waits until a queue has so many ready messages: for what a broker does by the clock, or through a quorum.
    pub fn until_ready(&mut self, queue: &str, ready: u32) {
        let reached = self.until(|script| script.counts(queue).is_some_and(|(count, _)| count == ready));
        self.finish_waiting(format!("{queue} has {ready} ready"), reached);
    }

    pub fn until_queue_is_gone(&mut self, queue: &str) {
        let reached = self.until(|script| script.counts(queue).is_none());
        self.finish_waiting(format!("{queue} is gone"), reached);
    }

    /// Waits until an exchange is gone.
    pub fn until_exchange_is_gone(&mut self, name: &str) {
        let reached = self.until(|script| script.probe.ask(1, is_there_an_exchange(name)).contains("404"));
        self.finish_waiting(format!("{name} is gone"), reached);
    }

    /// Waits until the last operation has caused so many things on a channel.
    pub fn until_observed(&mut self, at: At, count: usize) {
        let here = format!("{}/{} ←", at.0, at.1);
        let earlier = self.steps.last().map_or(0, |step| step.observed.iter().filter(|l| l.starts_with(&here)).count());
        self.channel(at);
        let peer = self.peer(at.0);
        let reached = peer.read_until(|peer| earlier + peer.channels[&at.1].observed.len() >= count);
        self.finish_waiting(format!("{}/{} has seen {count}", at.0, at.1), reached);
    }

    /// Waits until the broker closes a connection.
    pub fn until_closed(&mut self, name: &'static str) {
        let reached = self.peer(name).read_until(|_| false);
        self.finish_waiting(format!("{name} is closed"), reached);
    }

    // ---- what was observed ----

    /// The delivery tags on a channel that wait for an acknowledgement.
    pub fn unacknowledged(&mut self, at: At) -> Vec<u64> {
        self.channel(at).unacknowledged.clone()
    }

    pub fn consumers(&mut self, at: At) -> Vec<String> {
        self.channel(at).consumers.clone()
    }

    /// The queue from which a channel consumes already.
    pub fn consumes_from(&mut self, at: At) -> Option<String> {
        self.channel(at).consumes_from.clone()
    }

    /// Whether the queue is there, as of the last operation.
    pub fn exists(&self, queue: &str) -> bool {
        self.watched.get(queue).is_some_and(Option::is_some)
    }

    pub fn is_open(&mut self, at: At) -> bool {
        self.channel(at).open
    }

    /// Whether a channel has been switched to transactions.
    pub fn is_transacting(&mut self, at: At) -> bool {
        self.channel(at).transacting
    }

    /// The name in the last queue.declare-ok.
    pub fn last_queue(&mut self, at: At) -> String {
        self.channel(at).last_queue.clone()
    }

    /// The reply-to property of the last message.
    pub fn last_reply_to(&mut self, at: At) -> String {
        self.channel(at).last_reply_to.clone()
    }

    /// Don't ask for this queue's counts: asking is use, which keeps a queue with `x-expires` alive.
    pub fn look_away_from(&mut self, queue: &str) {
        self.watched.remove(queue);
    }

    /// Everything that was observed. What the script declared is deleted.
    pub fn end(mut self) -> Vec<Step> {
        let names: Vec<_> = self.peers.keys().copied().collect();
        for name in names {
            self.close(name);
        }
        self.tell_last_step();
        for queue in std::mem::take(&mut self.declared.0) {
            self.probe.ask(1, queue::Delete { queue: queue.as_str().into(), ..Default::default() });
        }
        for exchange in std::mem::take(&mut self.declared.1) {
            self.probe.ask(1, exchange::Delete { exchange: exchange.as_str().into(), ..Default::default() });
        }
        self.steps
    }

    // ---- how it works ----

    fn peer(&mut self, name: &'static str) -> &mut Peer {
        self.peers.entry(name).or_insert_with(|| {
            let mut peer = Peer::open(self.addr, &Hello::default());
            peer.client.raw_properties = self.raw_properties;
            peer
        })
    }

    fn channel(&mut self, at: At) -> &mut ChannelView {
        let peer = self.peer(at.0);
        if !peer.closed && !peer.channels.contains_key(&at.1) && at.1 != 0 {
            peer.open_channel(at.1);
        }
        peer.channels.entry(at.1).or_insert_with(|| ChannelView { open: at.1 == 0, ..Default::default() })
    }

    fn remember(&mut self, method: &AMQPClass, name: String) {
        match method {
            AMQPClass::Exchange(_) => {
                self.declared.1.insert(name);
            }
            AMQPClass::Queue(Queue::Declare(declare)) => {
                // Others may not look at an exclusive queue, and who looks at one that expires keeps it alive.
                if !declare.exclusive && !declare.arguments.inner().contains_key("x-expires") {
                    self.watched.entry(name.clone()).or_default();
                } else {
                    self.look_away_from(&name);
                }
                self.declared.0.insert(name);
            }
            _ => {}
        }
    }

    fn until(&mut self, mut reached: impl FnMut(&mut Self) -> bool) -> bool {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if reached(self) {
                return true;
            }
            thread::sleep(Duration::from_millis(2)); // between two looks, not instead of one
        }
        false
    }

    /// Settles, and notes what was observed.
    fn finish(&mut self, operation: String, also: Vec<(&'static str, Peer)>) {
        self.before = self.watched.clone();
        let observed = self.observe(also, Some(self.steps.len()));
        let operation = self.invented.number(&operation);
        self.tell_last_step();
        self.steps.push(Step { operation, observed });
    }

    fn tell_last_step(&self) {
        if let (Some(report), Some(step)) = (&self.report, self.steps.last()) {
            let _ = report.send(step.observed.clone()); // nobody may want it
        }
    }

    /// What there is to see once the brokers have settled, channel by channel, and then the queues that have changed since
    /// the operation began.
    fn observe(&mut self, mut also: Vec<(&'static str, Peer)>, step: Option<usize>) -> Vec<String> {
        self.settle();
        let mut observed = self.take_observed(&mut also);
        let end = Instant::now() + SETTLE_PATIENCE;
        while Instant::now() < end {
            let Some(expected) = step.and_then(|step| self.expected.step(step)) else { break };
            if observed.len() >= expected.len() && queue_lines(&observed).eq(queue_lines(expected)) {
                break;
            }
            self.settle();
            observed.retain(|line| !line.starts_with("queue ")); // they are noted anew
            observed.extend(self.take_observed(&mut also));
        }
        let place = |line: &String| match line.split_once(" ← ") {
            Some((at, _)) => (false, at.to_owned()),
            None => (true, line.clone()),
        };
        observed.sort_by_key(place); // stable: of each channel in the order of arrival
        observed.iter().map(|line| self.invented.number(line)).collect()
    }

    fn take_observed(&mut self, also: &mut [(&'static str, Peer)]) -> Vec<String> {
        let mut observed = Vec::new();
        for (name, peer) in also {
            observed.extend(peer.take_observed(name));
        }
        for (name, peer) in &mut self.peers {
            observed.extend(peer.take_observed(name));
        }
        for (queue, counts) in &self.watched {
            if self.before.get(queue) != Some(counts) {
                observed.push(match counts {
                    Some((ready, consumers)) => format!("queue {queue}: {ready} ready, {consumers} consumers"),
                    None => format!("queue {queue}: missing"),
                });
            }
        }
        observed
    }

    /// Adds what was waited for to the operation before.
    fn finish_waiting(&mut self, what: String, reached: bool) {
        let observed = self.observe(Vec::new(), None);
        let Some(step) = self.steps.last_mut() else { return };
        let outcome = if reached { "" } else { " (in vain)" };
        step.operation = format!("{}, until {what}{outcome}", step.operation);
        // Of a queue's counts only the last are certain: how they went there is a matter of the moment.
        step.observed.retain(|line| !line.starts_with("queue "));
        step.observed.extend(observed);
        step.observed.sort_by_key(|line| line.starts_with("queue ")); // stable: what was seen first, then the queues
    }

    fn settle(&mut self) {
        let mut quiet = 0;
        let end = Instant::now() + PATIENCE;
        while quiet < 2 && Instant::now() < end {
            let noise: usize = self.peers.values().map(Peer::noise).sum();
            let before = self.watched.clone();
            for peer in self.peers.values_mut() {
                peer.send_barriers();
            }
            for peer in self.peers.values_mut() {
                peer.read_until(|peer| peer.channels.values().all(|channel| channel.barriers == 0));
                peer.await_confirms();
            }
            self.look();
            let same = noise == self.peers.values().map(Peer::noise).sum::<usize>() && before == self.watched;
            quiet = if same { quiet + 1 } else { 0 };
        }
    }

    /// Asks for the counts of all watched queues at once, each on a channel of its own since a missing queue closes one.
    fn look(&mut self) {
        let names: Vec<_> = self.watched.keys().cloned().collect();
        for (index, name) in names.iter().enumerate() {
            self.probe.start(index as u16 + 1, is_there_a_queue(name));
        }
        for (index, name) in names.into_iter().enumerate() {
            let answer = self.probe.answer(index as u16 + 1);
            self.watched.insert(name, counts(&answer));
        }
    }

    fn counts(&mut self, queue: &str) -> Counts {
        counts(&self.probe.ask(1, is_there_a_queue(queue)))
    }
}

fn queue_lines(observed: &[String]) -> impl Iterator<Item = &String> {
    observed.iter().filter(|line| line.starts_with("queue "))
}

/// Reads `queue.declare-ok queue="q", message_count: 1, consumer_count: 0`.
fn counts(answer: &str) -> Counts {
    let number = |name: &str| {
        let (_, rest) = answer.split_once(name)?;
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
    };
    Some((number("message_count: ")?, number("consumer_count: ")?))
}

impl Peer {
    fn open(addr: SocketAddr, hello: &Hello) -> Self {
        Self { client: Client::open_as(addr, hello), closed: false, channels: BTreeMap::new() }
    }

    fn open_channel(&mut self, number: u16) {
        self.channels.insert(number, ChannelView { open: true, awaiting: true, ..Default::default() });
        self.client.send_method(number, channel::Open {}.class());
        self.read_until(|peer| !peer.channels[&number].awaiting);
        if let Some(channel) = self.channels.get_mut(&number) {
            channel.observed.retain(|line| !line.contains("open-ok"));
        }
    }

    /// Asks on a channel whose traffic nobody observes.
    fn ask(&mut self, number: u16, method: impl Method) -> String {
        self.start(number, method);
        self.answer(number)
    }

    fn start(&mut self, number: u16, method: impl Method) {
        if !self.channels.get(&number).is_some_and(|channel| channel.open) {
            self.open_channel(number);
        }
        if let Some(channel) = self.channels.get_mut(&number) {
            channel.awaiting = true;
        }
        self.client.send_method(number, method.class());
    }

    fn answer(&mut self, number: u16) -> String {
        self.read_until(|peer| !peer.channels[&number].awaiting);
        self.channels.get_mut(&number).map(|channel| channel.observed.split_off(0).join(" ")).unwrap_or_default()
    }

    /// Reads until the condition holds or the connection is closed. `false`: neither happened in time.
    fn read_until(&mut self, done: impl Fn(&Self) -> bool) -> bool {
        let end = Instant::now() + PATIENCE;
        while !done(self) && !self.closed {
            if !self.take_next(end) {
                return false;
            }
        }
        true
    }

    fn has_closed_politely(&self) -> bool {
        self.channels.get(&0).is_some_and(|view| view.observed.iter().any(|line| line == "connection.close-ok"))
    }

    fn send_barriers(&mut self) {
        if self.closed {
            return;
        }
        for (&number, channel) in &mut self.channels {
            if channel.open && number != 0 {
                channel.barriers += 1;
                self.client.send_method(number, is_there_an_exchange("amq.direct").class());
            }
        }
    }

    fn await_confirms(&mut self) {
        if !self.read_until(|peer| peer.channels.values().all(|channel| channel.unconfirmed.is_empty())) {
            for channel in self.channels.values_mut() {
                let missing = std::mem::take(&mut channel.unconfirmed);
                if !missing.is_empty() {
                    channel.observed.push(format!("no confirmation of {missing:?}"));
                }
            }
        }
    }

    fn noise(&self) -> usize {
        let noise = |channel: &ChannelView| {
            let confirmed = channel.confirmations.len() + channel.acked.len() + channel.nacked.len();
            channel.observed.len() + confirmed
        };
        self.channels.values().map(noise).sum()
    }

    fn take_observed(&mut self, name: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for (number, channel) in &mut self.channels {
            let mut own = std::mem::take(&mut channel.observed);
            // Whether a queue's confirmation or its delivery comes first is a matter of the moment, so confirmations
            // are listed last; how many one frame carries may be the broker's choice.
            own.append(&mut channel.confirmations);
            for (verdict, tags) in [("acks", &mut channel.acked), ("nacks", &mut channel.nacked)] {
                let tags = std::mem::take(tags);
                if !tags.is_empty() {
                    own.push(format!("the broker {verdict} {tags:?}"));
                }
            }
            lines.extend(own.into_iter().map(|line| format!("{name}/{number} ← {line}")));
        }
        lines
    }

    /// Takes in what comes next; `false` when nothing comes in time.
    fn take_next(&mut self, deadline: Instant) -> bool {
        match self.client.next_before(deadline) {
            None => return false,
            Some(Incoming::Closed) => {
                self.end("the socket is closed");
            }
            Some(Incoming::Garbage(bytes)) if bytes[0] == 2 => {
                let size = u64::from_be_bytes(bytes[11..19].try_into().expect("eight bytes"));
                let shown = format!(" {}", show::bytes(&bytes[19..bytes.len() - 1]));
                self.at(u16::from_be_bytes([bytes[1], bytes[2]])).take_header(size, shown);
            }
            Some(Incoming::Garbage(bytes)) => self.at(0).observed.push(format!("nonsense: {bytes:?}")),
            Some(Incoming::Frame(AMQPFrame::Method(0, AMQPClass::Connection(Connection::Close(close))))) => {
                let line = show::method(&close.class());
                self.at(0).observed.push(line);
                self.client.send_method(0, connection::CloseOk {}.class());
            }
            Some(Incoming::Frame(AMQPFrame::Method(number, method))) => self.take_method(number, method),
            Some(Incoming::Frame(AMQPFrame::Header(number, header))) => {
                let shown = show::properties(&header.properties);
                let reply_to = header.properties.reply_to().clone();
                let channel = self.at(number);
                if let Some(reply_to) = reply_to {
                    channel.last_reply_to = reply_to.to_string();
                }
                channel.take_header(header.body_size, shown);
            }
            Some(Incoming::Frame(AMQPFrame::Body(number, body))) => {
                let channel = self.at(number);
                match &mut channel.content {
                    Some(content @ Content { properties: Some(_), .. }) => {
                        content.frames.push(body.len());
                        content.body.extend(body);
                        channel.finish_content();
                    }
                    _ => channel.observed.push(format!("a body out of place: {}", show::body(&body))),
                }
            }
            Some(Incoming::Frame(AMQPFrame::Heartbeat)) => {}
            Some(Incoming::Frame(other)) => self.at(0).observed.push(format!("{other:?}")),
        }
        true
    }

    fn take_method(&mut self, number: u16, method: AMQPClass) {
        let channel = self.at(number);
        let shown = show::method(&method);
        if let Some(content) = channel.content.take() {
            channel.observed.push(format!("in the midst of a message ({}):", content.method));
        }
        match &method {
            AMQPClass::Exchange(Exchange::DeclareOk(_)) if channel.barriers > 0 => {
                channel.barriers -= 1;
                return;
            }
            AMQPClass::Basic(Basic::Ack(basic::Ack { delivery_tag, multiple })) => {
                return channel.confirmed(*delivery_tag, *multiple, true, &shown);
            }
            AMQPClass::Basic(Basic::Nack(basic::Nack { delivery_tag, multiple, .. })) => {
                return channel.confirmed(*delivery_tag, *multiple, false, &shown);
            }
            AMQPClass::Basic(Basic::Deliver(deliver)) => {
                if !channel.no_ack.contains(deliver.consumer_tag.as_str()) {
                    channel.unacknowledged.push(deliver.delivery_tag);
                }
                return channel.begin_content(shown);
            }
            AMQPClass::Basic(Basic::GetOk(got)) => {
                if !channel.no_ack.contains("") {
                    channel.unacknowledged.push(got.delivery_tag);
                }
                return channel.begin_content(shown); // the answer is complete with its body
            }
            AMQPClass::Basic(Basic::Return(_)) => {
                let late = channel.confirming && channel.published > 0 && channel.unconfirmed.is_empty();
                return channel.begin_content(if late { shown + " after its confirmation" } else { shown });
            }
            AMQPClass::Channel(Channel::Close(_)) => {
                channel.observed.push(shown);
                channel.end();
                self.client.send_method(number, channel::CloseOk {}.class());
                return;
            }
            AMQPClass::Basic(Basic::Cancel(cancel)) => {
                channel.consumers.retain(|tag| tag != cancel.consumer_tag.as_str());
                channel.observed.push(shown);
                return; // it answers nothing
            }
            AMQPClass::Channel(Channel::Flow(_)) => {
                channel.observed.push(shown);
                return;
            }
            AMQPClass::Channel(Channel::CloseOk(_)) => channel.end(),
            AMQPClass::Channel(Channel::OpenOk(_)) => {
                let observed = std::mem::take(&mut channel.observed);
                let confirmations = std::mem::take(&mut channel.confirmations);
                *channel = ChannelView { open: true, observed, confirmations, ..Default::default() };
            }
            AMQPClass::Confirm(_) => channel.confirming = true,
            AMQPClass::Tx(tx::AMQPMethod::SelectOk(_)) => channel.transacting = true,
            AMQPClass::Basic(Basic::ConsumeOk(ok)) => channel.consumers.push(ok.consumer_tag.to_string()),
            AMQPClass::Basic(Basic::CancelOk(ok)) => channel.consumers.retain(|tag| tag != ok.consumer_tag.as_str()),
            AMQPClass::Queue(Queue::DeclareOk(ok)) => channel.last_queue = ok.queue.to_string(),
            _ => {}
        }
        channel.awaiting = false;
        channel.observed.push(shown);
    }

    fn at(&mut self, number: u16) -> &mut ChannelView {
        self.channels.entry(number).or_default()
    }

    fn end(&mut self, how: &str) {
        self.closed = true;
        self.at(0).observed.push(how.to_owned());
        for channel in self.channels.values_mut() {
            channel.end();
        }
    }
}

impl ChannelView {
    /// Notes what the answer to this method will not tell.
    fn prepare(&mut self, method: &AMQPClass) {
        match method {
            AMQPClass::Basic(Basic::Consume(consume)) => {
                self.consumes_from = Some(consume.queue.to_string());
                if consume.no_ack {
                    self.no_ack.insert(consume.consumer_tag.to_string());
                }
            }
            AMQPClass::Basic(Basic::Get(get)) => {
                if get.no_ack {
                    self.no_ack.insert(String::new());
                } else {
                    self.no_ack.remove("");
                }
            }
            AMQPClass::Basic(Basic::Ack(basic::Ack { delivery_tag, multiple }))
            | AMQPClass::Basic(Basic::Nack(basic::Nack { delivery_tag, multiple, .. })) => {
                self.acknowledge(*delivery_tag, *multiple);
            }
            AMQPClass::Basic(Basic::Reject(reject)) => self.acknowledge(reject.delivery_tag, false),
            AMQPClass::Basic(Basic::Recover(_) | Basic::RecoverAsync(_)) => self.unacknowledged.clear(),
            _ => {}
        }
    }

    /// A message is about to be published.
    fn expect_confirm(&mut self) {
        if self.confirming {
            self.published += 1;
            self.unconfirmed.insert(self.published);
        }
    }

    fn acknowledge(&mut self, tag: u64, multiple: bool) {
        self.unacknowledged.retain(|&other| other != tag && !(multiple && (other < tag || tag == 0)));
    }

    fn declared_name(&self, method: &AMQPClass) -> Option<String> {
        match method {
            AMQPClass::Exchange(Exchange::Declare(declare)) if !declare.passive => Some(declare.exchange.to_string()),
            AMQPClass::Queue(Queue::Declare(declare)) if !declare.passive => Some(declare.queue.to_string()),
            _ => None,
        }
    }

    fn confirmed(&mut self, tag: u64, multiple: bool, good: bool, shown: &str) {
        let tags: Vec<_> =
            self.unconfirmed.iter().copied().filter(|&other| other == tag || multiple && other <= tag).collect();
        if tags.is_empty() {
            return self.observed.push(format!("{shown} for nothing"));
        }
        if self.one_by_one {
            self.unconfirmed.retain(|tag| !tags.contains(tag));
            self.confirmations.push(shown.to_owned());
            return;
        }
        for tag in tags {
            self.unconfirmed.remove(&tag);
            if good {
                self.acked.insert(tag)
            } else {
                self.nacked.insert(tag)
            };
        }
    }

    fn begin_content(&mut self, method: String) {
        self.content = Some(Content { method, properties: None, body: Vec::new(), frames: Vec::new() });
    }

    fn take_header(&mut self, size: u64, properties: String) {
        match &mut self.content {
            Some(content @ Content { properties: None, .. }) => {
                content.properties = Some((size, properties));
                self.finish_content();
            }
            _ => self.observed.push(format!("a header out of place:{properties}")),
        }
    }

    fn finish_content(&mut self) {
        let Some(content) = self.content.take() else { return };
        let Some((size, properties)) = &content.properties else { return };
        if (content.body.len() as u64) < *size {
            self.content = Some(content);
            return;
        }
        let frames =
            if content.frames.len() > 1 { format!(" in frames of {:?}", content.frames) } else { String::new() };
        let body = show::body(&content.body);
        self.observed.push(format!("{} |{properties} {body}{frames}", content.method));
        if content.method.starts_with("basic.get-ok") {
            self.awaiting = false;
        }
    }

    fn end(&mut self) {
        let observed = std::mem::take(&mut self.observed);
        let confirmations = std::mem::take(&mut self.confirmations);
        let (acked, nacked) = (std::mem::take(&mut self.acked), std::mem::take(&mut self.nacked));
        *self = Self { observed, confirmations, acked, nacked, ..Default::default() };
    }
}

/// The steps in which two brokers differ, side by side; `None` when they don't.
pub fn differences(rabbitmq: &[Step], office: &[Step]) -> Option<String> {
    let mut report = String::new();
    let mut found = 0;
    for index in 0..rabbitmq.len().max(office.len()) {
        let (left, right) = (rabbitmq.get(index), office.get(index));
        if left == right {
            continue;
        }
        found += 1;
        if found > 3 {
            report += "… and more\n";
            break;
        }
        let operation = left.or(right).map_or("", |step| &step.operation);
        report += &format!("step {index}: {operation}\n");
        if let (Some(left), Some(right)) = (left, right)
            && left.operation != right.operation
        {
            report += &format!("  (the post office's script went on with {})\n", right.operation);
        }
        for (broker, step) in [("RabbitMQ       ", left), ("the post office", right)] {
            let observed = step.map(|step| step.observed.clone()).unwrap_or_default();
            for line in if observed.is_empty() { vec!["(nothing)".to_owned()] } else { observed } {
                report += &format!("  {broker}: {line}\n");
            }
        }
    }
    (found > 0).then(|| {
        let transcript: Vec<_> = rabbitmq.iter().map(|step| format!("  {}", step.operation)).collect();
        format!("{report}\nthe whole script:\n{}", transcript.join("\n"))
    })
}

/// Steps as a text to read.
pub fn transcript(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        text += &format!("{}\n", step.operation);
        for line in &step.observed {
            text += &format!("    {line}\n");
        }
    }
    text
}
