//! The stage for the scenes: a broker, some terminals, and the record of what was typed and printed in them.

mod address;

use address::{Address, SHOWN, replace_each};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use postoffice::PostOffice;
use rabbitmq_node::{Node, RabbitMq};
use snapbox::Data;
use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, BufRead, BufReader, Read},
    os::unix::{ffi::OsStrExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio, exit},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpSocket,
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};
use workbook::broker::office::{Action, Office};

/// Longer than anything takes here on a busy machine; only a failure waits so long.
const DEADLINE: Duration = Duration::from_secs(120);

/// One RabbitMQ for all scenes of a test binary: the broker that `SCENES_AMQP_ADDR` names, or else what other tests compare
/// with too. A private node ends with the process.
static RABBITMQ: LazyLock<Option<RabbitMq>> = LazyLock::new(|| match env::var("SCENES_AMQP_ADDR") {
    Ok(addr) => Some(RabbitMq::at(&addr).unwrap_or_else(|error| panic!("SCENES_AMQP_ADDR: {error}"))),
    Err(_) => RabbitMq::find_or_skip(env!("CARGO_TARGET_TMPDIR"), &["rabbitmq_management"]),
});
/// Scenes share the queue `hello` as the listings do, so they play one after the other.
static PLAYING: Mutex<()> = Mutex::new(());
/// Where the post office runs, and CTRL+C is awaited: tests that a shell runs in the background ignore it, and so would
/// every program that they start; a signal that is handled is the program's own again.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a tokio runtime");
    let interrupt = runtime.block_on(async { signal(SignalKind::interrupt()) });
    let mut interrupt = interrupt.expect("a handler for CTRL+C");
    runtime.spawn(async move {
        interrupt.recv().await;
        exit(130); // as a shell says that a program was interrupted
    });
    runtime
});

/// What Debian's RabbitMQ 4.3 says of a deprecated feature, and what everybody else's says. Debian has changed the
/// default, so that its node refuses by its configuration and says so; a record shows what a reader sees.
const DEBIAN_SAYS: [(&str, &str); 3] = [
    (
        "Its use is not permitted per the configuration (overriding the default, which is permitted):",
        "By default, this feature is not permitted anymore.",
    ),
    (
        r#"    "deprecated_features.permit.transient_nonexcl_queues = false""#,
        "The feature will be removed from a future major RabbitMQ version, regardless of the configuration; \
         actual version to be determined.",
    ),
    ("Its use will not be permit...", "To..."), // a reply text ends after 255 characters
];

/// A broker without a queue `hello`, and the terminals opened on it.
pub struct Stage {
    addr: Address,
    /// What is called otherwise in the record, with the words that a reader sees.
    renamed: Vec<(String, &'static str)>,
    control: Channel,
    node: Option<&'static Node>,
    record: Vec<String>,
    _playing: Option<MutexGuard<'static, ()>>,
    _office: Option<PostOffice>,
    /// A post office that the scene may stop and start.
    power: Option<Office>,
}

/// How a broker ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// In good order.
    Stop,
    /// By a signal that it never hears of.
    Crash,
}

impl Stage {
    /// The same stage on each broker that must give the same record: the post office, then RabbitMQ, which is left out where
    /// there is none.
    pub fn on_each_broker() -> impl Iterator<Item = Self> {
        [Self::in_post_office, Self::on_rabbitmq].into_iter().filter_map(|open| open())
    }

    fn in_post_office() -> Option<Self> {
        let office = RUNTIME.block_on(PostOffice::open()).unwrap();
        let mut stage = Self::new(&office.uri());
        stage._office = Some(office);
        Some(stage)
    }

    /// A stage on RabbitMQ with its command line tools and its console; `None`, said on stderr, where there are none.
    pub fn with_tools() -> Option<Self> {
        if RABBITMQ.as_ref()?.node().is_none() {
            rabbitmq_node::skip(
                "a scene needs rabbitmqctl and the console, and of this RabbitMQ only the address is known",
            );
            return None;
        }
        Self::on_rabbitmq()
    }

