//! The interactive figure of P → queue → C can't lie: its rules, run in a browser, against a post office and RabbitMQ.

#![cfg(unix)]

#[allow(dead_code)] // each test file uses its part
mod reader;
#[allow(dead_code)] // each test file uses its part
mod served;

use chromiumoxide::cdp::browser_protocol::emulation::{
    MediaFeature, SetDeviceMetricsOverrideParams, SetEmulatedMediaParams,
};
use futures_lite::{StreamExt, future};
use lapin::{
    Acker, BasicProperties, Channel, Connection, ConnectionProperties, Consumer,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions,
        ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    types::FieldTable,
};
use postoffice::PostOffice;
use rabbitmq_node::Node;
use reader::{Reader, files};
use serde::Deserialize;
use std::{
    collections::VecDeque,
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{sleep, timeout},
};

const QUEUE: &str = "hello";
/// For a broker that has much to do.
const DEADLINE: Duration = Duration::from_secs(60);

/// What readers are told to try, and what they will try.
const SCRIPTS: [&str; 6] = [
    "send send open send finish finish finish close send",
    "by_hand send open send finish send crash send open finish finish close open",
    "send open send crash send open finish crash",
    "by_hand send send send open finish crash open crash by_itself open finish crash open",
    "open by_hand send crash by_hand by_hand open send close open finish crash",
    "finish close crash open open close close send by_hand open crash crash open finish finish",
];

/// What can be seen after a step.
#[derive(Debug, PartialEq, Deserialize)]
struct Seen {
    /// What waits, in order, with its mark; a look at RabbitMQ's queue would change it, so there only the number.
    ready: Vec<(u32, bool)>,
    unacked: usize,
    consumers: u32,
    /// Every delivery so far: the letter and whether it was marked as redelivered.
    received: Vec<(u32, bool)>,
}

/// What the figure shows after each step of a script.
fn figure(reader: &Reader, script: &[&str]) -> Vec<Seen> {
    let states = reader.eval(&format!(
        "JSON.stringify((steps => {{
            const model = new (customElements.get('message-flow').Model)();
            const letters = all => all.map(({{ number, redelivered }}) => [number, redelivered]);
            return steps.map(step => {{
                step.startsWith('by_') ? model.setManual(step === 'by_hand') : model[step]();
                const {{ ready, unacked, consumers, received }} = model;
                return {{ ready: letters(ready), unacked: unacked.length, consumers, received: letters(received) }};
            }});
        }})({script:?}))"
    ));
    serde_json::from_str(&states).unwrap_or_else(|error| panic!("{error}: {states}"))
}

/// A real broker, and what one can learn from it.
enum Broker {
    Office(PostOffice),
    RabbitMq { node: Node, asks_unacked: bool },
}

impl Broker {
    fn port(&self) -> u16 {
        match self {
            Self::Office(office) => office.address().port(),
            Self::RabbitMq { node, .. } => node.amqp_port(),
        }
    }

    /// Whether it holds what the figure shows.
    async fn agrees(&self, channel: &Channel, figure: &Seen) -> Result<(), String> {
        let (ready, unacked, consumers) = match self {
            Self::Office(office) => {
                let letters = office.peek(QUEUE).unwrap();
                let letters: Vec<_> = letters.iter().map(|letter| (number(&letter.body), letter.redelivered)).collect();
                if letters != figure.ready {
                    return Err(format!("{letters:?} wait"));
                }
                let queue = office.queue(QUEUE).unwrap();
                (queue.ready, queue.unacknowledged, queue.consumers as u32)
            }
            Self::RabbitMq { node, asks_unacked } => {
                let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
                let queue = channel.queue_declare(QUEUE.into(), passive, FieldTable::default()).await.unwrap();
                let seen = (queue.message_count() as usize, queue.consumer_count());
                if !asks_unacked || seen != (figure.ready.len(), figure.consumers) {
                    (seen.0, figure.unacked, seen.1)
                } else {
                    let columns = ["messages_ready", "messages_unacknowledged", "consumers"];
                    let told = node.rabbitmqctl().args(["list_queues", "--silent"]).args(columns).output().unwrap();
                    let told = String::from_utf8_lossy(&told.stdout).into_owned();
                    let last = told.lines().last().unwrap_or_default();
                    let told: Vec<u32> = last.split('\t').filter_map(|number| number.parse().ok()).collect();
                    let [ready, unacked, consumers] = told[..] else { panic!("rabbitmqctl said {last:?}") };
                    (ready as usize, unacked as usize, consumers)
                }
            }
        };
        if (ready, unacked, consumers) == (figure.ready.len(), figure.unacked, figure.consumers) {
            Ok(())
        } else {
            Err(format!("{ready} ready, {unacked} unacknowledged, {consumers} consumers"))
        }
    }
}

