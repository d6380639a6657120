//! `cargo workbook serve` as a process of its own, and ways to talk to it.

#[cfg(target_os = "linux")]
mod terminal;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;
#[cfg(target_os = "linux")]
pub use terminal::Terminal;

/// Long enough to compile the listings on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(300);

/// A running server with a post office of its own, or with the broker that it was given.
pub struct Served {
    pub process: Child,
    pub port: u16,
    pub token: String,
    /// What it says about its broker.
    pub broker: String,
    _dest: TempDir,
}

impl Served {
    pub fn start(broker: Option<&str>) -> Self {
        Self::start_with(broker, |_| {})
    }

    /// With another command line, environment or input and output.
    pub fn start_with(broker: Option<&str>, prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_workbook"));
        command.arg("serve").stdin(Stdio::null()).stdout(Stdio::piped());
        prepare(&mut command);
        Self::spawn(broker, command, |process| process.stdout.take().unwrap())
    }

    /// In a terminal of its own, as the leader of its session.
    #[cfg(target_os = "linux")] // the `setsid` of others gives no terminal
    pub fn start_in_a_terminal(prepare: impl FnOnce(&mut Command)) -> (Self, Terminal) {
        let (terminal, tty) = Terminal::open();
        let mut command = Command::new("setsid"); // it becomes the program that follows
        command.arg("--ctty").arg(env!("CARGO_BIN_EXE_workbook")).arg("serve");
        command.stdin(tty.try_clone().unwrap()).stdout(tty.try_clone().unwrap()).stderr(tty);
        prepare(&mut command);
        (Self::spawn(None, command, |_| terminal.screen()), terminal)
    }

    fn spawn<R: Read + Send + 'static>(
        broker: Option<&str>,
        mut command: Command,
        output: impl FnOnce(&mut Child) -> R,
    ) -> Self {
        let dest = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        command.args(["--no-open", "--port", "0", "--office-port", "0", "--dest"]).arg(dest.path().join("book"));
        match broker {
            Some(addr) => command.env("AMQP_ADDR", addr),
            None => command.env_remove("AMQP_ADDR"),
        };
        let mut process = command.spawn().unwrap();
        drop(command); // with its copies of a terminal
        let mut lines = BufReader::new(output(&mut process)).lines();
        let broker = lines.next().unwrap().unwrap();
        let url = lines.find_map(|line| line.unwrap().strip_prefix("The book is at ").map(str::to_owned)).unwrap();
        thread::spawn(move || lines.for_each(drop));
        let (address, rest) = url.split_once("/?token=").unwrap();
        let port = address.rsplit(':').next().unwrap().parse().unwrap();
        let token = rest.split(' ').next().unwrap().to_owned();
        Self { process, port, token, broker, _dest: dest }
    }

    pub fn has_own_post_office(&self) -> bool {
        self.broker.starts_with("The post office is open at ")
    }

    /// The header with which a browser shows that it was let in.
    pub fn cookie(&self) -> String {
        format!("Cookie: workbook-{}={}", self.port, self.token)
    }

    /// Sends a request as it is given, and reads the answer: status, head and body.
    pub fn request(&self, start: &str, headers: &[&str], body: &str) -> (u16, String) {
        request(self.port, start, headers, body)
    }

    /// Asks for something as our own pages do.
    pub fn post(&self, path: &str, body: &str) -> (u16, String) {
        let origin = format!("Origin: http://127.0.0.1:{}", self.port);
        self.request(&format!("POST {path}"), &[&self.cookie(), &origin, "Content-Type: application/json"], body)
    }

    /// The server's news from now on, line by line: everything that is begun after this is told as it happens.
    pub fn news(&self) -> News {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let cookie = self.cookie();
        write!(stream, "GET /workbook/news HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{cookie}\r\n\r\n", self.port).unwrap();
        let (lines, told) = mpsc::channel();
        let reader = BufReader::new(stream).lines().map_while(Result::ok);
        thread::spawn(move || reader.into_iter().try_for_each(|line| lines.send(line)));
        let mut news = News { told, text: String::new() };
        news.wait_for("event: whole");
        news
    }
}

/// Sends a request as it is given, and reads the answer: status, head and body.
pub fn request(port: u16, start: &str, headers: &[&str], body: &str) -> (u16, String) {
    let own_host = format!("Host: 127.0.0.1:{}", port);
    let host = if headers.iter().any(|header| header.starts_with("Host:")) { "" } else { &*own_host };
    let headers: String = [host].iter().chain(headers).filter(|h| !h.is_empty()).map(|h| format!("{h}\r\n")).collect();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let length = body.len();
    // A server that refuses a large body may close before it has read all of it.
    let _ = write!(stream, "{start} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer to {start}: {answer:?}")), answer)
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill(); // a test may have ended it already
        let _ = self.process.wait();
    }
}

/// What the server tells its pages.
pub struct News {
    told: mpsc::Receiver<String>,
    text: String,
}

impl News {
    /// Waits until everything told so far contains `part`.
    #[track_caller]
    pub fn wait_for(&mut self, part: &str) {
        let start = Instant::now();
        while !self.text.contains(part) {
            match self.told.recv_timeout(DEADLINE.saturating_sub(start.elapsed())) {
                Ok(line) => self.text += &(line + "\n"),
                Err(error) => panic!("waited for {part:?} ({error}) in:\n{}", self.text),
            }
        }
    }

    /// Everything told so far.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The ids of processes whose command line contains `part`.
pub fn processes(part: &str) -> Vec<u32> {
    let found = Command::new("ps").args(["-eo", "pid=,args="]).output().unwrap();
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    found
        .lines()
        .filter(|line| line.contains(part))
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect()
}

/// What a running server holds: open files, child processes, and copies of readers' programs.
pub fn belongings(process: u32) -> [usize; 3] {
    let files = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
    let children = Command::new("ps").args(["-o", "pid=", "--ppid", &process.to_string()]).output().unwrap();
    let copies = fs::read_dir(root().join("target/edited")).into_iter().flatten().flatten();
    let copy = format!("run-{process}-");
    let copies = copies.filter(|entry| entry.file_name().to_string_lossy().starts_with(&copy)).count();
    [files, String::from_utf8_lossy(&children.stdout).lines().count(), copies]
}

/// Waits until a server has no program, no copy of one, and no more open files than before. Fewer are right: before, it
/// may still have held the last request's connection.
#[track_caller]
pub fn wait_until_nothing_is_left(process: u32, files_before: usize) {
    wait_until("nothing is left of the runs", || {
        let [files, processes, copies] = belongings(process);
        files <= files_before && [processes, copies] == [0, 0]
    });
}

/// Waits until a condition holds.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        thread::park_timeout(Duration::from_millis(20)); // between two looks
    }
}

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