    /// A stage on a RabbitMQ of its own with its command line tools, which the scene may restart. It ends with the process.
    pub fn on_own_rabbitmq() -> Option<Self> {
        let node: &'static Node = Box::leak(Box::new(Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[])?));
        let mut stage = Self::new(&node.amqp_addr());
        stage.node = Some(node);
        Some(stage)
    }

    /// The same stage on a post office and on a RabbitMQ that the scene may end and start again; both keep what they keep.
    pub fn with_restarts() -> impl Iterator<Item = Self> {
        let in_post_office = || {
            let office = RUNTIME.block_on(Office::open(0, None)).unwrap();
            let mut stage = Self::new(office.uri());
            stage.power = Some(office);
            Some(stage)
        };
        [in_post_office, Self::on_own_rabbitmq].into_iter().filter_map(|open| open())
    }

    /// Has the broker end and start again.
    pub fn restart_after(&mut self, end: End) {
        match (&self.power, self.node, end) {
            (Some(office), ..) => {
                let ended = match end {
                    End::Stop => Action::Stop,
                    End::Crash => Action::Crash,
                };
                RUNTIME.block_on(office.act(ended)).unwrap();
                RUNTIME.block_on(office.act(Action::Start)).unwrap();
            }
            (None, Some(node), End::Stop) => {
                for command in ["stop_app", "start_app"] {
                    let output = node.rabbitmqctl().arg(command).output().unwrap();
                    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
                }
            }
            (None, Some(node), End::Crash) => node.crash_and_start().unwrap(),
            (None, None, _) => panic!("the broker of this stage belongs to others"),
        }
        self.control = connect(&self.addr);
    }

    fn on_rabbitmq() -> Option<Self> {
        let rabbitmq = RABBITMQ.as_ref()?;
        let playing = PLAYING.lock().unwrap_or_else(PoisonError::into_inner); // a failed scene spoils no other
        let mut stage = Self::new(rabbitmq.amqp_addr());
        stage.renamed.extend(DEBIAN_SAYS.map(|(debian, others)| (debian.to_owned(), others)));
        stage.node = rabbitmq.node();
        let console = stage.node.map(|node| (format!("localhost:{}", node.management_port()), "localhost:15672"));
        stage.renamed.extend(console);
        stage._playing = Some(playing);
        Some(stage)
    }

    /// A stage on a broker that the scene owns, and may stop.
    pub fn on_own(addr: &str) -> Self {
        Self::new(addr)
    }

    fn new(addr: &str) -> Self {
        let addr = Address::new(addr);
        let (control, renamed) = (connect(&addr), addr.renamed());
        let mut stage =
            Self { addr, renamed, control, node: None, record: Vec::new(), _playing: None, _office: None, power: None };
        let found = stage.queue();
        if found.is_some() {
            std::mem::forget(stage); // its end would delete the queue, which is not ours
            panic!("the broker already has a queue `hello`: the scenes want one of their own; nothing was changed");
        }
        stage
    }

