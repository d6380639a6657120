//! The broker's state as the live strip shows it: from a post office's journal as things happen, from another broker by asking
//! a few times a second.

use super::{
    Broker,
    office::{Kept, Office, State},
};
use crate::news::News;
use lapin::{Channel, Connection, ConnectionProperties, options::QueueDeclareOptions, types::FieldTable, uri::AMQPUri};
use postoffice::{Event, PostOffice};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    io,
    sync::Mutex,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    select,
    time::{sleep, timeout},
};

/// The queues that RabbitMQ is asked about: those of the book. AMQP has no way to list queues.
const QUEUES: [&str; 1] = ["hello"];
/// Between two questions to RabbitMQ.
const SAMPLING: Duration = Duration::from_millis(250);
/// News of the post office that come within this time are told at once.
const GATHERING: Duration = Duration::from_millis(30);

/// The broker as the live strip shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Post {
    /// Whether we only look from time to time, and so may miss a letter that passes quickly.
    pub sampled: bool,
    /// Why nothing is known, if so.
    pub trouble: Option<Trouble>,
    /// Clients that don't consume: their names.
    pub producers: Vec<String>,
    /// The queues, by name.
    pub queues: Vec<Queue>,
    /// Whether the broker is one that pages can stop and start, and how it stands with that.
    pub office: Option<OfficeState>,
}

/// How it stands with a post office that can be stopped and started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OfficeState {
    /// It is open.
    pub is_open: bool,
    /// It has ended, and nobody was told.
    pub has_crashed: bool,
    /// What the last start has found.
    pub kept: Option<Kept>,
}

impl From<&State> for OfficeState {
    fn from(state: &State) -> Self {
        Self { is_open: state.open.is_some(), has_crashed: state.has_crashed, kept: state.kept }
    }
}

/// Why a broker can't be asked; a page has the words for it, and shows the details as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "code", content = "detail")]
pub enum Trouble {
    /// Nothing can be connected to at its address: what the system says.
    Unreachable(String),
    /// Something takes connections there and doesn't answer within [`PATIENCE`].
    Silent,
    /// What answers there speaks another protocol.
    NotAmqp,
    /// The broker ends or refuses the connection: what it says.
    Refused(String),
    /// A reader has stopped it, or had it crash.
    Stopped,
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
                let Err(trouble) = self.ask(addr, news).await;
                self.set(Post { sampled: true, trouble: Some(trouble), ..Post::default() }, news);
                sleep(SAMPLING * 4).await;
            },
        }
    }

    async fn follow_office(&self, office: &Office, news: &News) {
        let mut states = office.states();
        let mut seen = Seen::default();
        loop {
            let state = states.borrow_and_update().clone();
            let shown = Post { office: Some(OfficeState::from(&state)), ..Post::default() };
            match &state.open {
                None => self.set(Post { trouble: Some(Trouble::Stopped), ..shown }, news),
                Some(open) => select! {
                    () = self.follow_open(open, &shown, &mut seen, news) => {} // it is closing
                    _ = states.changed() => continue,
                },
            }
            if states.changed().await.is_err() {
                return;
            }
        }
    }

    /// Follows the journal to its end.
    async fn follow_open(&self, office: &PostOffice, shown: &Post, seen: &mut Seen, news: &News) {
        seen.consuming.clear(); // they were another's
        let mut journal = office.journal();
        loop {
            self.set(seen.post(office, shown), news);
            let Some(event) = journal.next().await else { return };
            seen.take(event);
            sleep(GATHERING).await;
            while let Some(event) = journal.try_next() {
                seen.take(event);
            }
        }
    }

    /// Asks for as long as there are answers.
    async fn ask(&self, addr: &str, news: &News) -> Result<Infallible, Trouble> {
        within(begin_handshake(addr)).await??;
        let properties = ConnectionProperties::default().with_connection_name("workbook".into());
        let connection = within(Connection::connect(addr, properties)).await?.map_err(Trouble::of)?;
        let mut channel = within(connection.create_channel()).await?.map_err(Trouble::of)?;
        loop {
            let mut queues = Vec::new();
            for name in QUEUES {
                match within(state(&channel, name)).await? {
                    Ok(queue) => queues.push(queue),
                    Err(error) if error.is_amqp_soft_error() => {
                        // No such queue, and asking has closed the channel.
                        channel = within(connection.create_channel()).await?.map_err(Trouble::of)?;
                        sleep(SAMPLING * 3).await; // RabbitMQ logs each such question
                    }
                    Err(error) => return Err(Trouble::of(error)),
                }
            }
            self.set(Post { sampled: true, queues, ..Post::default() }, news);
            sleep(SAMPLING).await;
        }
    }
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

async fn within<T>(answer: impl Future<Output = T>) -> Result<T, Trouble> {
    timeout(PATIENCE, answer).await.map_err(|_| Trouble::Silent)
}

/// Begins to connect, and leaves at the first byte of an answer. lapin would keep the socket of a port that never answers.
async fn begin_handshake(addr: &str) -> Result<(), Trouble> {
    let unreachable = |error: io::Error| Trouble::Unreachable(error.to_string());
    let uri: AMQPUri = addr.parse().map_err(Trouble::Unreachable)?;
    let place = (&*uri.authority.host, uri.authority.port);
    let mut stream = TcpStream::connect(place).await.map_err(unreachable)?;
    stream.write_all(b"AMQP\x00\x00\x09\x01").await.map_err(unreachable)?;
    match stream.read_u8().await {
        Ok(1) => Ok(()), // the type of a frame with a method, connection.start
        Ok(_) => Err(Trouble::NotAmqp),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Trouble::NotAmqp),
        Err(error) => Err(unreachable(error)),
    }
}

impl Trouble {
    fn of(error: lapin::Error) -> Self {
        match error.kind() {
            lapin::ErrorKind::IOError(error) => Self::Unreachable(error.to_string()),
            _ => Self::Refused(error.to_string()),
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

    fn post(&self, office: &PostOffice, shown: &Post) -> Post {
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
            producers: producers.map(|connection| connection.name.unwrap_or(connection.peer)).collect(),
            queues: office.queues().into_iter().map(queue).collect(),
            ..shown.clone()
        }
    }
}