fn number(body: &[u8]) -> u32 {
    std::str::from_utf8(body).unwrap().parse().unwrap()
}

async fn connect(port: u16) -> Connection {
    Connection::connect(&format!("amqp://127.0.0.1:{port}"), ConnectionProperties::default()).await.unwrap()
}

/// A consumer whose line to the broker can be cut, as when its process is killed.
struct Program {
    connection: Connection,
    channel: Channel,
    consumer: Consumer,
    line: JoinHandle<()>,
    by_hand: bool,
    hands: VecDeque<Acker>,
}

impl Program {
    async fn start(broker: u16, by_hand: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = tokio::spawn(async move {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect((Ipv4Addr::LOCALHOST, broker)).await.unwrap();
            let _ = copy_bidirectional(&mut near, &mut far).await; // either side may hang up
        });
        let connection = connect(port).await;
        let channel = connection.create_channel().await.unwrap();
        let options = BasicConsumeOptions { no_ack: !by_hand, ..Default::default() };
        let consumer = channel.basic_consume(QUEUE.into(), "c".into(), options, FieldTable::default()).await.unwrap();
        Self { connection, channel, consumer, line, by_hand, hands: VecDeque::new() }
    }

    async fn finish(&mut self) {
        if let Some(acker) = self.hands.pop_front()
            && self.by_hand
        {
            acker.ack(BasicAckOptions::default()).await.unwrap();
        }
    }

    async fn close(mut self) {
        self.channel.basic_cancel("c".into(), BasicCancelOptions::default()).await.unwrap();
        while !self.hands.is_empty() {
            self.finish().await;
        }
        self.connection.close(200, "goodbye".into()).await.unwrap();
    }
}

/// Plays a script on a broker, which has to show after each step what the figure shows.
async fn play(broker: &Broker, script: &[&str], figure: &[Seen]) {
    let connection = connect(broker.port()).await;
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    channel.queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), FieldTable::default()).await.unwrap();
    let mut by_hand = false;
    let mut sent = 0;
    let mut received = Vec::new();
    let mut program: Option<Program> = None;

    for (i, (step, expected)) in script.iter().zip(figure).enumerate() {
        let played = script[..=i].join(" ");
        match (*step, &mut program) {
            ("send", _) => {
                sent += 1;
                let (options, body) = (BasicPublishOptions::default(), sent.to_string());
                let properties = BasicProperties::default();
                let confirm = channel.basic_publish("".into(), QUEUE.into(), options, body.as_bytes(), properties);
                confirm.await.unwrap().await.unwrap();
            }
            ("open", None) => program = Some(Program::start(broker.port(), by_hand).await),
            ("close", Some(_)) => program.take().unwrap().close().await,
            ("finish", Some(program)) => program.finish().await,
            ("crash", Some(_)) => program.take().unwrap().line.abort(),
            ("by_hand" | "by_itself", None) => by_hand = *step == "by_hand",
            _ => {} // there is nothing that could be done
        }
        if let Some(program) = &mut program {
            while received.len() < expected.received.len() {
                let delivery = timeout(DEADLINE, program.consumer.next()).await;
                let delivery = delivery.unwrap_or_else(|_| panic!("{played}: the broker delivers only {received:?}"));
                let delivery = delivery.unwrap().unwrap();
                received.push((number(&delivery.data), delivery.redelivered));
                program.hands.push_back(delivery.acker);
            }
            let more = future::poll_once(program.consumer.next()).await;
            assert!(more.is_none(), "{played}: the broker delivers more than the figure: {more:?}");
        }
        assert_eq!(received, expected.received, "{played}: this is what the broker delivers");
        let start = Instant::now();
        while let Err(seen) = broker.agrees(&channel, expected).await {
            assert!(start.elapsed() < DEADLINE, "{played}: the broker has {seen}, the figure shows {expected:?}");
            sleep(Duration::from_millis(5)).await; // between two looks
        }
    }

    // What RabbitMQ's queue still holds can be seen now that nothing follows.
    if let Some(program) = program {
        program.close().await;
    }
    let mut left = Vec::new();
    while let Some(letter) = channel.basic_get(QUEUE.into(), BasicGetOptions { no_ack: true }).await.unwrap() {
        left.push((number(&letter.data), letter.redelivered));
    }
    assert_eq!(left, figure.last().unwrap().ready, "{script:?}: this is left in the queue");
    channel.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await.unwrap();
    connection.close(200, "goodbye".into()).await.unwrap();
}