    /// The private RabbitMQ of this stage, where there is one.
    pub fn node(&self) -> Option<&'static Node> {
        self.node
    }

    /// The messages ready in `hello` and its consumers, or `None` without such a queue.
    pub fn queue(&mut self) -> Option<(u32, u32)> {
        let passive = QueueDeclareOptions { passive: true, durable: true, ..Default::default() };
        match RUNTIME.block_on(self.control.queue_declare("hello".into(), passive, FieldTable::default())) {
            Ok(queue) => Some((queue.message_count(), queue.consumer_count())),
            Err(error) => {
                assert!(error.is_amqp_soft_error(), "{error}");
                self.control = connect(&self.addr); // a refusal closes the channel
                None
            }
        }
    }

    /// Waits until `hello` has so many messages ready and so many consumers; both settle a moment after a client goes.
    #[track_caller]
    pub fn wait_for_queue(&mut self, ready: u32, consumers: u32) {
        let start = Instant::now();
        loop {
            let state = self.queue();
            if state == Some((ready, consumers)) {
                return;
            }
            assert!(
                start.elapsed() < DEADLINE,
                "`hello` has (ready, consumers) {state:?}, not {:?}",
                (ready, consumers)
            );
        }
    }

    /// Declares `hello` with these options, as some other program might.
    pub fn declare(&self, options: QueueDeclareOptions) {
        RUNTIME.block_on(self.control.queue_declare("hello".into(), options, FieldTable::default())).unwrap();
    }

    /// Puts a body into `hello` without any listing.
    pub fn put(&mut self, body: &[u8]) {
        self.declare(QueueDeclareOptions::durable());
        RUNTIME.block_on(async {
            let properties = BasicProperties::default();
            let publish =
                self.control.basic_publish("".into(), "hello".into(), BasicPublishOptions::default(), body, properties);
            publish.await.unwrap();
        });
    }

    /// Deletes `hello` as somebody might while a program uses it.
    pub fn delete_queue(&mut self) {
        RUNTIME.block_on(self.control.queue_delete("hello".into(), QueueDeleteOptions::default())).unwrap();
    }

    /// Deletes queues of other names; it is no error when there are none.
    pub fn delete_named(&self, names: &[&'static str]) {
        for name in names {
            RUNTIME.block_on(self.control.queue_delete((*name).into(), QueueDeleteOptions::default())).unwrap();
        }
    }

    /// A channel of somebody else, to prepare what a program shall meet.
    pub fn control(&self) -> &Channel {
        &self.control
    }

    /// A channel of somebody else, on a connection of its own.
    pub fn channel(&self) -> Channel {
        connect(&self.addr)
    }

    /// How many messages of a queue are unacknowledged; `None` on a RabbitMQ of which only the address is known.
    pub fn unacknowledged(&self, queue: &str) -> Option<usize> {
        if let Some(office) = &self._office {
            return Some(office.queue(queue).unwrap().unacknowledged);
        }
        let mut listed = self.node?.rabbitmqctl();
        listed.args(["-q", "list_queues", "--no-table-headers"]);
        let listed = listed.args(["name", "messages_unacknowledged"]).output().unwrap();
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let row = listed.lines().find_map(|line| line.strip_prefix(&format!("{queue}\t")));
        Some(row.unwrap_or_else(|| panic!("no {queue} in {listed:?}")).trim().parse().unwrap())
    }

    /// Where the broker is. The record shows another address.
    pub fn address(&self) -> &Address {
        &self.addr
    }

    /// Opens another terminal.
    pub fn terminal(&self) -> Terminal {
        self.terminal_at(&self.addr)
    }

    /// A terminal whose programs reach the broker at another address.
    pub fn terminal_at(&self, addr: &Address) -> Terminal {
        let mut terminal = Terminal::with_address(&addr.uri());
        terminal.renamed = addr.renamed(); // the first of several stands for what is shown
        terminal.renamed.extend(self.renamed.iter().cloned());
        terminal.node = self.node;
        terminal
    }

    /// A terminal in which programs look for a broker where none is. The port is held, so that none can appear there.
    pub fn terminal_without_broker() -> (Terminal, TcpSocket) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap(); // bound and not listening: connections are refused
        let place = socket.local_addr().unwrap().to_string();
        let mut terminal = Terminal::with_address(&format!("amqp://{place}"));
        terminal.rename(place, SHOWN);
        (terminal, socket)
    }

    /// Adds what stands in a terminal to the record, one below the other.
    pub fn show(&mut self, terminal: Terminal) {
        self.record.push(terminal.shown.clone());
    }

    /// Compares the record with the file that the chapter shows.
    #[track_caller]
    pub fn compare(self, file: &str) {
        compare(&self.record, file);
    }

    /// Compares the record with a file in another folder of `src`.
    #[track_caller]
    pub fn compare_in(self, folder: &str, file: &str) {
        compare_in(folder, &self.record, file);
    }
}

