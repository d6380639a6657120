//! The window of the post office: through it the tests of the exercises look into the mailboxes.
//!
//! Each test has a post office of its own. With `AMQP_ADDR` in the environment the tests use that broker instead, a real
//! RabbitMQ for instance. Everything here goes over AMQP, so that both are judged by the same observations.
#![warn(missing_docs)]

mod road;

pub use road::Road;

use futures_lite::FutureExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable},
};
use postoffice::PostOffice;
use std::{
    env,
    net::Ipv6Addr,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, time::timeout};

/// How long a program may take that is meant to end. Only one that hangs waits so long.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long something may take that has to happen at once. Only what never happens waits so long.
const SOON: Duration = Duration::from_secs(2);
/// How long a change in a mailbox may take to show, and how often we look at least: on a busy machine a look takes longer.
const A_MOMENT: Duration = Duration::from_millis(500);
const LOOKS: usize = 100;

/// Tests share the mailboxes of a real RabbitMQ, so there they take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Runs a test in an office of its own, with these mailboxes and no others. None of them exists yet.
///
/// # Panics
/// When the test does, when it takes longer than five seconds, and when a real RabbitMQ has one of the mailboxes
/// already: that one may hold letters that matter to somebody.
pub fn check(mailboxes: &[&str], test: impl AsyncFnOnce(&Office)) {
    let runtime = Runtime::new().expect("a tokio runtime");
    let addr = env::var("AMQP_ADDR").ok();
    let _turn = addr.as_ref().map(|_| TURN.lock().unwrap_or_else(PoisonError::into_inner)); // a failed test spoils no other
    runtime.block_on(async {
        let office = Office::open(addr).await;
        for name in mailboxes {
            assert!(
                office.queue(name).await.is_none(),
                "there is a queue `{name}` on {} already; nothing was touched. Delete it, or unset AMQP_ADDR\n\
                 {} 上已经有队列 `{name}` 了，测试什么也没有动。请先删掉它，或者取消 AMQP_ADDR",
                office.addr,
                office.addr
            );
        }
        let outcome = AssertUnwindSafe(timeout(PATIENCE, test(&office))).catch_unwind().await;
        for name in mailboxes {
            let _ = office.own_channel().await.queue_delete((*name).into(), QueueDeleteOptions::default()).await; // it may be gone
        }
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(_)) => panic!(
                "after {} s your program is still running: what is it waiting for?\n\
                 过了 {} 秒，你的程序还没有结束：它在等什么？",
                PATIENCE.as_secs(),
                PATIENCE.as_secs()
            ),
            Err(panic) => resume_unwind(panic),
        }
    });
}

/// Waits for something that has to happen within two seconds.
///
/// # Panics
/// With this message when it doesn't.
pub async fn soon<T>(what: impl Future<Output = T>, or_else: &str) -> T {
    timeout(SOON, what).await.unwrap_or_else(|_| panic!("{or_else}"))
}

/// A letter that lies in a mailbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// What is in it, bytes.
    pub body: Vec<u8>,
    /// The notes on its envelope.
    pub properties: BasicProperties,
    /// It was out of the mailbox before.
    pub redelivered: bool,
}

impl Letter {
    /// What it says. Bytes that are no text are shown as `\xff`.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap_or_else(|_| self.body.escape_ascii().to_string())
    }
}

/// The figures of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// The letters that wait.
    pub ready: u32,
    /// The consumers that wait for letters.
    pub consumers: u32,
}

/// An open post office, or the broker at `AMQP_ADDR`.
pub struct Office {
    addr: String,
    post_office: Option<PostOffice>,
    connection: Connection,
    /// For the channels that programs get. A refusal may close a whole connection, and the test still has to look.
    program: Connection,
    /// The channel for looking at figures; a question about a missing mailbox closes it.
    looking: Mutex<Option<Channel>>,
}

impl Office {
    async fn open(addr: Option<String>) -> Self {
        let (addr, post_office) = match addr {
            Some(addr) => (readable(&addr), None),
            None => {
                let office = PostOffice::open().await.expect("a free port on this machine");
                (office.uri(), Some(office))
            }
        };
        let (connection, program) = (connect(&addr).await, connect(&addr).await);
        Self { addr, post_office, connection, program, looking: Mutex::default() }
    }

    /// The address for programs: `amqp://127.0.0.1:PORT`.
    pub fn addr(&self) -> &str {
        &self.addr
    }

    /// Another connection, as if from another program.
    pub async fn connect(&self) -> Connection {
        connect(&self.addr).await
    }

    /// A channel for the program that is tested.
    pub async fn channel(&self) -> Channel {
        self.program.create_channel().await.expect("a channel")
    }

    /// A channel on the test's own connection.
    async fn own_channel(&self) -> Channel {
        self.connection.create_channel().await.expect("a channel")
    }

    /// Waits until the broker has read what programs have said on their channels.
    async fn heard_out(&self) {
        if let Ok(channel) = self.program.create_channel().await {
            let _ = channel.close(200, "heard".into()).await; // a refusal may have closed the connection
        }
    }

    /// A road to this office that the test can close.
    pub async fn road(&self) -> Road {
        Road::to(&self.addr).await
    }

    /// Declares a durable mailbox, as another program may have done.
    pub async fn declare(&self, name: &str) {
        self.declare_with(name, FieldTable::default()).await;
    }