/// Scripts that nobody has thought of. What is played is printed when it fails.
fn random_scripts(count: usize) -> Vec<Vec<&'static str>> {
    const STEPS: [&str; 12] =
        ["send", "send", "send", "send", "open", "open", "finish", "finish", "close", "crash", "by_hand", "by_itself"];
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    let mut state = u64::from_le_bytes(seed);
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        STEPS[(state >> 33) as usize % STEPS.len()]
    };
    (0..count).map(|_| (0..40).map(|_| random()).collect()).collect()
}

fn scripts() -> Vec<Vec<&'static str>> {
    SCRIPTS.iter().map(|script| script.split(' ').collect()).collect()
}

fn open_the_figure() -> Option<Reader> {
    let reader = Reader::open("en")?;
    reader.go(&format!("{}/en/basic/model.html", files()));
    Some(reader)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figure_shows_what_a_post_office_does() {
    let Some(reader) = open_the_figure() else { return };
    for script in scripts().into_iter().chain(random_scripts(20)) {
        let office = Broker::Office(PostOffice::open().await.unwrap());
        play(&office, &script, &figure(&reader, &script)).await;
    }
    reader.nothing_went_wrong();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figure_shows_what_rabbitmq_does() {
    let Some(node) = Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]) else { return };
    let Some(reader) = open_the_figure() else { return };
    let mut broker = Broker::RabbitMq { node, asks_unacked: true };
    for script in scripts() {
        play(&broker, &script, &figure(&reader, &script)).await;
    }
    if let Broker::RabbitMq { asks_unacked, .. } = &mut broker {
        *asks_unacked = false; // rabbitmqctl takes a second, and 800 steps follow
    }
    for script in random_scripts(20) {
        play(&broker, &script, &figure(&reader, &script)).await;
    }
    reader.nothing_went_wrong();
}

/// Presses one of the figure's buttons.
#[track_caller]
fn press(reader: &Reader, words: &str) {
    let button = format!(
        "[...document.querySelectorAll('message-flow :is(button, label, summary)')]
            .find(button => button.innerText.includes({words:?}))"
    );
    reader.wait_for(&button);
    reader.eval(&format!("{button}.click()"));
}

#[test]
fn a_reader_sends_loses_and_gets_back_messages_in_the_figure() {
    let Some(reader) = open_the_figure() else { return };
    let says = |words: &str| {
        reader.wait_for(&format!(
            "document.querySelector('message-flow .flow-event').parentElement.innerText.includes({words:?})"
        ));
    };
    let shows = |place: &str, messages: &str| {
        reader.wait_for(&format!(
            "[...document.querySelectorAll('message-flow .flow-{place} .flow-message')]
                .map(message => message.textContent + (message.matches('.is-redelivered') ? 'r' : '')).join(' ') === {messages:?}"
        ));
    };
    press(&reader, "Start over");
    says("2 messages in the queue, 0 consumers"); // ready and unacked are explained further down
    press(&reader, "Send a message");
    says("Message 3 waits in the queue: no consumer is there.");
    shows("queue", "1 2 3");
    press(&reader, "Start the consumer");
    says("0 messages in the queue, 1 consumer");
    shows("done", "1 2 3"); // nobody looks closer: the consumer works by itself

    press(&reader, "Look closer");
    says("0 ready, 0 unacked, 1 consumer");
    press(&reader, "Send a message");
    press(&reader, "Crash the consumer");
    says("The broker had already deleted message 4: lost.");
    shows("lost", "4");
    press(&reader, "manual acknowledgement");
    press(&reader, "Start the consumer");
    press(&reader, "manual acknowledgement");
    says("When it starts, a consumer says how it acknowledges.");
    assert_eq!(reader.eval("document.querySelector('message-flow input').checked"), "true");
    press(&reader, "Send a message");
    press(&reader, "Send a message");
    press(&reader, "Get a message done and acknowledge it");
    says("0 ready, 1 unacked, 1 consumer");
    press(&reader, "Crash the consumer");
    says("redelivered: message 6");
    shows("queue", "6r");
    reader.nothing_went_wrong();
}

