//! The post office against RabbitMQ: both in one run, on one machine, with the same client (lapin), each broker a process
//! of its own. Prints Markdown tables.
//!
//! `cargo bench -p postoffice`, or with a section: `cargo bench -p postoffice -- topics` (`lapin`, `raw`, `latency`, `queue`,
//! `durable`).
//! Without `rabbitmq-server` there is only one column.
#![allow(unreachable_pub)] // the modules are the tests'

#[path = "../../tests/support/client.rs"]
#[allow(dead_code)]
mod client;
mod durable;
#[path = "../../tests/support/methods.rs"]
#[allow(dead_code)]
mod methods;
mod relay;

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame};
use client::{Client, Incoming, encode};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
        QueueDeclareOptions, QueueDeleteOptions,
    },
    types::FieldTable,
};
use methods::Method;
use postoffice::PostOffice;
use rabbitmq_node::Node;
use std::{
    collections::VecDeque,
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    process::{self, Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tokio::{
    runtime::Runtime,
    time::{interval, timeout},
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const QUEUE: &str = "bench";
/// Each throughput is the median of so many runs, the brokers in turns.
const RUNS: usize = 5;

/// A broker in another process.
struct Broker {
    addr: SocketAddr,
    process: u32,
}

impl Broker {
    fn uri(&self) -> String {
        format!("amqp://{}", self.addr)
    }

    /// The processor time that it has taken.
    fn cpu(&self) -> Duration {
        cpu(self.process)
    }

    fn memory(&self) -> f64 {
        resident(self.process)
    }
}

fn cpu(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().filter_map(|&n| fields.get(n)?.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10) // Linux counts in hundredths of a second
}

fn resident(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() * 1024.0
}

/// The command `postoffice` on a free port, and the pipe that it prints to; ends when dropped.
struct Office(Child, Broker, #[allow(dead_code)] BufReader<ChildStdout>);

impl Office {
    fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    fn start_with(arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_postoffice"))
            .args(["--listen", "127.0.0.1:0", "--memory-limit", "8000000000"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().ok_or("stdout is piped")?);
        stdout.read_line(&mut line)?;
        let addr = line.trim().rsplit("//").next().unwrap_or_default().parse()?;
        let process = child.id();
        Ok(Self(child, Broker { addr, process }, stdout))
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended
        let _ = self.0.wait();
    }
}

/// What one row measures, for each broker; `None` where it isn't there.
struct Row {
    what: String,
    office: f64,
    rabbitmq: Option<f64>,
    unit: &'static str,
    more_is_better: bool,
}

fn print(title: &str, rows: &[Row]) {
    println!("\n{title}\n\n| | post office | RabbitMQ | ratio |\n|---|--:|--:|--:|");
    for row in rows {
        let number = |value: f64| match value {
            value if value >= 1000.0 => format!("{value:.0} {}", row.unit),
            value if value >= 10.0 => format!("{value:.1} {}", row.unit),
            value => format!("{value:.2} {}", row.unit),
        };
        let ratio = row.rabbitmq.map(|other| if row.more_is_better { row.office / other } else { other / row.office });
        println!(
            "| {} | {} | {} | {} |",
            row.what,
            number(row.office),
            row.rabbitmq.map_or("–".into(), number),
            ratio.map_or("–".into(), |ratio| format!("{ratio:.1} ×"))
        );
    }
}

/// Both brokers, and the runtime of their client.
struct Contest {
    office: Office,
    rabbitmq: Option<Broker>,
    runtime: Runtime,
}

impl Contest {
    /// What each broker needs for something, RabbitMQ where it is there.
    fn measure<T>(&self, measure: impl Fn(&Broker) -> Result<T>) -> Result<(T, Option<T>)> {
        Ok((measure(&self.office.1)?, self.rabbitmq.as_ref().map(measure).transpose()?))
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(()); // `cargo test --all-targets` also comes here
    }
    let sections: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let wants = |section: &str| sections.is_empty() || sections.iter().any(|wanted| *wanted == section);

    let runtime = Runtime::new()?;
    let (open, memory) = runtime.block_on(opening())?; // before anything else has used memory
    println!("Opening a post office takes {open:.0} µs (median of 200); an idle one costs {memory:.1} KiB (of 200).");
    let node = Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]);
    let rabbitmq = node.as_ref().map(rabbitmq).transpose()?;
    let contest = Contest { office: Office::start()?, rabbitmq, runtime };
    if wants("lapin") {
        through_lapin(&contest)?;
    }
    if wants("raw") {
        through_a_raw_client(&contest)?;
    }
    if wants("latency") {
        light_load(&contest)?;
    }
    if wants("queue") {
        long_queue(&contest)?;
    }
    if wants("topics") {
        many_bindings(&contest)?;
    }
    if wants("durable") {
        durable::durable(&contest)?;
    }
    Ok(())
}

fn rabbitmq(node: &Node) -> Result<Broker> {
    let output = node.rabbitmqctl().args(["eval", "os:getpid()."]).output()?;
    let process = String::from_utf8_lossy(&output.stdout).trim().trim_matches('"').parse()?;
    Ok(Broker { addr: (Ipv4Addr::LOCALHOST, node.amqp_port()).into(), process })
}

fn through_lapin(contest: &Contest) -> Result<()> {
    let (mut throughput, mut effort) = (Vec::new(), Vec::new());
    for (size, shown, count) in [(16, "16 B", 60_000), (4096, "4 KiB", 20_000)] {
        for way in [Way::AutoAck, Way::ManualAck, Way::Confirms, Way::OneByOne] {
            let count = if way == Way::OneByOne { count / 20 } else { count };
            let what = format!("{}, {shown}", way.name());
            eprintln!("measuring {what} …");
            let (mut here, mut there) = (Vec::new(), Vec::new());
            for _ in 0..RUNS {
                let runs = contest.measure(|broker| contest.runtime.block_on(run(broker, way, size, count)))?;
                here.push(runs.0);
                there.extend(runs.1);
            }
            let (here, there) = (median(here).ok_or("no run")?, median(there));
            let cpu = |run: &Run| format!("{:.1} µs of {:.1} µs", run.broker_cpu, run.broker_cpu + run.client_cpu);
            effort.push(format!("| {what} | {} | {} |", cpu(&here), there.as_ref().map_or("–".into(), cpu)));
            let rabbitmq = there.map(|run| run.rate);
            throughput.push(Row { what, office: here.rate, rabbitmq, unit: "/s", more_is_better: true });
        }
    }
    print("Messages per second through lapin", &throughput);
    println!("\nProcessor time per message: the broker's, of the broker's and the client's together\n");
    println!("| | post office | RabbitMQ |\n|---|--:|--:|\n{}", effort.join("\n"));
    Ok(())
}

fn through_a_raw_client(contest: &Contest) -> Result<()> {
    let mut rows = Vec::new();
    for (size, shown) in [(16, "16 B"), (4096, "4 KiB")] {
        let (office, rabbitmq) = contest.measure(|broker| raw_throughput(broker, size))?;
        rows.push(Row { what: format!("auto-ack, {shown}"), office, rabbitmq, unit: "/s", more_is_better: true });
    }
    print("Messages per second with a client that only copies bytes", &rows);
    Ok(())
}

fn light_load(contest: &Contest) -> Result<()> {
    let relay = Broker { addr: relay::open()?, process: process::id() };
    let mut rows = Vec::new();
    for (client, latency) in
        [("lapin", through_lapin_lightly as Latency), ("a client that only copies bytes", raw_latency)]
    {
        eprintln!("measuring the latency with {client} …");
        let mut runs = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..RUNS {
            let (here, there) = contest.measure(|broker| latency(contest, broker))?;
            runs[0].push(here);
            runs[1].extend(there);
            runs[2].push(latency(contest, &relay)?);
        }
        for (index, what) in [(0, "median"), (1, "99th percentile")] {
            let [here, there, nobody] = runs.each_ref().map(|runs| middle(runs.iter().map(|run| run[index])));
            let number = |value: Option<f64>| value.map_or("–".into(), |value| format!("{value:.0} µs"));
            let ratio = here.zip(there).map_or("–".into(), |(here, there)| format!("{:.1} ×", there / here));
            let [here, there, nobody] = [here, there, nobody].map(number);
            rows.push(format!("| {client}: {what} | {here} | {there} | {ratio} | {nobody} |"));
        }
    }
    println!("\nFrom publish to receive, 500 messages per second; the last column is what the clients alone take\n");
    println!("| | post office | RabbitMQ | ratio | no broker |\n|---|--:|--:|--:|--:|\n{}", rows.join("\n"));
    Ok(())
}

/// Median and 99th percentile in microseconds.
type Latency = fn(&Contest, &Broker) -> Result<[f64; 2]>;

fn through_lapin_lightly(contest: &Contest, broker: &Broker) -> Result<[f64; 2]> {
    contest.runtime.block_on(latency(broker))
}

fn middle(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn long_queue(contest: &Contest) -> Result<()> {
    let (here, there) = contest.measure(queue_costs)?;
    let row = |what: &str, of: fn(&Costs) -> f64, unit| Row {
        what: what.into(),
        office: of(&here),
        rabbitmq: there.as_ref().map(of),
        unit,
        more_is_better: false,
    };
    let memory = row("memory per message, of a million", |costs| costs.memory, "B");
    let short = row("draining 1,000: per message", |costs| costs.drain_short, "µs");
    let long = row("draining 1,000,000: per message", |costs| costs.drain_long, "µs");
    print("A long queue of 16-byte messages", &[memory, short, long]);
    Ok(())
}

fn many_bindings(contest: &Contest) -> Result<()> {
    let (here, there) = contest.measure(topic_lookup)?;
    let row = |index: usize, what: &str| Row {
        what: what.into(),
        office: here[index],
        rabbitmq: there.map(|there| there[index]),
        unit: "µs",
        more_is_better: false,
    };
    let rows = [row(0, "10 bindings, one matches"), row(1, "10,000 bindings, one matches")];
    print("Publishing to a topic exchange, per message", &rows);
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    AutoAck,
    ManualAck,
    Confirms,
    OneByOne,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::AutoAck => "auto-ack",
            Self::ManualAck => "manual ack, prefetch 100",
            Self::Confirms => "confirms, asynchronous",
            Self::OneByOne => "confirms, one by one",
        }
    }
}

struct Run {
    rate: f64,
    /// Microseconds per message.
    broker_cpu: f64,
    client_cpu: f64,
}

async fn run(broker: &Broker, way: Way, size: usize, count: usize) -> Result<Run> {
    let (cpu_before, own_before) = (broker.cpu(), cpu(process::id()));
    let time = match way {
        Way::AutoAck | Way::ManualAck => transport(broker, way, size, count).await?,
        Way::Confirms | Way::OneByOne => confirmed(broker, way, size, count).await?,
    };
    let micros = |now: Duration, before: Duration| (now - before).as_secs_f64() * 1e6 / count as f64;
    Ok(Run {
        rate: count as f64 / time.as_secs_f64(),
        broker_cpu: micros(broker.cpu(), cpu_before),
        client_cpu: micros(cpu(process::id()), own_before),
    })
}

fn median(mut runs: Vec<Run>) -> Option<Run> {
    runs.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle)
}

async fn connect(broker: &Broker) -> Result<(Connection, Channel)> {
    let connection = Connection::connect(&broker.uri(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    Ok((connection, channel))
}

async fn consume(channel: &Channel, no_ack: bool) -> Result<Consumer> {
    let options = BasicConsumeOptions { no_ack, ..Default::default() };
    Ok(channel.basic_consume(QUEUE.into(), "bench".into(), options, FieldTable::default()).await?)
}

/// One connection publishes, another consumes, until everything has arrived.
async fn transport(broker: &Broker, way: Way, size: usize, count: usize) -> Result<Duration> {
    let (_receiving, receiver) = connect(broker).await?;
    let (_sending, sender) = connect(broker).await?;
    receiver.basic_qos(100, BasicQosOptions::default()).await?;
    let mut consumer = consume(&receiver, way == Way::AutoAck).await?;
    let body = vec![b'x'; size];
    let start = Instant::now();
    let publishing = tokio::spawn(async move {
        for _ in 0..count {
            let options = BasicPublishOptions::default();
            // without confirms there is nothing to wait for
            drop(sender.basic_publish("".into(), QUEUE.into(), options, &body, BasicProperties::default()).await?);
        }
        Ok::<_, lapin::Error>(sender)
    });
    for number in 0..count {
        let next = timeout(Duration::from_secs(60), consumer.next()).await;
        let delivery = next.map_err(|_| format!("message {number} of {count} never comes"))?.ok_or("no consumer")??;
        if way == Way::ManualAck {
            delivery.ack(BasicAckOptions::default()).await?;
        }
    }
    let time = start.elapsed();
    publishing.await??.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await?;
    Ok(time)
}

/// One connection publishes and waits for the confirms: for each before the next message, or up to 1,000 behind.
async fn confirmed(broker: &Broker, way: Way, size: usize, count: usize) -> Result<Duration> {
    let (_connection, channel) = connect(broker).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let window = if way == Way::OneByOne { 1 } else { 1000 };
    let body = vec![b'x'; size];
    let mut waiting = VecDeque::new();
    let start = Instant::now();
    for _ in 0..count {
        let options = BasicPublishOptions::default();
        waiting.push_back(
            channel.basic_publish("".into(), QUEUE.into(), options, &body, BasicProperties::default()).await?,
        );
        if waiting.len() >= window
            && let Some(oldest) = waiting.pop_front()
        {
            oldest.await?;
        }
    }
    for rest in waiting {
        rest.await?;
    }
    let time = start.elapsed();
    channel.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await?;
    Ok(time)
}

/// So many messages, and so long between two of them, for a latency.
const LIGHTLY: (usize, Duration) = (1000, Duration::from_millis(2));

/// One client waits with a system call for what another one sends.
fn raw_latency(_: &Contest, broker: &Broker) -> Result<[f64; 2]> {
    let (count, pause) = LIGHTLY;
    let (mut publisher, message) = raw_publisher(broker, "", QUEUE, 8)?;
    let mut consumer = RawConsumer::open(broker)?;
    consumer.consume(0)?;
    let receiving = thread::spawn(move || {
        let receive = |_| consumer.skip_frames(3).map(|()| Instant::now()).map_err(|error| error.to_string());
        (0..count).map(receive).collect::<std::result::Result<Vec<_>, _>>()
    });
    let mut sent = Vec::new();
    for _ in 0..count {
        thread::sleep(pause); // the load, not a wait for something
        sent.push(Instant::now());
        publisher.send_bytes(&message);
    }
    let received = receiving.join().map_err(|_| "the consumer panicked")??;
    delete_queue(&mut publisher);
    Ok(percentiles(sent.iter().zip(received).map(|(sent, received)| (received - *sent).as_secs_f64() * 1e6)))
}

/// Median and 99th percentile.
fn percentiles(times: impl Iterator<Item = f64>) -> [f64; 2] {
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    [50, 99].map(|percent| times[times.len() * percent / 100])
}

async fn latency(broker: &Broker) -> Result<[f64; 2]> {
    let (count, pause) = LIGHTLY;
    let (_receiving, receiver) = connect(broker).await?;
    let (_sending, sender) = connect(broker).await?;
    let mut consumer = consume(&receiver, true).await?;
    let start = Instant::now();
    tokio::spawn(async move {
        let mut tick = interval(pause);
        for _ in 0..count {
            tick.tick().await;
            let body = (start.elapsed().as_nanos() as u64).to_be_bytes();
            let options = BasicPublishOptions::default();
            drop(sender.basic_publish("".into(), QUEUE.into(), options, &body, BasicProperties::default()).await?);
        }
        Ok::<_, lapin::Error>(())
    });
    let mut times = Vec::new();
    for _ in 0..count {
        let delivery = consumer.next().await.ok_or("the consumer ended")??;
        let sent = u64::from_be_bytes(delivery.data.as_slice().try_into()?);
        times.push((start.elapsed().as_nanos() as u64 - sent) as f64 / 1000.0);
    }
    receiver.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await?;
    Ok(percentiles(times.into_iter()))
}

/// A client that is ready to publish, and the bytes of one message.
fn raw_publisher(broker: &Broker, exchange: &str, key: &str, size: usize) -> Result<(Client, Vec<u8>)> {
    let mut client = Client::open(broker.addr);
    client.send_method(1, amq_protocol::protocol::channel::Open {}.class());
    client.expect_method();
    client.send_method(1, methods::a_queue(QUEUE).class());
    client.expect_method();
    Ok((client, raw_message(exchange, key, size)))
}

fn raw_message(exchange: &str, key: &str, size: usize) -> Vec<u8> {
    let header = AMQPContentHeader { class_id: 60, body_size: size as u64, properties: methods::properties() };
    [
        encode(&AMQPFrame::Method(1, methods::to(exchange, key).class())),
        encode(&AMQPFrame::Header(1, header)),
        encode(&AMQPFrame::Body(1, vec![b'x'; size])),
    ]
    .concat()
}

/// Sends the message so often, and comes back when the broker has handled all of it.
fn publish_raw(client: &mut Client, message: &[u8], count: usize) {
    let batch = 1 + 60_000 / message.len();
    let bytes = message.repeat(batch);
    for _ in 0..count / batch {
        client.send_bytes(&bytes);
    }
    client.send_bytes(&message.repeat(count % batch));
    barrier(client);
}

/// A question that the broker answers after all that came before on this channel.
fn barrier(client: &mut Client) {
    client.send_method(1, methods::is_there_an_exchange("amq.direct").class());
    let answer = client.next_before(Instant::now() + Duration::from_secs(300));
    assert!(matches!(answer, Some(Incoming::Frame(_))), "an answer is due, but here came {answer:?}");
}

/// Reads deliveries from a consumer that doesn't acknowledge, and doesn't look into them. They all have the same size.
struct RawConsumer {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl RawConsumer {
    fn open(broker: &Broker) -> Result<Self> {
        let mut stream = TcpStream::connect(broker.addr)?;
        stream.set_nodelay(true)?;
        let hello = client::Hello::default();
        stream.write_all(b"AMQP\0\0\x09\x01")?;
        for method in [hello.start_ok(), hello.tune_ok(), hello.open()] {
            stream.write_all(&encode(&AMQPFrame::Method(0, method)))?;
        }
        stream.write_all(&encode(&AMQPFrame::Method(1, amq_protocol::protocol::channel::Open {}.class())))?;
        let mut consumer = Self { stream, buffer: Vec::new() };
        consumer.skip_frames(4)?; // start, tune, open-ok, channel.open-ok
        Ok(consumer)
    }

    /// Starts to consume and reads so many deliveries: three frames each, after the consume-ok.
    fn consume(&mut self, count: usize) -> Result<()> {
        self.stream.write_all(&encode(&AMQPFrame::Method(1, methods::a_listener(QUEUE, "raw").class())))?;
        self.skip_frames(1 + 3 * count)
    }

    fn cancel(&mut self) -> Result<()> {
        let cancel = amq_protocol::protocol::basic::Cancel { consumer_tag: "raw".into(), nowait: false };
        self.stream.write_all(&encode(&AMQPFrame::Method(1, cancel.class())))?;
        self.skip_frames(1)
    }

    fn skip_frames(&mut self, mut count: usize) -> Result<()> {
        let mut chunk = vec![0; 256 * 1024];
        loop {
            let mut at = 0;
            while count > 0
                && let Some(&[_, _, _, a, b, c, d]) = self.buffer.get(at..).and_then(|rest| rest.first_chunk())
                && self.buffer.len() >= at + 8 + u32::from_be_bytes([a, b, c, d]) as usize
            {
                at += 8 + u32::from_be_bytes([a, b, c, d]) as usize;
                count -= 1;
            }
            self.buffer.drain(..at);
            if count == 0 {
                return Ok(());
            }
            match self.stream.read(&mut chunk)? {
                0 => return Err("the broker hung up".into()),
                read => self.buffer.extend_from_slice(&chunk[..read]),
            }
        }
    }
}

fn delete_queue(client: &mut Client) {
    let delete = amq_protocol::protocol::queue::Delete { queue: QUEUE.into(), ..Default::default() };
    client.send_method(1, delete.class());
    client.expect_method();
}

fn raw_throughput(broker: &Broker, size: usize) -> Result<f64> {
    let count = if size == 16 { 300_000 } else { 60_000 };
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let (mut publisher, message) = raw_publisher(broker, "", QUEUE, size)?;
        let mut consumer = RawConsumer::open(broker)?;
        let start = Instant::now();
        let receiving = thread::spawn(move || consumer.consume(count).map_err(|error| error.to_string()));
        publish_raw(&mut publisher, &message, count);
        receiving.join().map_err(|_| "the consumer panicked")??;
        rates.push(count as f64 / start.elapsed().as_secs_f64());
        delete_queue(&mut publisher);
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates[RUNS / 2])
}

struct Costs {
    /// Bytes per message.
    memory: f64,
    /// Microseconds per message.
    drain_short: f64,
    drain_long: f64,
}

fn queue_costs(broker: &Broker) -> Result<Costs> {
    const SHORT: usize = 1000;
    const LONG: usize = 1_000_000;
    let (mut publisher, message) = raw_publisher(broker, "", QUEUE, 16)?;
    let mut consumer = RawConsumer::open(broker)?;
    let mut drain = |publisher: &mut Client, count: usize| -> Result<(f64, f64)> {
        let before = broker.memory();
        publish_raw(publisher, &message, count);
        let queued = || -> Result<bool> {
            publisher.send_method(1, methods::is_there_a_queue(QUEUE).class());
            Ok(format!("{:?}", publisher.expect_method()).contains(&format!("message_count: {count},")))
        };
        wait_until(queued)?;
        let memory = (broker.memory() - before) / count as f64;
        let start = Instant::now();
        consumer.consume(count)?;
        let time = start.elapsed().as_secs_f64() * 1e6 / count as f64;
        consumer.cancel()?;
        Ok((time, memory))
    };
    let mut short = Vec::new();
    for _ in 0..50 {
        short.push(drain(&mut publisher, SHORT)?.0);
    }
    short.sort_by(f64::total_cmp);
    let mut long = Vec::new();
    let mut memory = 0.0;
    for run in 0..RUNS {
        let (time, grown) = drain(&mut publisher, LONG)?;
        long.push(time);
        if run == 0 {
            memory = grown; // later the memory of the first run is used again
        }
    }
    long.sort_by(f64::total_cmp);
    delete_queue(&mut publisher);
    Ok(Costs { memory, drain_short: short[short.len() / 2], drain_long: long[RUNS / 2] })
}

fn wait_until(mut reached: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !reached()? {
        if Instant::now() > deadline {
            return Err("the broker never got there".into());
        }
        thread::sleep(Duration::from_millis(5)); // between two looks
    }
    Ok(())
}

/// Microseconds per message with 10 bindings and with 10,000, the best of several runs in turns. The queue keeps only one
/// message so that nothing grows.
fn topic_lookup(broker: &Broker) -> Result<[f64; 2]> {
    const SIZES: [usize; 2] = [10, 10_000];
    let (mut client, _) = raw_publisher(broker, "", QUEUE, 16)?;
    delete_queue(&mut client);
    client.send_method(1, methods::a_queue_with(QUEUE, [("x-max-length", methods::int(1))]).class());
    client.expect_method();
    for bindings in SIZES {
        let exchange = format!("bench-{bindings}");
        client.send_method(1, methods::an_exchange(&exchange, "topic").class());
        client.expect_method();
        for index in 0..bindings {
            client.send_method(1, methods::binding(QUEUE, &exchange, &format!("stock.*.n{index}")).class());
            client.expect_method();
        }
    }
    let mut best = [f64::INFINITY; 2];
    for _ in 0..RUNS {
        for (bindings, best) in SIZES.iter().zip(&mut best) {
            // keys of the same length, spread over all bindings
            let keys = (0..10).map(|index| format!("stock.nyse.n{}", index * bindings / 10));
            let messages: Vec<u8> = keys.flat_map(|key| raw_message(&format!("bench-{bindings}"), &key, 16)).collect();
            let repeated = messages.repeat(50);
            let start = Instant::now();
            let mut count = 0;
            while start.elapsed() < Duration::from_millis(800) {
                publish_raw(&mut client, &repeated, 20);
                count += 20 * 500;
            }
            *best = best.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(count));
        }
    }
    delete_queue(&mut client);
    for bindings in SIZES {
        let exchange = format!("bench-{bindings}").as_str().into();
        let delete = amq_protocol::protocol::exchange::Delete { exchange, ..Default::default() };
        client.send_method(1, delete.class());
        client.expect_method();
    }
    Ok(best)
}

/// How long opening takes, in microseconds, and what an idle office costs, in KiB.
async fn opening() -> Result<(f64, f64)> {
    const COUNT: usize = 200;
    drop(PostOffice::open().await?); // what is needed once for all of them
    let before = resident(process::id());
    let mut times = Vec::new();
    let mut offices = Vec::new();
    for _ in 0..COUNT {
        let start = Instant::now();
        offices.push(PostOffice::open().await?);
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let memory = (resident(process::id()) - before) / COUNT as f64 / 1024.0;
    times.sort_by(f64::total_cmp);
    Ok((times[COUNT / 2], memory))
}
