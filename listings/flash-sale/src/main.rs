// ANCHOR: all
//! A flash sale: 10,000 requests a second for 100 telephones, and a
//! database that takes 500 orders a second. One worker dies on the way.
//!
//! Start a broker first, then, in any terminal: `cargo run -p flash-sale`,
//! or, to leave a safety out,
//! `cargo run -p flash-sale -- --without=confirms`

use anyhow::{Context, Result, anyhow, bail};
use clap::{Parser, ValueEnum};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    Consumer, PublisherConfirm,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions,
        BasicQosOptions, ConfirmSelectOptions, QueueDeclareOptions,
        QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};
use std::{
    collections::HashMap,
    env,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tokio::{
    select,
    signal::ctrl_c,
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{sleep, sleep_until, timeout},
};

const RATE: u32 = 10_000; // requests a second
const PACE: u32 = 500; // orders a second that the database takes
const STOCK: u32 = 100; // telephones
const ROOM: i32 = 500; // orders in the queue: one second of the database
const SERVERS: u32 = 10; // which ask for the buyers
const WORKERS: u32 = 3;
const PREFETCH: u16 = 10;
const DIES_AFTER: u32 = 20; // orders, which worker 1 has written by then
const PATIENCE: Duration = Duration::from_secs(2); // of a buyer
const QUIET: Duration = Duration::from_secs(1); // then the sale is over
const QUEUE: &str = "flash-sale";

/// What keeps the sale safe.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Safety {
    Bounded,
    Confirms,
    Acks,
    Prefetch,
    Idempotent,
    Persistent,
}

#[derive(Parser)]
struct Options {
    /// The safeties to leave out, with commas between them
    #[arg(long, value_delimiter = ',')]
    without: Vec<Safety>,
    /// How many requests there are
    #[arg(long, default_value_t = RATE)]
    requests: u32,
    /// Have the broker restarted before the workers begin
    #[arg(long)]
    restart: bool,
}

