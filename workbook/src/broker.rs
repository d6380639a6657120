//! The broker that the book's programs use: a post office of our own, or one that runs already; and what pages see of it.

use crate::news::News;
use anyhow::{Context, Result, anyhow, bail, ensure};
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::QueueDeclareOptions,
    types::FieldTable,
    uri::{AMQPScheme, AMQPUri},
};
use postoffice::{Error, Event, PostOffice};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Mutex,
    time::Duration,
};
use tokio::time::sleep;

/// The queues that RabbitMQ is asked about: those of the book. AMQP has no way to list queues.
const QUEUES: [&str; 1] = ["hello"];
/// Between two questions to RabbitMQ.
const SAMPLING: Duration = Duration::from_millis(250);
/// News of the post office that come within this time are told at once.
const GATHERING: Duration = Duration::from_millis(30);
/// How much of a message the queues' page shows.
const SHOWN_BODY: usize = 1 << 10;
/// How many messages of a queue that page shows.
const SHOWN_LETTERS: usize = 50;

/// The broker behind the book.
pub enum Broker {
    /// Opened by us, and closed with us.
    Office(PostOffice),
    /// One that was there already: RabbitMQ, or a post office that somebody else opened.
    Other {
        /// Its AMQP address.
        addr: String,
    },
}

impl Broker {
    /// The broker that `AMQP_ADDR` names; else a post office on `port` of 127.0.0.1; else the broker that has that port.
    ///
    /// # Errors
    /// When `AMQP_ADDR` is no address that programs can use, and when the port can't be had for another reason than that
    /// it is taken.
    pub async fn find(port: u16) -> Result<Self> {
        if let Ok(addr) = env::var("AMQP_ADDR") {
            return Ok(Self::Other { addr: readable(&addr)? });
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        match PostOffice::builder().listen(address).open().await {
            Ok(office) => Ok(Self::Office(office)),
            Err(Error::PortTaken(_)) => Ok(Self::Other { addr: format!("amqp://{address}") }),
            Err(error) => Err(error).context("can't open the post office"),
        }
    }

    /// Where programs find it.
    pub fn addr(&self) -> String {
        match self {
            Self::Office(office) => office.uri(),
            Self::Other { addr } => addr.clone(),
        }
    }

    /// Closes it if it is ours: its clients are told.
    pub async fn close(&self) {
        if let Self::Office(office) = self {
            office.close().await;
        }
    }

    /// What a person should know about it.
    pub fn introduce(&self) -> String {
        match self {
            Self::Office(office) => format!("The post office is open at {}", office.uri()),
            Self::Other { addr } => {
                let place = addr.rsplit('@').next().unwrap_or(addr); // without the password
                format!("The programs use the broker at {place}")
            }
        }
    }
}

/// An address as all programs read it rightly, readers' own versions too: in brackets, `[::1]`, lapin finds no IPv6 host,
/// with its colons encoded it does; and for no host at all it takes `localhost`.
///
/// # Errors
/// Says why it is no address that programs can use.
pub fn readable(addr: &str) -> Result<String> {
    let ipv6 = addr.split(['[', ']']).find(|part| part.parse::<Ipv6Addr>().is_ok());
    let encoded = |ip: &str| addr.replace(&format!("[{ip}]"), &ip.replace(':', "%3A"));
    let addr = ipv6.map_or_else(|| addr.to_owned(), encoded);
    let wrong = "AMQP_ADDR is no address like amqp://127.0.0.1:5672";
    let uri: AMQPUri = addr.parse().map_err(|error| anyhow!("{wrong}: {error}"))?;
    ensure!(uri.authority.host != "localhost" || addr.contains("localhost"), "{wrong}: it names no host");
    ensure!(uri.scheme == AMQPScheme::AMQP, "our programs speak no TLS: AMQP_ADDR has to begin with amqp://");
    Ok(addr)
}

/// The broker as the live strip shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Post {
    /// Whether we only look from time to time, and so may miss a letter that passes quickly.
    pub sampled: bool,
    /// Why nothing is known, if so.
    pub trouble: Option<String>,
    /// Clients that don't consume: their names.
    pub producers: Vec<String>,
    /// The queues, by name.
    pub queues: Vec<Queue>,
}