    /// Declares a mailbox of another type, as the programs of RabbitMQ's own tutorials do.
    pub async fn declare_quorum(&self, name: &str) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        self.declare_with(name, arguments).await;
    }

    async fn declare_with(&self, name: &str, arguments: FieldTable) {
        let durable = QueueDeclareOptions::durable();
        self.own_channel().await.queue_declare(name.into(), durable, arguments).await.expect("a new queue");
    }

    /// Deletes a mailbox, as somebody might while a program uses it.
    pub async fn delete(&self, name: &str) {
        self.own_channel().await.queue_delete(name.into(), QueueDeleteOptions::default()).await.expect("deleted");
    }

    /// Puts a letter into a mailbox, and returns when it is there.
    pub async fn put(&self, name: &str, body: impl AsRef<[u8]>) {
        let channel = self.own_channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("the broker confirms");
        let options = BasicPublishOptions::default();
        let publish = channel.basic_publish("".into(), name.into(), options, body.as_ref(), BasicProperties::default());
        publish.await.expect("published").await.expect("confirmed");
    }

    /// The figures of a mailbox; `None` if there is none of that name.
    pub async fn queue(&self, name: &str) -> Option<Figures> {
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        let open = self.looking.lock().unwrap_or_else(PoisonError::into_inner).take();
        let channel = match open {
            Some(channel) => channel,
            None => self.own_channel().await,
        };
        match channel.queue_declare(name.into(), passive, FieldTable::default()).await {
            Ok(queue) => {
                *self.looking.lock().unwrap_or_else(PoisonError::into_inner) = Some(channel);
                Some(Figures { ready: queue.message_count(), consumers: queue.consumer_count() })
            }
            Err(error) => {
                assert!(error.is_amqp_soft_error(), "can't look into `{name}`: {error}");
                None
            }
        }
    }

    /// Whether a mailbox would still be there after the broker's restart.
    pub async fn is_durable(&self, name: &str) -> bool {
        let durable = QueueDeclareOptions::durable();
        self.own_channel().await.queue_declare(name.into(), durable, FieldTable::default()).await.is_ok()
    }

    /// Waits a moment for a mailbox to have so many consumers, and says whether it came to that.
    pub async fn has_consumers(&self, count: u32, name: &str) -> bool {
        self.comes_true(async || self.queue(name).await.is_some_and(|queue| queue.consumers == count)).await
    }

    /// The letters in a mailbox, the next one first; they stay there. Waits a moment until there are `count`, and then
    /// gives those that there are.
    ///
    /// # Panics
    /// When there is no such mailbox.
    pub async fn letters(&self, count: u32, name: &str) -> Vec<Letter> {
        self.heard_out().await;
        let arrived = async || self.queue(name).await.is_some_and(|queue| queue.ready == count);
        self.comes_true(arrived).await;
        assert!(self.queue(name).await.is_some(), "{}", self.no_queue(name));
        let channel = self.own_channel().await;
        let mut letters = Vec::new();
        while let Some(letter) = channel.basic_get(name.into(), BasicGetOptions::default()).await.expect("a letter") {
            let delivery = letter.delivery;
            letters.push(Letter {
                body: delivery.data,
                properties: delivery.properties,
                redelivered: delivery.redelivered,
            });
        }
        channel.close(200, "seen".into()).await.expect("closed"); // nothing was acknowledged, so all of it goes back
        letters
    }

    /// What the letters in a mailbox say; as [`Office::letters`].
    pub async fn texts(&self, count: u32, name: &str) -> Vec<String> {
        self.letters(count, name).await.iter().map(Letter::text).collect()
    }

    fn no_queue(&self, name: &str) -> String {
        let existing: Vec<_> = self.post_office.iter().flat_map(PostOffice::queues).map(|queue| queue.name).collect();
        let (english, chinese) = match existing.join(", ") {
            none if none.is_empty() => Default::default(),
            names => (format!(" There are: {names}"), format!("现有的队列：{names}")),
        };
        format!(
            "there is no queue `{name}`: who declares it?{english}\n没有名叫 `{name}` 的队列：谁来声明它？{chinese}"
        )
    }

    async fn comes_true(&self, condition: impl AsyncFn() -> bool) -> bool {
        let start = Instant::now();
        let mut looks = 0..LOOKS;
        while looks.next().is_some() || start.elapsed() < A_MOMENT {
            if condition().await {
                return true;
            }
        }
        false
    }
}

/// The address as programs read it rightly: in brackets, `[::1]`, lapin finds no IPv6 host and takes `localhost`; with
/// the colons encoded it finds it.
fn readable(addr: &str) -> String {
    let ipv6 = addr.split(['[', ']']).find(|part| part.parse::<Ipv6Addr>().is_ok());
    let encoded = |ip: &str| addr.replace(&format!("[{ip}]"), &ip.replace(':', "%3A"));
    ipv6.map_or_else(|| addr.to_owned(), encoded)
}

/// A connection to this address, as if from another program.
pub async fn connect(addr: &str) -> Connection {
    let properties = ConnectionProperties::default().with_connection_name("window".into());
    Connection::connect(addr, properties).await.unwrap_or_else(|error| panic!("no broker answers at {addr}: {error}"))
}