impl Options {
    fn has(&self, safety: Safety) -> bool {
        !self.without.contains(&safety)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Arc::new(Options::parse());
    let folder = tempfile::tempdir()?; // is deleted when the sale is over
    let file = folder.path().join("shop.db");
    let result = select! {
        result = sale(options, file) => result,
        stopped = stop() => {
            stopped.and(Err(anyhow!("stopped before the sale was over")))
        }
    };
    result.and(clean_up().await)
}

/// Whatever has happened: no queue of the sale is left behind.
async fn clean_up() -> Result<()> {
    let connection = connect("flash-sale cleaner").await?;
    let channel = connection.create_channel().await?;
    delete_queue(&channel).await?;
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

async fn sale(options: Arc<Options>, file: PathBuf) -> Result<()> {
    let start = Instant::now();
    let (database, mut written) = open_database(&options, &file, start)?;
    let mut connection = connect("flash-sale shop").await?;
    let mut channel = connection.create_channel().await?;
    delete_queue(&channel).await?; // of a sale that was cut off
    declare_queue(&channel, &options).await?;

    let mut workers = JoinSet::new();
    if !options.restart {
        hire(&mut workers, &options, &database).await?;
    }
    let buyers = ask(&connection, &options, start).await?;
    if options.restart {
        connection = restarted(connection).await?;
        channel = connection.create_channel().await?;
        hire(&mut workers, &options, &database).await?;
    }

    loop {
        select! {
            Some(worker) = workers.join_next() => worker??,
            news = timeout(QUIET, written.changed()) => {
                if news.is_err() && ready(&channel).await? == 0 {
                    break; // no order is waiting, and none was written
                }
            }
        }
    }
    delete_queue(&channel).await?; // so the workers go home
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    connection.close(200, "goodbye".into()).await?;
    show(&buyers, &orders(&file)?);
    Ok(())
}

async fn hire(
    workers: &mut JoinSet<Result<()>>,
    options: &Arc<Options>,
    database: &mpsc::Sender<Order>,
) -> Result<()> {
    for number in 1..=WORKERS {
        let ready = subscribe(number, options).await?;
        workers.spawn(work(number, ready, options.clone(), database.clone()));
    }
    Ok(())
}

/// Opens a connection with a name that the console shows.
async fn connect(name: &str) -> Result<Connection> {
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties =
        ConnectionProperties::default().with_connection_name(name.into());
    Connection::connect(&addr, properties)
        .await
        .context("no connection to the broker: does one run?")
}

// ANCHOR: queue
async fn declare_queue(channel: &Channel, options: &Options) -> Result<()> {
    let mut arguments = FieldTable::default();
    if options.has(Safety::Bounded) {
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(ROOM));
        let full = AMQPValue::LongString("reject-publish".into());
        arguments.insert("x-overflow".into(), full);
    }
    let durable = QueueDeclareOptions::durable();
    channel.queue_declare(QUEUE.into(), durable, arguments).await?;
    Ok(())
}
// ANCHOR_END: queue

async fn delete_queue(channel: &Channel) -> Result<()> {
    let options = QueueDeleteOptions::default();
    channel.queue_delete(QUEUE.into(), options).await?;
    Ok(())
}

/// How many orders wait in the queue.
async fn ready(channel: &Channel) -> Result<u32> {
    let passive = QueueDeclareOptions { passive: true, ..Default::default() };
    let queue = channel
        .queue_declare(QUEUE.into(), passive, FieldTable::default())
        .await?;
    Ok(queue.message_count())
}

/// Waits until the broker has gone and come back.
async fn restarted(connection: Connection) -> Result<Connection> {
    println!("Now restart the broker. The workers begin when it is back.");
    while connection.status().connected() {
        sleep(Duration::from_millis(100)).await;
    }
    loop {
        match connect("flash-sale shop").await {
            Ok(connection) => return Ok(connection),
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// What the shop knows of a buyer, apart from its database.
struct Buyer {
    id: u32,
    asked: Duration, // since the start of the sale
    is_told: bool,   // "you are in the queue"; else "too many, try later"
}

/// Lets all buyers ask, at the rate of the sale, and answers each of them.
/// The shop has several servers, each with a channel of its own.
async fn ask(
    connection: &Connection,
    options: &Arc<Options>,
    start: Instant,
) -> Result<Vec<Buyer>> {
    let mut servers = JoinSet::new();
    let opened = Instant::now();
    for first in 0..SERVERS {
        let channel = connection.create_channel().await?;
        servers.spawn(serve(first, channel, options.clone(), opened, start));
    }
    let mut buyers = Vec::new();
    while let Some(served) = servers.join_next().await {
        buyers.extend(served??);
    }
    Ok(buyers)
}

// ANCHOR: serve
/// Serves every tenth buyer, from the `first` one on.
async fn serve(
    first: u32,
    channel: Channel,
    options: Arc<Options>,
    opened: Instant,
    start: Instant,
) -> Result<Vec<Buyer>> {
    if options.has(Safety::Confirms) {
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
    }
    let mut open = Vec::new(); // the confirms that we wait for
    for id in (first..options.requests).step_by(SERVERS as usize) {
        let due = Duration::from_secs(1) * id / RATE;
        sleep_until((opened + due).into()).await;
        let asked = start.elapsed();
        open.push((id, asked, publish(&channel, &options, id).await?));
    }
    let mut buyers = Vec::new();
    for (id, asked, confirm) in open {
        let is_told = match confirm.await? {
            Confirmation::Ack(None) => true,
            Confirmation::Nack(_) => false, // the queue is full
            Confirmation::NotRequested => true, // what else could we say?
            Confirmation::Ack(Some(_)) => bail!("the queue is gone"),
        };
        buyers.push(Buyer { id, asked, is_told });
    }
    Ok(buyers)
}

async fn publish(
    channel: &Channel,
    options: &Options,
    id: u32,
) -> Result<PublisherConfirm> {
    let mode = if options.has(Safety::Persistent) { 2 } else { 1 };
    let properties = BasicProperties::default()
        .with_delivery_mode(mode)
        .with_message_id(id.to_string().into()); // the order's id
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let publish = channel.basic_publish(
        "".into(),
        QUEUE.into(),
        options,
        b"one telephone, please",
        properties,
    );
    Ok(publish.await?)
}
// ANCHOR_END: serve

// ANCHOR: work
/// A worker that has subscribed, on a connection of its own.
async fn subscribe(
    number: u32,
    options: &Options,
) -> Result<(Connection, Consumer)> {
    let connection = connect(&format!("flash-sale worker {number}")).await?;
    let channel = connection.create_channel().await?;
    if options.has(Safety::Prefetch) {
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    }
    let no_ack = !options.has(Safety::Acks);
    let consume = BasicConsumeOptions { no_ack, ..Default::default() };
    let table = FieldTable::default();
    let consumer =
        channel.basic_consume(QUEUE.into(), "".into(), consume, table).await?;
    Ok((connection, consumer))
}

/// Takes orders from the queue and writes them to the database, until the
/// queue is deleted.
async fn work(
    number: u32,
    (connection, mut consumer): (Connection, Consumer),
    options: Arc<Options>,
    database: mpsc::Sender<Order>,
) -> Result<()> {
    let mut orders = 0;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery.context("the broker ended our channel")?;
        let id = delivery.properties.message_id().as_ref();
        let id = id.context("an order without an id")?.as_str().parse()?;
        write(&database, id).await?;
        orders += 1;
        if number == 1 && orders == DIES_AFTER {
            println!("Worker 1 dies: its last order is written, not acked");
            return Ok(()); // and what it had in memory is gone
        }
        if options.has(Safety::Acks) {
            delivery.ack(BasicAckOptions::default()).await?;
        }
    }
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}
// ANCHOR_END: work

// ANCHOR: database
/// An order on its way to the database.
struct Order {
    id: u32,
    done: oneshot::Sender<rusqlite::Result<()>>,
}

/// Writes an order, and comes back when it is on disk.
async fn write(database: &mpsc::Sender<Order>, id: u32) -> Result<()> {
    let (done, written) = oneshot::channel();
    database.send(Order { id, done }).await.context("no database")?;
    written.await.context("no database")?.context("can't write an order")
}

/// Opens the database on a thread of its own, as SQLite blocks its caller.
/// What it gives are the way there, and news of each order that is written.
fn open_database(
    options: &Options,
    file: &Path,
    start: Instant,
) -> Result<(mpsc::Sender<Order>, watch::Receiver<u32>)> {
    let mut shop = create_tables(file, options.has(Safety::Idempotent))?;
    let (sender, mut orders) = mpsc::channel::<Order>(WORKERS as usize);
    let (news, written) = watch::channel(0);
    thread::spawn(move || {
        let mut free = Instant::now();
        while let Some(Order { id, done }) = orders.blocking_recv() {
            // The limit: SQLite on a good disk would take more.
            free = free.max(Instant::now());
            thread::sleep(free - Instant::now());
            free += Duration::from_secs(1) / PACE;
            let result = sell(&mut shop, id, start.elapsed());
            news.send_modify(|count| *count += 1);
            let _ = done.send(result); // the worker may have been stopped
        }
    });
    Ok((sender, written))
}

fn create_tables(
    file: &Path,
    is_idempotent: bool,
) -> Result<rusqlite::Connection> {
    let shop = rusqlite::Connection::open(file)?;
    let key = if is_idempotent { "PRIMARY KEY" } else { "" };
    shop.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL; -- each commit waits for the disk
         CREATE TABLE stock (pieces INTEGER);
         INSERT INTO stock VALUES ({STOCK});
         CREATE TABLE orders (id INTEGER {key}, sold INTEGER, at INTEGER);"
    ))?;
    Ok(shop)
}

/// Takes a piece from stock, if there is one, and writes the order, in one
/// transaction: both are done, or none.
fn sell(
    shop: &mut rusqlite::Connection,
    id: u32,
    at: Duration,
) -> rusqlite::Result<()> {
    let sale = shop.transaction()?;
    let sold = sale
        .execute("UPDATE stock SET pieces = pieces - 1 WHERE pieces > 0", ())?;
    let is_new = sale.execute(
        "INSERT INTO orders VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        (id, sold as u32, at.as_millis() as u32),
    )?;
    if is_new == 1 { sale.commit() } else { sale.rollback() }
}
// ANCHOR_END: database

/// What the database says of an order: how often it was sold, and when the
/// buyer had the answer.
struct Answer {
    sold: u32,
    first: Duration,
}

fn orders(file: &Path) -> Result<HashMap<u32, Answer>> {
    let shop = rusqlite::Connection::open(file)?;
    let mut query =
        shop.prepare("SELECT id, SUM(sold), MIN(at) FROM orders GROUP BY id")?;
    let rows = query.query_map((), |row| {
        let first = Duration::from_millis(row.get::<_, u32>(2)?.into());
        Ok((row.get(0)?, Answer { sold: row.get(1)?, first }))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Holds what buyers were told against what the database has.
fn show(buyers: &[Buyer], orders: &HashMap<u32, Answer>) {
    let told: Vec<_> = buyers.iter().filter(|buyer| buyer.is_told).collect();
    let answers: Vec<_> = told
        .iter()
        .filter_map(|buyer| Some((buyer, orders.get(&buyer.id)?)))
        .collect();
    let count = |is_one: fn(&Buyer, &Answer) -> bool| {
        answers.iter().filter(|(buyer, answer)| is_one(buyer, answer)).count()
    };
    let row = |what: &str, count: usize| println!("{what:<24}{count:>6}");
    let asked = || buyers.iter().map(|buyer| buyer.asked);
    let took = asked()
        .max()
        .zip(asked().min())
        .map_or(0.0, |(last, first)| (last - first).as_secs_f64());
    row(&format!("asked, within {took:.2} s"), buyers.len());
    row("refused at once", buyers.len() - told.len());
    row("told: in the queue", told.len());
    row("- sold", count(|_, answer| answer.sold > 0));
    row("- sold out", count(|_, answer| answer.sold == 0));
    row("- LOST: no answer", told.len() - answers.len());
    row("DOUBLED: charged twice", count(|_, answer| answer.sold > 1));
    let is_late =
        |buyer: &Buyer, answer: &Answer| answer.first > buyer.asked + PATIENCE;
    row("LATE: after over 2 s", count(is_late));
}

/// Ends when somebody wants the program to end: by CTRL+C, or by SIGTERM.
async fn stop() -> Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        select! {
            _ = terminate.recv() => {}
            pressed = ctrl_c() => pressed?,
        }
    }
    #[cfg(not(unix))]
    ctrl_c().await?;
    Ok(())
}
// ANCHOR_END: all
