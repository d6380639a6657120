//! What the tests of the exercises use: a broker for each test, and what its queues hold.
//!
//! The broker is a post office, opened for one test. With `AMQP_ADDR` in the environment the tests use that broker
//! instead, a real RabbitMQ for instance. Everything here goes over AMQP, so that both are judged by the same observations.
#![warn(missing_docs)]

mod road;

pub use road::{BASIC_CONSUME, BASIC_PUBLISH, CONNECTION_CLOSE, Method, QUEUE_DECLARE, Road};

use futures_lite::{FutureExt, future};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ErrorKind,
    options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable},
};
use postoffice::PostOffice;
use std::{
    env,
    hash::{BuildHasher, RandomState},
    net::Ipv6Addr,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    time::{advance, pause, resume, timeout},
};

/// How long a program may take that is meant to end. Only one that hangs waits so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long something may take that has to happen at once. Only what never happens waits so long.
const SOON: Duration = Duration::from_secs(5);
/// How long a change in a queue may take to show, and how often we look at least: on a busy machine a look takes longer.
const A_MOMENT: Duration = Duration::from_millis(500);
const LOOKS: usize = 25;
/// Longer than any program would wait that gives up when nothing comes.
const SILENCE: Duration = Duration::from_secs(60 * 60);

/// Tests share the queues of a real RabbitMQ, so there they take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Runs a test with a broker of its own, for which none of these queues exists yet. They are deleted afterwards.
///
/// # Panics
/// When the test does, when it takes longer than twenty seconds, and when a real RabbitMQ has one of the queues
/// already: that one may hold messages that matter to somebody.
pub fn check(queues: &[&str], test: impl AsyncFnOnce(&Office)) {
    let broker = Runtime::new().expect("a tokio runtime"); // of its own: `Office::silence` moves only the program's clock
    let program = Builder::new_current_thread().enable_all().build().expect("a tokio runtime");
    let addr = env::var("AMQP_ADDR").ok();
    let _turn = addr.as_ref().map(|_| TURN.lock().unwrap_or_else(PoisonError::into_inner)); // a failed test spoils no other
    let post_office = match addr {
        Some(_) => None,
        None => Some(broker.block_on(PostOffice::open()).expect("a free port on this machine")),
    };
    program.block_on(async {
        let office = Office::open(addr, post_office).await;
        for name in queues {
            assert!(
                office.queue(name).await.is_none(),
                "there is a queue `{name}` on {} already; nothing was touched. Delete it, or unset AMQP_ADDR\n\
                 {} 上已经有队列 `{name}` 了，测试什么也没有动。请先删掉它，或者取消 AMQP_ADDR",
                office.addr,
                office.addr
            );
        }
        let test = async {
            test(&office).await;
            Some(())
        };
        let patience = async {
            time_has_passed(PATIENCE).await;
            None
        };
        let outcome = AssertUnwindSafe(future::or(test, patience)).catch_unwind().await;
        // A failed test has left its question on the test's own connection, and a refusal that comes late ends that.
        let sweeper = office.connect().await;
        for name in queues {
            if let Ok(channel) = sweeper.create_channel().await {
                let _ = channel.queue_delete((*name).into(), QueueDeleteOptions::default()).await; // it may be gone
            }
        }
        match outcome {
            Ok(Some(())) => {}
            Ok(None) => panic!(
                "after {} s your program is still running: what is it waiting for?\n\
                 过了 {} 秒，你的程序还没有结束：它在等什么？",
                PATIENCE.as_secs(),
                PATIENCE.as_secs()
            ),
            Err(panic) => resume_unwind(panic),
        }
    });
}

/// Waits by the machine's clock, which [`Office::silence`] doesn't move.
async fn time_has_passed(time: Duration) {
    let (over, ends) = oneshot::channel();
    thread::spawn(move || {
        thread::sleep(time);
        over.send(())
    });
    let _ = ends.await;
}

/// This text with a number behind it that is another one each time: a program can't know it in advance.
pub fn fresh(text: &str) -> String {
    format!("{text} {}", RandomState::new().hash_one(text) % 100_000)
}

/// Waits for something that has to happen within five seconds.
///
/// # Panics
/// With this message when it doesn't.
pub async fn soon<T>(what: impl Future<Output = T>, or_else: &str) -> T {
    timeout(SOON, what).await.unwrap_or_else(|_| panic!("{or_else}"))
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its body, bytes.
    pub body: Vec<u8>,
    /// Its properties.
    pub properties: BasicProperties,
    /// It was delivered before and came back.
    pub redelivered: bool,
}

impl Message {
    /// What it says. Bytes that are no text are shown as `\xff`.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap_or_else(|_| self.body.escape_ascii().to_string())
    }
}

/// The figures of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// The messages that wait.
    pub ready: u32,
    /// The consumers that have subscribed.
    pub consumers: u32,
}

/// An open post office, or the broker at `AMQP_ADDR`.
pub struct Office {
    addr: String,
    post_office: Option<PostOffice>,
    connection: Connection,
    /// For the channels that programs get. A refusal may close a whole connection, and the test still has to look.
    program: Connection,
    /// The channel for looking at figures; a question about a missing queue closes it.
    looking: Mutex<Option<Channel>>,
}

