//! A private node: its configuration, its supervisor, its end. Where its RabbitMQ comes from is in
//! [`Installation`].

use crate::{Error, Version, find_installation, installation::Installation, or_skip, say_version};
use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long a node may take to start. About 3 s is usual on two cores, 10 s when they are busy.
const START_DEADLINE: Duration = Duration::from_secs(120);

/// The shell that supervises the node: `epmd` and the server live as long as its standard input is open, so they end
/// with the test that holds the other end, however that ends: returned, panicked or killed. The server has a process
/// group of its own where there is `setsid`, so that it is gone before its files are. A line on standard input kills the
/// server and starts it anew.
const SUPERVISOR: &str = r#"
if [ -n "$ROOT" ]; then
  mount --rbind /proc "$ROOT/proc" && mount --rbind /dev "$ROOT/dev" && mount --bind "$NODE_DIR" "$ROOT$MOUNTED" || exit
fi
"$@" epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" &
while
  $(command -v setsid) "$@" "$SERVER" </dev/null &
  read -r again
  more=$?
  kill -s KILL -- "-$!" "$!" 2>/dev/null
  [ "$more" = 0 ]
do wait "$!"; done
rm -rf "$NODE_DIR"
kill -KILL 0
"#;

/// A running RabbitMQ that belongs to this process alone. Dropping it ends the node and removes its data.
#[derive(Debug)]
pub struct Node {
    supervisor: Child,
    /// What the node prints.
    printed: Mutex<mpsc::Receiver<String>>,
    readers: Vec<JoinHandle<()>>,
    dir: TempDir,
    env: HashMap<&'static str, String>,
    address: Ipv4Addr,
    amqp_port: u16,
    management_port: u16,
    installation: Installation,
}

impl Node {
    /// Starts a node with its data under `dir` (a test passes `env!("CARGO_TARGET_TMPDIR")`) and with these plugins,
    /// and returns when it accepts connections.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] without `rabbitmq-server`, [`Error::NotStarted`] with the node's own words when it fails
    /// or takes longer than two minutes.
    pub fn start(dir: impl AsRef<Path>, plugins: &[&str]) -> Result<Self, Error> {
        Self::start_at(Ipv4Addr::LOCALHOST, dir, plugins)
    }

    /// Starts a node whose AMQP clients come in at this address of the machine.
    ///
    /// # Errors
    /// Those of [`Node::start`].
    pub fn start_at(address: Ipv4Addr, dir: impl AsRef<Path>, plugins: &[&str]) -> Result<Self, Error> {
        Self::start_configured(address, dir, plugins, "")
    }

