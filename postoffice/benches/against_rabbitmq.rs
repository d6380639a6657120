//! The post office against RabbitMQ: both in one run, on one machine, with the same client (lapin), each broker a process
//! of its own. Prints Markdown tables.
//!
//! `cargo bench -p postoffice`; without `rabbitmq-server` there is only one column.
#![allow(unreachable_pub)] // the modules are the tests'

#[path = "../tests/support/client.rs"]
#[allow(dead_code)]
mod client;
#[path = "../tests/support/methods.rs"]
#[allow(dead_code)]
mod methods;

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
    fs,
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
        let mut child = Command::new(env!("CARGO_BIN_EXE_postoffice"))
            .args(["--listen", "127.0.0.1:0", "--memory-limit", "8000000000"])
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

fn main() -> Result<()> {
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(()); // `cargo test --all-targets` also comes here
    }
    let runtime = Runtime::new()?;
    let (open, memory) = runtime.block_on(opening())?; // before anything else has used memory
    let node = Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]);
    let rabbitmq = node.as_ref().map(|node| -> Result<Broker> {
        let output = node.rabbitmqctl().args(["eval", "os:getpid()."]).output()?;
        let process = String::from_utf8_lossy(&output.stdout).trim().trim_matches('"').parse()?;
        Ok(Broker { addr: (Ipv4Addr::LOCALHOST, node.amqp_port()).into(), process })
    });
    let rabbitmq = rabbitmq.transpose()?;
    let office = Office::start()?;

    let mut throughput = Vec::new();
    let mut effort = Vec::new();
    for (size, count) in [(16, 60_000), (4096, 20_000)] {
        for way in [Way::AutoAck, Way::ManualAck, Way::Confirms, Way::OneByOne] {
            let count = if way == Way::OneByOne { count / 20 } else { count };
            eprintln!("measuring {} with {size} bytes …", way.name());
            let (mut here, mut there) = (Vec::new(), Vec::new());
            for _ in 0..RUNS {
                here.push(runtime.block_on(run(&office.1, way, size, count))?);
                if let Some(broker) = &rabbitmq {
                    there.push(runtime.block_on(run(broker, way, size, count))?);
                }
            }
            let (office, rabbitmq) = (median(here).ok_or("no run")?, median(there));
            let what = format!("{}, {}", way.name(), if size == 16 { "16 B" } else { "4 KiB" });
            throughput.push(Row {
                what: what.clone(),
                office: office.rate,
                rabbitmq: rabbitmq.as_ref().map(|run| run.rate),
                unit: "/s",
                more_is_better: true,
            });
            effort.push(format!(
                "| {what} | {:.1} µs of {:.1} µs | {} |",
                office.broker_cpu,
                office.client_cpu + office.broker_cpu,
                rabbitmq.map_or("–".into(), |run| {
                    format!("{:.1} µs of {:.1} µs", run.broker_cpu, run.client_cpu + run.broker_cpu)
                })
            ));
        }
    }
    print("Messages per second through lapin", &throughput);
    println!("\nProcessor time per message: the broker's, of the broker's and the client's together\n");
    println!("| | post office | RabbitMQ |\n|---|--:|--:|");
    effort.iter().for_each(|line| println!("{line}"));

    let raw =
        |broker: &Broker| -> Result<[f64; 2]> { Ok([raw_throughput(broker, 16)?, raw_throughput(broker, 4096)?]) };
    let (here, there) = (raw(&office.1)?, rabbitmq.as_ref().map(raw).transpose()?);
    let rows = ["16 B", "4 KiB"].iter().enumerate().map(|(index, size)| Row {
        what: format!("auto-ack, {size}"),
        office: here[index],
        rabbitmq: there.map(|there| there[index]),
        unit: "/s",
        more_is_better: true,
    });
    print("Messages per second with a client that only copies bytes", &rows.collect::<Vec<_>>());

    let latency = |broker: &Broker| runtime.block_on(latency(broker));
    let (here, there) = (latency(&office.1)?, rabbitmq.as_ref().map(latency).transpose()?);
    let rows = ["median", "99th percentile"].iter().enumerate().map(|(index, what)| Row {
        what: (*what).into(),
        office: here[index],
        rabbitmq: there.map(|there| there[index]),
        unit: "µs",
        more_is_better: false,
    });
    print("From publish to receive, 500 messages per second", &rows.collect::<Vec<_>>());

    let costs = |broker: &Broker| queue_costs(broker);
    let (here, there) = (costs(&office.1)?, rabbitmq.as_ref().map(costs).transpose()?);
    let row = |what: &str, of: fn(&Costs) -> f64, unit| Row {
        what: what.into(),
        office: of(&here),
        rabbitmq: there.as_ref().map(of),
        unit,
        more_is_better: false,
    };
    print(
        "A long queue of 16-byte messages",
        &[
            row("memory per message, of a million", |costs| costs.memory, "B"),
            row("draining 1,000: per message", |costs| costs.drain_short, "µs"),
            row("draining 1,000,000: per message", |costs| costs.drain_long, "µs"),
        ],
    );

    let topics = |broker: &Broker| topic_lookup(broker);
    let (here, there) = (topics(&office.1)?, rabbitmq.as_ref().map(topics).transpose()?);
    let rows = ["10", "10,000"].iter().enumerate().map(|(index, bindings)| Row {
        what: format!("{bindings} bindings, one matches"),
        office: here[index],
        rabbitmq: there.map(|there| there[index]),
        unit: "µs",
        more_is_better: false,
    });
    print("Publishing to a topic exchange, per message", &rows.collect::<Vec<_>>());

    let (open, memory) = runtime.block_on(opening())?;
    println!(
        "\nOpening a post office takes {open:.0} µs (median of 200); an idle one costs {memory:.1} KiB (of 200 at once)."
    );
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

/// Median and 99th percentile in microseconds.
async fn latency(broker: &Broker) -> Result<[f64; 2]> {
    const COUNT: usize = 3000;
    let (_receiving, receiver) = connect(broker).await?;
    let (_sending, sender) = connect(broker).await?;
    let mut consumer = consume(&receiver, true).await?;
    let start = Instant::now();
    tokio::spawn(async move {
        let mut tick = interval(Duration::from_millis(2));
        for _ in 0..COUNT {
            tick.tick().await;
            let body = (start.elapsed().as_nanos() as u64).to_be_bytes();
            let options = BasicPublishOptions::default();
            drop(sender.basic_publish("".into(), QUEUE.into(), options, &body, BasicProperties::default()).await?);
        }
        Ok::<_, lapin::Error>(())
    });
    let mut times = Vec::new();
    for _ in 0..COUNT {
        let delivery = consumer.next().await.ok_or("the consumer ended")??;
        let sent = u64::from_be_bytes(delivery.data.as_slice().try_into()?);
        times.push((start.elapsed().as_nanos() as u64 - sent) as f64 / 1000.0);
    }
    times.sort_by(f64::total_cmp);
    receiver.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await?;
    Ok([times[COUNT / 2], times[COUNT * 99 / 100]])
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