/// A channel on a connection of its own.
fn connect(addr: &Address) -> Channel {
    RUNTIME.block_on(async {
        let connection = Connection::connect(&addr.for_lapin(), ConnectionProperties::default()).await;
        let connection = connection.expect("the broker answers");
        connection.create_channel().await.expect("a channel")
    })
}

/// Opens a post office that the scene owns.
pub fn post_office() -> PostOffice {
    RUNTIME.block_on(PostOffice::open()).unwrap()
}

/// The same on `[::1]`; `None`, said on stderr, where this machine has no IPv6.
pub fn post_office_on_ipv6() -> Option<PostOffice> {
    let listen = "[::1]:0".parse().unwrap();
    let open = RUNTIME.block_on(PostOffice::builder().listen(listen).open());
    open.inspect_err(|error| rabbitmq_node::skip(error)).ok()
}

/// Closes a post office as CTRL+C does.
pub fn close(office: PostOffice) {
    RUNTIME.block_on(office.close());
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A broker that the scene has stopped has nothing left to tidy up.
        let _ = RUNTIME.block_on(self.control.queue_delete("hello".into(), QueueDeleteOptions::default()));
    }
}

/// Runs what a scene does with the broker, to its end.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// Compares what the terminals showed with `src/basic/FILE`; `SNAPSHOTS=overwrite` writes the file instead.
#[track_caller]
pub fn compare(terminals: &[String], file: &str) {
    compare_in("basic", terminals, file);
}

/// The same with a file in another folder of `src`.
#[track_caller]
pub fn compare_in(folder: &str, terminals: &[String], file: &str) {
    let text = match terminals {
        [one] => one.clone(),
        many => {
            let titled = many.iter().enumerate().map(|(i, shown)| format!("# terminal {}\n{shown}", i + 1));
            titled.collect::<Vec<_>>().join("\n")
        }
    };
    let text = in_order(&text);
    let path = root().join("src").join(folder).join(file);
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .normalize_paths(false) // a backslash is one
        .eq(text, Data::read_from(&path, Some(snapbox::data::DataFormat::Text)));
}

/// What was shown, with the rows of each list of queues by name: RabbitMQ lists them in no particular order.
fn in_order(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let heads = |line: &str| line.starts_with("$ rabbitmqctl") && line.contains(" list_");
    let lists: Vec<usize> = (0..lines.len()).filter(|&at| heads(lines[at])).collect();
    for at in lists {
        let first = (at + 2).min(lines.len()); // below the command and the names of the columns
        let rows = lines[first..].iter().take_while(|line| line.contains('\t')).count();
        lines[first..first + rows].sort_unstable();
    }
    lines.join("\n") + "\n"
}