    fn start_configured(
        address: Ipv4Addr,
        dir: impl AsRef<Path>,
        plugins: &[&str],
        settings: &str,
    ) -> Result<Self, Error> {
        let installation = find_installation()?;
        fs::create_dir_all(&dir)?;
        let dir = tempfile::Builder::new().prefix("rabbitmq-").tempdir_in(&dir)?;
        let [amqp_port, management_port, dist_port, epmd_port] = free_ports()?;

        fs::write(
            dir.path().join("rabbitmq.conf"),
            format!(
                "listeners.tcp.1 = {address}:{amqp_port}\n\
                 management.tcp.ip = 127.0.0.1\n\
                 management.tcp.port = {management_port}\n\
                 deprecated_features.permit.transient_nonexcl_queues = false\n\
                 {settings}" // Debian's package permits those queues
            ),
        )?;
        fs::write(dir.path().join("enabled_plugins"), format!("[{}].\n", plugins.join(",")))?;
        let file = |name: &str| installation.inner_folder(dir.path()).join(name).to_string_lossy().into_owned();
        let env = HashMap::from([
            ("PATH", installation.path()),
            ("LANG", "C.UTF-8".into()),
            ("HOME", file("")), // the Erlang cookie lives there
            ("ERL_EPMD_PORT", epmd_port.to_string()),
            ("RABBITMQ_NODENAME", format!("private-{amqp_port}@localhost")),
            ("RABBITMQ_NODE_PORT", amqp_port.to_string()),
            ("RABBITMQ_DIST_PORT", dist_port.to_string()),
            ("RABBITMQ_MNESIA_BASE", file("data")),
            ("RABBITMQ_LOG_BASE", file("log")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", file("enabled_plugins")),
            ("RABBITMQ_CONFIG_FILE", file("rabbitmq.conf")),
            ("RABBITMQ_CONFIG_FILES", file("conf.d")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", file("advanced.config")),
            ("RABBITMQ_CONF_ENV_FILE", file("rabbitmq-env.conf")),
            ("ERL_CRASH_DUMP", file("erl_crash.dump")),
            // Erlang's schedulers spin while they wait; on a machine that also runs the tests, they had better not.
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none +sbwtdcpu none +sbwtdio none".into()),
        ]);

        let mut supervisor = installation.supervisor(SUPERVISOR, dir.path(), &env);
        supervisor.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut supervisor, 0);
        let mut supervisor = supervisor.spawn()?;
        let (lines, printed) = mpsc::channel();
        let readers = vec![
            forward(supervisor.stdout.take().expect("stdout is piped"), lines.clone()),
            forward(supervisor.stderr.take().expect("stderr is piped"), lines),
        ];
        let printed = Mutex::new(printed);
        let node = Self { supervisor, printed, readers, dir, env, address, amqp_port, management_port, installation };
        node.wait_until_started()?;
        say_version(node.version(), &node.installation);
        Ok(node)
    }

    /// The node a test needs, or `None` where RabbitMQ isn't installed, which it says on stderr. With `CI=true` in the
    /// environment a missing RabbitMQ is a failure.
    ///
    /// # Panics
    /// When the node can't be had though it should.
    pub fn start_or_skip(dir: impl AsRef<Path>, plugins: &[&str]) -> Option<Self> {
        Self::start_at_or_skip(Ipv4Addr::LOCALHOST, dir, plugins)
    }

    /// The same for [`Node::start_at`].
    ///
    /// # Panics
    /// When the node can't be had though it should.
    pub fn start_at_or_skip(address: Ipv4Addr, dir: impl AsRef<Path>, plugins: &[&str]) -> Option<Self> {
        or_skip(Self::start_at(address, dir, plugins))
    }

    /// The same for [`Node::start`] with more lines for its `rabbitmq.conf`, the last of which wins.
    ///
    /// # Panics
    /// When the node can't be had though it should.
    pub fn start_with_or_skip(dir: impl AsRef<Path>, plugins: &[&str], settings: &str) -> Option<Self> {
        or_skip(Self::start_configured(Ipv4Addr::LOCALHOST, dir, plugins, settings))
    }

    /// The address for AMQP clients: `amqp://127.0.0.1:PORT`, unless the node was started at another.
    pub fn amqp_addr(&self) -> String {
        format!("amqp://{}:{}", self.address, self.amqp_port)
    }

    /// The port that speaks AMQP 0-9-1.
    pub fn amqp_port(&self) -> u16 {
        self.amqp_port
    }

    /// The port on 127.0.0.1 of the console and the HTTP API, when the plugin `rabbitmq_management` is on.
    pub fn management_port(&self) -> u16 {
        self.management_port
    }

    /// The version of RabbitMQ that runs.
    pub fn version(&self) -> Version {
        self.installation.version
    }

    /// The command `rabbitmqctl` set up for this node; add the arguments.
    pub fn rabbitmqctl(&self) -> Command {
        self.installation.script("rabbitmqctl", self.supervisor.id(), &self.env)
    }

    /// The folder with the node's log, which elsewhere is `/var/log/rabbitmq`.
    pub fn log_folder(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// What the node logged.
    pub fn log(&self) -> String {
        let files = fs::read_dir(self.log_folder()).into_iter().flatten().flatten();
        files.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
    }

    /// Stops the broker as an operator would (`rabbitmqctl shutdown`): clients get 320 CONNECTION_FORCED.
    ///
    /// # Errors
    /// What `rabbitmqctl` said when it failed.
    pub fn shut_down(&self) -> Result<(), Error> {
        let output = self.rabbitmqctl().arg("shutdown").output()?;
        match output.status.success() {
            true => Ok(()),
            false => Err(Error::Io(std::io::Error::other(String::from_utf8_lossy(&output.stderr)))),
        }
    }

    /// Kills the broker (`SIGKILL`), as when the power fails, and starts it again with what is on its disk. Returns when it
    /// accepts connections.
    ///
    /// # Errors
    /// [`Error::NotStarted`], as [`Node::start`].
    pub fn crash_and_start(&self) -> Result<(), Error> {
        let mut orders = self.supervisor.stdin.as_ref().expect("stdin is piped");
        orders.write_all(b"again\n")?;
        self.wait_until_started()
    }

    fn wait_until_started(&self) -> Result<(), Error> {
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        let start = Instant::now();
        loop {
            match printed.recv_timeout(START_DEADLINE.saturating_sub(start.elapsed())) {
                Ok(line) if line.contains("completed with") => return Ok(()),
                Ok(line) if line.contains("BOOT FAILED") || line.contains("ERROR") => {
                    text += &line;
                    while let Ok(line) = printed.recv_timeout(Duration::from_secs(2)) {
                        text = text + "\n" + &line;
                    }
                    return Err(Error::NotStarted(text));
                }
                Ok(line) => text = text + &line + "\n",
                Err(_) => return Err(Error::NotStarted(text)),
            }
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take()); // the supervisor ends the node's processes, itself included
        let _ = self.supervisor.wait(); // nothing to do about a supervisor that is already gone
        for reader in self.readers.drain(..) {
            let _ = reader.join(); // ends when the last process that could print has ended
        }
    }
}

/// Passes on what the node prints, line by line, until its last process ends; so the node never blocks on a full pipe.
fn forward(output: impl Read + Send + 'static, lines: mpsc::Sender<String>) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = lines.send(line); // nobody listens when the node is being dropped
        }
    })
}

/// Free ports below the range from which the system takes ports for outgoing connections, so that none of them is taken
/// between this look and the node's start.
fn free_ports<const N: usize>() -> std::io::Result<[u16; N]> {
    // Other processes begin elsewhere; this process never looks at a port twice, as a node takes its ports only later.
    static LOOKED_AT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(7919);
    let mut held = Vec::new();
    for _ in 0..2_000 {
        let port = 15_000 + (first.wrapping_add(LOOKED_AT.fetch_add(1, Ordering::Relaxed)) % 14_000) as u16;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push(listener);
        }
        if held.len() == N {
            let mut ports = [0; N];
            for (port, listener) in ports.iter_mut().zip(&held) {
                *port = listener.local_addr()?.port();
            }
            return Ok(ports);
        }
    }
    Err(std::io::Error::other("no free port between 15000 and 29000 on 127.0.0.1"))
}