/// One queue of the strip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Messages that wait.
    pub ready: usize,
    /// Messages in consumers' hands; `None` where the broker doesn't tell.
    pub unacknowledged: Option<usize>,
    /// Its consumers.
    pub consumers: usize,
    /// How many messages have come in since the strip began, where that is known.
    pub arrived: Option<u64>,
    /// How many messages have gone out to consumers since the strip began, where that is known.
    pub delivered: Option<u64>,
}

/// The newest state of the broker, kept up to date by [`Watch::follow`].
#[derive(Debug, Default)]
pub struct Watch(Mutex<Post>);

impl Watch {
    /// The newest state.
    pub fn now(&self) -> Post {
        self.0.lock().map(|post| post.clone()).unwrap_or_default()
    }

    fn set(&self, post: Post, news: &News) {
        if let Ok(mut now) = self.0.lock()
            && *now != post
        {
            news.tell("post", &post);
            *now = post;
        }
    }

    /// Keeps the state up to date for as long as it is polled: from the post office's journal as things happen, from
    /// another broker by asking it a few times a second.
    pub async fn follow(&self, broker: &Broker, news: &News) {
        match broker {
            Broker::Office(office) => self.follow_office(office, news).await,
            Broker::Other { addr } => loop {
                if let Err(error) = self.ask(addr, news).await {
                    let trouble = Some(format!("{error:#}"));
                    self.set(Post { sampled: true, trouble, ..Post::default() }, news);
                }
                sleep(SAMPLING * 4).await;
            },
        }
    }

    async fn follow_office(&self, office: &PostOffice, news: &News) {
        let mut journal = office.journal();
        let mut seen = Seen::default();
        loop {
            self.set(seen.post(office), news);
            let Some(event) = journal.next().await else { return };
            seen.take(event);
            sleep(GATHERING).await;
            while let Some(event) = journal.try_next() {
                seen.take(event);
            }
        }
    }

    async fn ask(&self, addr: &str, news: &News) -> Result<()> {
        let properties = ConnectionProperties::default().with_connection_name("workbook".into());
        let connection = Connection::connect(addr, properties).await.context("no broker answers")?;
        let mut channel = connection.create_channel().await?;
        loop {
            let mut queues = Vec::new();
            for name in QUEUES {
                match state(&channel, name).await {
                    Ok(queue) => queues.push(queue),
                    Err(error) if error.is_amqp_soft_error() => {
                        channel = connection.create_channel().await?; // no such queue, and asking has closed the channel
                        sleep(SAMPLING * 3).await; // RabbitMQ logs each such question
                    }
                    Err(error) => bail!(error),
                }
            }
            self.set(Post { sampled: true, queues, ..Post::default() }, news);
            sleep(SAMPLING).await;
        }
    }
}

async fn state(channel: &Channel, name: &str) -> Result<Queue, lapin::Error> {
    let passive = QueueDeclareOptions { passive: true, ..Default::default() };
    let queue = channel.queue_declare(name.into(), passive, FieldTable::default()).await?;
    Ok(Queue {
        name: name.to_owned(),
        ready: queue.message_count() as usize,
        unacknowledged: None,
        consumers: queue.consumer_count() as usize,
        arrived: None,
        delivered: None,
    })
}

/// What the journal has told.
#[derive(Default)]
struct Seen {
    consuming: BTreeSet<(u64, String)>,
    arrived: BTreeMap<String, u64>,
    delivered: BTreeMap<String, u64>,
}

impl Seen {
    fn take(&mut self, event: Event) {
        match event {
            Event::Subscribed { connection, consumer_tag, .. } => {
                self.consuming.insert((connection, consumer_tag.to_string()));
            }
            Event::Unsubscribed { connection, consumer_tag, .. } => {
                self.consuming.remove(&(connection, consumer_tag.to_string()));
            }
            Event::Disconnected { connection } => self.consuming.retain(|(consumer, _)| *consumer != connection),
            Event::Published { queues, .. } => {
                for queue in queues {
                    *self.arrived.entry(queue.to_string()).or_default() += 1;
                }
            }
            Event::Delivered { queue, .. } => *self.delivered.entry(queue.to_string()).or_default() += 1,
            _ => {}
        }
    }