/// A terminal: programs run in it one after the other, and everything that a person would see there is written down.
pub struct Terminal {
    addr: String,
    renamed: Vec<(String, &'static str)>,
    node: Option<&'static Node>,
    /// A listing that the reader has edited, and the program that came of it.
    edited: Option<(&'static str, PathBuf)>,
    shown: String,
    running: Option<(Child, mpsc::Receiver<String>)>,
}

impl Terminal {
    /// A terminal in which `AMQP_ADDR` is this.
    pub fn with_address(addr: &str) -> Self {
        Self {
            addr: addr.to_owned(),
            renamed: Vec::new(),
            node: None,
            edited: None,
            shown: String::new(),
            running: None,
        }
    }

    /// Shows something real under the name that a reader has for it.
    pub fn rename(&mut self, real: String, shown: &'static str) {
        self.renamed.push((real, shown));
    }

    /// From now on a listing is one that the reader has edited: `cargo run -p LISTING` runs this program.
    pub fn edit(&mut self, listing: &'static str, program: PathBuf) {
        self.edited = Some((listing, program));
    }

    /// Types a command that ends by itself, and checks that it ends well.
    #[track_caller]
    pub fn run(&mut self, command: &str) {
        self.start(command);
        let status = self.wait();
        assert!(status.success(), "`{command}` ended with {status}:\n{}", self.shown);
    }

    /// Types a command that has to fail with status 1, and gives what it said.
    #[track_caller]
    pub fn run_failing(&mut self, command: &str) -> String {
        self.start(command);
        assert_eq!(self.wait().code(), Some(1), "{}", self.shown);
        self.shown.clone()
    }

    /// Types a command and leaves it running.
    #[track_caller]
    pub fn start(&mut self, command: &str) {
        self.shown += &format!("$ {command}\n");
        let given = command.strip_prefix("AMQP_ADDR=").and_then(|rest| rest.split_once(' '));
        let (addr, command) = match given {
            Some((addr, command)) => (bytes_of(&self.real(addr)), command),
            None => (self.addr.clone().into(), command),
        };
        // One pipe for both, as in a terminal: an error stands below what was printed before it.
        let (output, printing) = io::pipe().unwrap();
        let child = self
            .command(command)
            .env("AMQP_ADDR", addr)
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(printing.try_clone().unwrap())
            .stderr(printing)
            .spawn()
            .unwrap_or_else(|error| panic!("can't run `{command}`: {error}"));
        let (lines, printed) = mpsc::channel();
        forward(output, lines);
        self.running = Some((child, printed));
    }

    /// The program behind a command as the book writes it.
    fn command(&self, command: &str) -> Command {
        let mut words = command.split(' ');
        let program = words.next().unwrap_or_default();
        match (program, command.strip_prefix("cargo run -p ")) {
            (_, Some(listing)) => {
                let (name, arguments) = listing.split_once(" -- ").unwrap_or((listing, ""));
                let edited = self.edited.as_ref().filter(|(listing, _)| *listing == name);
                let program = edited.map_or_else(|| listing_program(name), |(_, program)| program.clone());
                let mut program = Command::new(program);
                program.args(words_of(&self.real(arguments)));
                program
            }
            ("rabbitmqctl", _) => {
                let mut ctl = self.node.expect("the stage has tools").rabbitmqctl();
                ctl.args(words.map(|word| word.trim_matches('"'))); // as the shell would
                ctl
            }
            _ => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("exec {}", self.real(command))]).current_dir(root());
                shell
            }
        }
    }

    /// What is shown under another name, under its real one.
    fn real(&self, text: &str) -> String {
        replace_each(text, self.renamed.iter().map(|(real, shown)| (*shown, real.as_str())))
    }

    /// Waits for the program to print this line.
    #[track_caller]
    pub fn expect(&mut self, line: &str) {
        let (_, printed) = self.running.as_mut().expect("a program runs here");
        match printed.recv_timeout(DEADLINE) {
            Ok(next) => {
                self.write(&next);
                assert_eq!(next, line, "in a terminal that shows:\n{}", self.shown);
            }
            Err(error) => panic!("waited for {line:?} ({error}) in a terminal that shows:\n{}", self.shown),
        }
    }

    /// Checks that the program still runs and has printed nothing more.
    #[track_caller]
    pub fn expect_quiet(&mut self) {
        let (child, printed) = self.running.as_mut().expect("a program runs here");
        assert_eq!(child.try_wait().unwrap(), None, "it ended");
        assert_eq!(printed.try_recv().ok(), None);
    }

    /// Sends the program a signal.
    #[track_caller]
    pub fn signal(&mut self, signal: Signal) {
        let (child, _) = self.running.as_mut().expect("a program runs here");
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
    }

    /// Kills the program, and shows what a shell says of it.
    #[track_caller]
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.wait();
        self.shown += "Killed\n";
    }

    /// Presses CTRL+C, which ends a program that doesn't handle it, and checks that it ends by that, or well.
    #[track_caller]
    pub fn interrupt(&mut self) {
        self.signal(Signal::SIGINT);
        self.shown += "^C\n";
        let status = self.wait();
        let is_interrupted = status.signal() == Some(Signal::SIGINT as i32);
        assert!(status.success() || is_interrupted, "ended with {status}:\n{}", self.shown);
    }

    /// Waits for the program to end by itself; what it still printed is shown.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let (mut child, printed) = self.running.take().expect("a program runs here");
        let start = Instant::now();
        loop {
            match printed.recv_timeout(DEADLINE.saturating_sub(start.elapsed())) {
                Ok(line) => self.write(&line),
                Err(mpsc::RecvTimeoutError::Disconnected) => return child.wait().unwrap(), // it has closed the pipe
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.running = Some((child, printed)); // to be ended with this terminal
                    panic!("a program that should end goes on in a terminal that shows:\n{}", self.shown);
                }
            }
        }
    }

    /// Everything that the terminal shows.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    fn write(&mut self, line: &str) {
        let line = replace_each(line, self.renamed.iter().map(|(real, shown)| (real.as_str(), *shown)));
        self.shown += &(line + "\n");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            let _ = child.kill(); // it may have ended meanwhile
            let _ = child.wait();
        }
    }
}