impl Office {
    async fn open(addr: Option<String>, post_office: Option<PostOffice>) -> Self {
        let addr = match (addr, &post_office) {
            (_, Some(office)) => office.uri(),
            (addr, None) => readable(&addr.expect("one of the two")),
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

    /// A road to this broker: the test sees which methods a program calls, and can cut the connection.
    pub async fn road(&self) -> Road {
        Road::to(&self.addr).await
    }

    /// An hour passes for the program, in which nothing happens: each timeout of tokio's runs out.
    pub async fn silence(&self) {
        pause();
        advance(SILENCE).await;
        resume();
    }

    /// Declares a durable queue, as another program may have done.
    pub async fn declare(&self, name: &str) {
        self.declare_with(name, FieldTable::default()).await;
    }

    /// Declares a queue of another type, as the programs of RabbitMQ's own tutorials do.
    pub async fn declare_quorum(&self, name: &str) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        self.declare_with(name, arguments).await;
    }

    async fn declare_with(&self, name: &str, arguments: FieldTable) {
        let durable = QueueDeclareOptions::durable();
        self.own_channel().await.queue_declare(name.into(), durable, arguments).await.expect("a new queue");
    }

    /// Deletes a queue, as somebody might while a program uses it.
    pub async fn delete(&self, name: &str) {
        self.own_channel().await.queue_delete(name.into(), QueueDeleteOptions::default()).await.expect("deleted");
    }

    /// Puts a message into a queue, and returns when it is there.
    pub async fn put(&self, name: &str, body: impl AsRef<[u8]>) {
        let channel = self.own_channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("the broker confirms");
        let options = BasicPublishOptions::default();
        let publish = channel.basic_publish("".into(), name.into(), options, body.as_ref(), BasicProperties::default());
        publish.await.expect("published").await.expect("confirmed");
    }

    /// The figures of a queue; `None` if there is none of that name.
    ///
    /// # Panics
    /// When the queue is exclusive: then nobody but its owner can use it.
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
                let code = match error.kind() {
                    ErrorKind::ProtocolError(refusal) => refusal.get_id(),
                    _ => panic!("can't look into `{name}`: {error}"),
                };
                assert!(
                    code != 405,
                    "the queue `{name}` is exclusive: no other program can use it, and it goes when its owner's connection does\n\
                     队列 `{name}` 声明成了独占的：别的程序都用不了，连接一断开，它就没有了"
                );
                assert!(code == 404, "can't look into `{name}`: {error}");
                None
            }
        }
    }

    /// Makes sure that a queue is declared as all programs of the book declare it: durable, and nothing else.
    ///
    /// # Panics
    /// With the broker's words when it is not.
    pub async fn assert_declared_alike(&self, name: &str) {
        assert!(self.queue(name).await.is_some(), "{}", self.no_queue(name));
        let durable = QueueDeclareOptions::durable();
        let again = self.own_channel().await.queue_declare(name.into(), durable, FieldTable::default()).await;
        if let Err(error) = again {
            panic!(
                "your program has declared `{name}` in another way than the other programs: `QueueDeclareOptions::durable()`, \
                 no arguments. To the next program the broker will say (current: what yours has said):\n\
                 你的程序声明 `{name}` 的方式和别的程序不一样：别的程序用的是 `QueueDeclareOptions::durable()`，没有参数。\
                 下一个程序来声明时，消息代理会这样说（current 后面就是你的程序声明的）：\n{error}"
            );
        }
    }

    /// Waits a moment for a queue to have so many consumers, and says whether it came to that.
    pub async fn has_consumers(&self, count: u32, name: &str) -> bool {
        self.comes_true(async || self.queue(name).await.is_some_and(|queue| queue.consumers == count)).await
    }

    /// Waits a moment for the program to subscribe.
    ///
    /// # Panics
    /// When it does not.
    pub async fn assert_subscribed(&self, name: &str) {
        assert!(
            self.has_consumers(1, name).await,
            "nobody subscribes to `{name}`. Does the queue exist? And a consumer subscribes once, with basic_consume; \
             it doesn't ask again and again\n\
             没有人订阅 `{name}`。这个队列存在吗？还有，消费者用 basic_consume 订阅一次就够了，不用一遍一遍地去问"
        );
    }

    /// The messages in a queue, the next one first; they stay there. Waits a moment until there are `count`, and then
    /// gives those that there are.
    ///
    /// # Panics
    /// When there is no such queue.
    pub async fn messages(&self, count: u32, name: &str) -> Vec<Message> {
        self.heard_out().await;
        let arrived = async || self.queue(name).await.is_some_and(|queue| queue.ready == count);
        self.comes_true(arrived).await;
        assert!(self.queue(name).await.is_some(), "{}", self.no_queue(name));
        let channel = self.own_channel().await;
        let mut messages = Vec::new();
        while let Some(message) = channel.basic_get(name.into(), BasicGetOptions::default()).await.expect("a message") {
            let delivery = message.delivery;
            messages.push(Message {
                body: delivery.data,
                properties: delivery.properties,
                redelivered: delivery.redelivered,
            });
        }
        channel.close(200, "seen".into()).await.expect("closed"); // nothing was acknowledged, so all of it goes back
        messages
    }

    /// What the messages in a queue say; as [`Office::messages`].
    pub async fn texts(&self, count: u32, name: &str) -> Vec<String> {
        self.messages(count, name).await.iter().map(Message::text).collect()
    }

    fn no_queue(&self, name: &str) -> String {
        let existing: Vec<_> = self.post_office.iter().flat_map(PostOffice::queues).map(|queue| queue.name).collect();
        let (english, chinese) = match existing.join(", ") {
            none if none.is_empty() => Default::default(),
            names => (format!(" There are: {names}"), format!("现有的队列：{names}")),
        };
        format!(
            "there is no queue `{name}` now. Who declares it? And one that is exclusive or auto-delete goes away by itself.{english}\n\
             现在没有名叫 `{name}` 的队列。谁来声明它？另外，独占的和 auto-delete 的队列会自己消失。{chinese}"
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
