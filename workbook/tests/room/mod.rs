//! A classroom: `cargo workbook class` as a process of its own, its students, and what its big screen is told.

use crate::served::{self, DEADLINE, root};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind,
    message::Delivery,
    options::{
        BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use snapbox::Data;
use std::{
    env,
    io::{BufRead, BufReader, Lines, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{LazyLock, mpsc},
    thread,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// The command, on free ports of loopback.
pub fn command() -> Command {
    command_at("127.0.0.1:0")
}

fn command_at(listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workbook"));
    command.args(["class", "--listen", listen, "--port", "0", "--no-open"]);
    command.env_remove("RUST_BACKTRACE");
    command
}

/// An open class.
pub struct Room {
    pub process: Child,
    /// Where students connect to.
    pub address: String,
    pub password: String,
    /// What `AMQP_ADDR` has to be.
    pub addr: String,
    /// The port of the big screen.
    pub port: u16,
    pub token: String,
    /// What the command has printed.
    pub said: String,
    _output: Lines<BufReader<ChildStdout>>,
}

impl Room {
    pub fn open() -> Self {
        Self::open_at("127.0.0.1:0")
    }

    pub fn open_at(listen: &str) -> Self {
        let mut process = command_at(listen).arg("--yes").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut said = String::new();
        while !said.contains("The big screen is at") {
            said += &(output.next().expect("it opens").unwrap() + "\n");
        }
        let after = |mark: &str| {
            let rest = said.split_once(mark).unwrap_or_else(|| panic!("no {mark:?} in {said}")).1;
            rest.split_whitespace().next().unwrap().to_owned()
        };
        let addr = after("export AMQP_ADDR=");
        let address = addr.rsplit('@').next().unwrap().to_owned();
        let port = after("The big screen is at http://127.0.0.1:").split('/').next().unwrap().parse().unwrap();
        let (password, token) = (after("Password: "), after("/?token="));
        Self { process, address, password, addr, port, token, said, _output: output }
    }

    /// The header with which a browser shows that it was let in.
    pub fn cookie(&self) -> String {
        format!("Cookie: workbook-{}={}", self.port, self.token)
    }

    /// Asks for something as the big screen does, and gives the status.
    pub fn post(&self, path: &str, body: &Value) -> u16 {
        let origin = format!("Origin: http://127.0.0.1:{}", self.port);
        let headers = [&*self.cookie(), &origin, "Content-Type: application/json"];
        served::request(self.port, &format!("POST {path}"), &headers, &body.to_string()).0
    }

    /// Presses CTRL+C.
    pub fn interrupt(&self) {
        self.signal(Signal::SIGINT);
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().cast_signed()), signal).unwrap();
    }

    /// What a big screen is told from now on.
    pub fn screen(&self) -> Screen {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let (host, cookie) = (format!("Host: 127.0.0.1:{}", self.port), self.cookie());
        write!(stream, "GET /workbook/class/news HTTP/1.1\r\n{host}\r\n{cookie}\r\n\r\n").unwrap();
        let (sender, told) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(stream).lines().map_while(Result::ok);
            let data = lines.filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
            data.into_iter().try_for_each(|data| sender.send(data))
        });
        Screen { told, now: Value::Null }
    }

    /// Compares a record with the file that the book shows, after giving it the addresses and secrets of an example.
    #[track_caller]
    pub fn compare(&self, record: &str, file: &str) {
        let record = record
            .replace(&self.address, "192.168.1.20:5672")
            .replace("127.0.0.1:0", "192.168.1.20:5672 (wlan0)")
            .replace(&self.password, "bakuti-mesida")
            .replace(&format!("127.0.0.1:{}", self.port), "127.0.0.1:3000")
            .replace(&self.token, "41c8f7…");
        snapbox::Assert::new().action_env("SNAPSHOTS").eq(
            record,
            Data::read_from(&root().join("src/teaching").join(file), Some(snapbox::data::DataFormat::Text)),
        );
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.process.kill(); // a test may have ended it already
        let _ = self.process.wait();
    }
}

/// What a big screen knows.
pub struct Screen {
    told: mpsc::Receiver<Value>,
    pub now: Value,
}

impl Screen {
    /// Waits for the screen to be told something for which this holds.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, holds: impl Fn(&Value) -> bool) {
        let start = Instant::now();
        while self.now.is_null() || !holds(&self.now) {
            match self.told.recv_timeout(Duration::from_secs(30).saturating_sub(start.elapsed())) {
                Ok(mut told) => {
                    let inner = told.get_mut("told").map(Value::take); // the first has the addresses beside it
                    self.now = inner.unwrap_or(told);
                }
                Err(error) => panic!("waited in vain: {what} ({error}); told last: {:#}", self.now),
            }
        }
    }

    /// Waits until a student has done exactly these steps: `124`.
    #[track_caller]
    pub fn wait_for_steps(&mut self, name: &str, steps: &str) {
        self.wait_until(&format!("{name} has done {steps}"), |now| done(now, name) == steps);
    }

    pub fn steps(&self, name: &str) -> String {
        done(&self.now, name)
    }

    #[track_caller]
    pub fn row(&self, name: &str) -> &Value {
        let row = row(&self.now, name);
        assert!(!row.is_null(), "no {name:?} in {:#}", self.now);
        row
    }
}