/// The words of a command as a shell reads them: what stands in quotation marks is one, and in `$'…'` `\xNN` is a byte.
fn words_of(text: &str) -> Vec<OsString> {
    let parts = text.split('"').enumerate().flat_map(|(i, part)| match i % 2 {
        0 => part.split_whitespace().map(bytes_of).collect(),
        _ => vec![part.into()],
    });
    parts.collect()
}

/// A word of a command as a shell reads it: without its quotation marks, and `\xNN` in it is a byte.
fn bytes_of(word: &str) -> OsString {
    let quoted = |open: &str| word.strip_prefix(open).and_then(|word| word.strip_suffix('\''));
    let word = quoted("$'").or_else(|| quoted("'")).unwrap_or(word);
    let mut parts = word.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two hexadecimal digits"));
        bytes.extend(&part.as_bytes()[2..]);
    }
    OsStr::from_bytes(&bytes).to_owned()
}

fn forward(output: impl Read + Send + 'static, lines: mpsc::Sender<String>) {
    thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
}

/// The folder into which cargo puts the programs.
pub fn programs() -> PathBuf {
    let test = env::current_exe().unwrap(); // target/debug/deps/scenes-…
    test.ancestors().nth(2).unwrap().to_owned()
}

/// The compiled program of a listing. `cargo test` doesn't build the programs of other packages, so that is done here.
pub fn listing_program(name: &str) -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        // --workspace: with fewer packages cargo would choose other features and compile lapin again.
        let build = Command::new(env!("CARGO"))
            .args(["build", "--workspace", "--bins", "--quiet"])
            .current_dir(root())
            .status();
        assert!(build.unwrap().success(), "the listings don't compile");
        programs()
    });
    FOLDER.join(name)
}

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the project")
}

/// A Python with pika, made by the commands that the chapter gives; `None`, said on stderr, where there is no Python.
pub fn python() -> Option<()> {
    let run = |program: &str, args: &[&str]| Command::new(program).args(args).current_dir(root()).output();
    let has_pika = |python: &str| run(python, &["-c", "import pika"]).is_ok_and(|output| output.status.success());
    const PYTHON: &str = "target/python/bin/python";
    let in_root = |path: &str| root().join(path).to_string_lossy().into_owned();
    if has_pika(&in_root(PYTHON)) {
        return Some(());
    }
    let steps = [
        ("python3", vec!["-m", "venv", "target/python"]),
        (&*in_root("target/python/bin/pip"), vec!["install", "--quiet", "-r", "listings/python/requirements.txt"]),
    ];
    for (program, args) in steps {
        let failure = match run(program, &args) {
            Ok(output) if output.status.success() => continue,
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        rabbitmq_node::skip(format_args!("no Python with pika could be had ({program} {args:?}: {failure})"));
        return None;
    }
    Some(())
}