#[test]
fn a_prediction_is_locked_before_the_figure_plays_and_the_figure_keeps_its_size() {
    for (edition, width, theme, second, after) in [
        ("en", 1440, "light", "It waits in the queue.", "As you predicted."),
        ("zh-CN", 360, "navy", "在队列里等着。", "和你猜的一样。"),
        ("en", 768, "navy", "It waits in the queue.", "As you predicted."),
    ] {
        let Some(reader) = Reader::open("en") else { return };
        reader.ask(SetDeviceMetricsOverrideParams::new(width, 900, 1.0, false));
        reader.go(&format!("{}/{edition}/basic/model.html", files()));
        reader.eval(&format!("document.getElementById('mdbook-theme-{theme}').click()"));
        reader.wait_for("document.querySelector('.flow-answers button')");
        let height = || reader.eval("document.querySelector('message-flow').offsetHeight");
        let before = height();
        press(&reader, second);
        let pressed = "[...document.querySelectorAll('.flow-answers [aria-pressed=true]')].map(answer => answer.innerText.trim()).join()";
        assert_eq!(reader.eval(pressed), second);
        assert_eq!(
            reader.eval("document.querySelectorAll('.flow-queue .flow-message').length"),
            "0",
            "it plays before the lock"
        );
        reader.eval("document.querySelector('.flow-answers button').click()"); // locked
        assert_eq!(reader.eval(pressed), second);
        assert_eq!(height(), before, "{edition} at {width} px");
        reader.wait_for(&format!("document.querySelector('.flow-verdict').innerText.includes({after:?})"));
        assert_eq!(reader.eval("document.querySelector('.flow-answers .is-right').innerText.trim()"), second);
        assert_eq!(reader.eval("document.querySelectorAll('.flow-queue .flow-message').length"), "1");
        assert_eq!(height(), before, "{edition} at {width} px");
        // Whole cells: the box is a number of messages wide.
        let cells: f64 = reader
            .eval("(box => box.clientWidth / (2.6 * parseFloat(getComputedStyle(box).fontSize)))(document.querySelector('.flow-queue'))")
            .parse()
            .unwrap();
        assert!((cells - cells.round()).abs() < 0.05, "{edition} at {width} px: {cells} cells");
        reader.eval("document.querySelector('.flow-after button').click()");
        reader.wait_for("document.querySelector('.flow-number').innerText.includes('2 / 3')");
        reader.nothing_went_wrong();
    }
}

#[test]
fn the_figure_speaks_the_languages_of_its_edition() {
    let book = files();
    let Some(reader) = Reader::open("zh-CN") else { return };
    for (edition, words) in
        [("en", ["Send a message", ""]), ("zh-CN", ["发送一条消息", ""]), ("en-zh", ["Send a message", "发送一条消息"])]
    {
        reader.go(&format!("{book}/{edition}/basic/model.html"));
        let shown = reader.eval("document.querySelector('message-flow').innerText");
        assert!(words.iter().all(|word| shown.contains(word)), "{edition}: {shown}");
        assert_eq!(shown.contains("发送"), edition != "en", "{edition}: {shown}");
        assert_eq!(shown.contains("Send"), edition != "zh-CN", "{edition}: {shown}");
    }
    reader.nothing_went_wrong();
}

#[test]
fn the_figure_plays_when_asked_and_stands_still_on_paper() {
    let book = files();
    let Some(reader) = Reader::open("en") else { return };
    let emulate = |feature: &str, value: &str, media: &str| {
        let feature = MediaFeature::new(feature, value);
        reader.ask(SetEmulatedMediaParams::builder().media(media).feature(feature).build());
    };
    reader.go(&format!("{book}/en/basic/model.html"));
    press(&reader, "Play");
    reader.wait_for("document.querySelector('message-flow').innerText.includes('Pause')");
    reader.wait_for("document.querySelector('message-flow').innerText.includes('1 consumer')");
    assert_eq!(
        reader.eval("document.querySelector('message-flow .flow-event').parentElement.ariaLive"),
        "off",
        "a play must not be read out"
    );
    press(&reader, "Pause");
    reader.wait_for("document.querySelector('message-flow').innerText.includes('Play')");

    emulate("prefers-reduced-motion", "reduce", "print");
    let is_shown =
        |selector: &str| reader.eval(&format!("getComputedStyle(document.querySelector({selector:?})).display"));
    assert_eq!((is_shown("message-flow > svg"), is_shown(".flow-live")), ("inline".into(), "none".into()), "on paper");
    reader.nothing_went_wrong();
}