/// A student's row; null if there is none.
pub fn row<'a>(now: &'a Value, name: &str) -> &'a Value {
    let rows = now["students"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().find(|row| row["name"] == name).unwrap_or(&Value::Null)
}

fn done(now: &Value, name: &str) -> String {
    let done = row(now, name)["done"].as_array().map(Vec::as_slice).unwrap_or_default();
    done.iter().zip(1..).filter(|(done, _)| **done == true).map(|(_, number)| number.to_string()).collect()
}

/// A student's program.
pub struct Student {
    pub name: String,
    pub connection: Connection,
    channel: Channel,
}

impl Student {
    pub async fn connect(room: &Room, name: &str) -> Self {
        Self::try_connect(room, name).await.unwrap_or_else(|error| panic!("{name} can't connect: {error}"))
    }

    pub async fn try_connect(room: &Room, name: &str) -> lapin::Result<Self> {
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connection = Connection::connect(&room.addr, properties).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { name: name.to_owned(), connection, channel })
    }

    pub async fn declare(&self, queue: &str) {
        self.try_declare(queue).await.unwrap();
    }

    pub async fn try_declare(&self, queue: &str) -> lapin::Result<()> {
        let durable = QueueDeclareOptions::durable();
        self.channel.queue_declare(queue.into(), durable, FieldTable::default()).await.map(drop)
    }

    pub async fn declare_exchange(&self, name: &str) {
        self.try_declare_exchange(name).await.unwrap();
    }

    pub async fn try_declare_exchange(&self, name: &str) -> lapin::Result<()> {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        self.channel.exchange_declare(name.into(), ExchangeKind::Fanout, options, FieldTable::default()).await
    }

    /// Publishes a letter, and returns when the post office has it.
    pub async fn publish(&self, queue: &str, body: &[u8]) {
        self.try_publish(queue, body).await.unwrap();
    }

    pub async fn try_publish(&self, queue: &str, body: &[u8]) -> lapin::Result<()> {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        self.channel.basic_publish("".into(), queue.into(), options, body, properties).await?.await.map(drop)
    }

    /// Publishes letters as fast as it can, and returns when the post office has them all.
    pub async fn publish_many(&self, queue: &str, count: usize) {
        let mut confirms = Vec::new();
        for _ in 0..count {
            let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
            let publish = self.channel.basic_publish("".into(), queue.into(), options, b"Hi!", properties);
            confirms.push(publish.await.unwrap());
        }
        for confirm in confirms {
            confirm.await.unwrap();
        }
    }

    pub async fn consume(&self, queue: &str) -> Consumer {
        let options = BasicConsumeOptions::default();
        self.channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await.unwrap()
    }
}

/// The next letter.
pub async fn next(mail: &mut Consumer) -> Delivery {
    timeout(DEADLINE, mail.next()).await.expect("a letter comes").expect("the subscription goes on").unwrap()
}

/// Waits until a subscription ends, and gives the error with which it does; nothing if it was cancelled.
pub async fn end(mail: &mut Consumer) -> String {
    let all = async {
        while let Some(delivery) = mail.next().await {
            if let Err(error) = delivery {
                return error.to_string();
            }
        }
        String::new()
    };
    timeout(Duration::from_secs(30), all).await.expect("the subscription ends")
}

/// Waits until something holds.
pub async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        sleep(Duration::from_millis(20)).await; // between two looks
    }
}

/// The compiled program of a listing. `cargo test` doesn't build the programs of other packages, so that is done here.
pub fn listing(name: &str) -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        // --workspace: with fewer packages cargo would choose other features and compile lapin again.
        let build = Command::new(env!("CARGO"))
            .args(["build", "--workspace", "--bins", "--quiet"])
            .current_dir(root())
            .status();
        assert!(build.unwrap().success(), "the listings don't compile");
        env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned() // target/debug/deps/class-…
    });
    FOLDER.join(name)
}

/// A student who reads their own mail with the program of the book.
pub struct Reading {
    program: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Reading {
    pub fn start(room: &Room, name: &str) -> Self {
        let mut command = Command::new(listing("class-letter"));
        let mut program = command.arg(name).env("AMQP_ADDR", &room.addr).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        Self { program, lines }
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        self.lines.next().expect("it goes on").unwrap()
    }

    /// Presses CTRL+C.
    pub fn interrupt(&mut self) -> ExitStatus {
        self.signal(Signal::SIGINT);
        self.program.wait().unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.program.id().cast_signed()), signal).unwrap();
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let _ = self.program.kill(); // it has most likely ended
        let _ = self.program.wait();
    }
}