    fn post(&self, office: &PostOffice) -> Post {
        let consumes = |id| self.consuming.iter().any(|(connection, _)| *connection == id);
        let connections = office.connections();
        let producers = connections.into_iter().filter(|connection| !consumes(connection.id));
        let queue = |queue: postoffice::QueueState| Queue {
            arrived: self.arrived.get(&queue.name).copied(),
            delivered: self.delivered.get(&queue.name).copied(),
            name: queue.name,
            ready: queue.ready,
            unacknowledged: Some(queue.unacknowledged),
            consumers: queue.consumers,
        };
        Post {
            sampled: false,
            trouble: None,
            producers: producers.map(|connection| connection.name.unwrap_or(connection.peer)).collect(),
            queues: office.queues().into_iter().map(queue).collect(),
        }
    }
}

/// A queue as its page shows it, with the letters that wait in it.
#[derive(Debug, Serialize)]
pub struct Mailbox {
    /// The queue's name.
    pub name: String,
    /// Messages that wait.
    pub ready: usize,
    /// Messages in consumers' hands.
    pub unacknowledged: usize,
    /// Its consumers.
    pub consumers: usize,
    /// Whether it outlives the broker, where the broker keeps anything at all.
    pub durable: bool,
    /// The letters at the front.
    pub letters: Vec<SeenLetter>,
}

/// A letter that was looked at and left where it is.
#[derive(Debug, Serialize)]
pub struct SeenLetter {
    /// Its body as text; what isn't text is escaped.
    pub body: String,
    /// The size of the whole body in bytes.
    pub size: usize,
    /// The exchange it was published to.
    pub exchange: String,
    /// The label that its sender gave it.
    pub routing_key: String,
    /// Whether it has been out of the queue.
    pub redelivered: bool,
}

/// Every mailbox of a post office.
pub fn mailboxes(office: &PostOffice) -> Vec<Mailbox> {
    let mailbox = |queue: postoffice::QueueState| {
        let letters = office.peek(&queue.name).unwrap_or_default(); // it may be deleted in this moment
        let letter = |letter: postoffice::Letter| SeenLetter {
            body: shown(&letter.body),
            size: letter.body.len(),
            exchange: letter.exchange,
            routing_key: letter.routing_key,
            redelivered: letter.redelivered,
        };
        Mailbox {
            name: queue.name,
            ready: queue.ready,
            unacknowledged: queue.unacknowledged,
            consumers: queue.consumers,
            durable: queue.durable,
            letters: letters.into_iter().take(SHOWN_LETTERS).map(letter).collect(),
        }
    };
    office.queues().into_iter().map(mailbox).collect()
}

fn shown(body: &[u8]) -> String {
    let part = &body[..body.len().min(SHOWN_BODY)];
    match std::str::from_utf8(part) {
        Ok(text) => text.to_owned(),
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(&part[..error.valid_up_to()]).into_owned(),
        Err(_) => part.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_meant() {
        for (addr, host, port, user) in [
            ("amqp://localhost", "localhost", 5672, "guest"),
            ("AMQP://guest@localhost:5673/shop", "localhost", 5673, "guest"),
            ("amqp://127.0.0.1:5672", "127.0.0.1", 5672, "guest"),
            ("amqp://[::1]", "::1", 5672, "guest"),
            ("amqp://[2001:db8::5]:5673/localhost", "2001:db8::5", 5673, "guest"),
            ("amqp://[::ffff:127.0.0.1]:5672", "::ffff:127.0.0.1", 5672, "guest"),
            ("amqp://localhost:a[b]c@[::1]:5672/%2F?heartbeat=10", "::1", 5672, "localhost"),
            ("amqp://%3A%3A1:5672", "::1", 5672, "guest"),
        ] {
            let uri: AMQPUri = readable(addr).unwrap().parse().unwrap();
            let read = (&*uri.authority.host, uri.authority.port, &*uri.authority.userinfo.username);
            assert_eq!(read, (host, port, user), "{addr}");
        }
    }

    #[test]
    fn an_address_without_a_host_is_refused() {
        for addr in
            ["", "localhost", "::1", "[::1]:5672", "amqp:", "amqp://", "amqp:/192.0.2.1:5672", "amqp:///192.0.2.1"]
        {
            let error = readable(addr).unwrap_err().to_string();
            assert!(error.starts_with("AMQP_ADDR is no address like amqp://127.0.0.1:5672: "), "{addr}: {error}");
        }
        assert!(readable("amqps://localhost").unwrap_err().to_string().contains("no TLS"));
    }
}
