//! The post office as a command, from outside: how it ends, and what it says about addresses.

#![cfg(unix)] // what asks it to end is a signal here

mod support;

use amq_protocol::{
    frame::AMQPFrame,
    protocol::{
        AMQPClass,
        connection::{AMQPMethod as Connection, CloseOk},
    },
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    io::{BufRead, BufReader, Lines},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};
use support::client::{Client, Incoming};

/// The command as a process of its own.
struct Office {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Office {
    /// On a free port of 127.0.0.1.
    fn open() -> Self {
        Self::open_by(Command::new(env!("CARGO_BIN_EXE_postoffice")).args(["--listen", "127.0.0.1:0"]))
    }

    fn open_by(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let open = lines.next().unwrap().unwrap();
        let port = open.trim_end().strip_prefix("The post office is open: amqp://127.0.0.1:").unwrap();
        let address = (Ipv4Addr::LOCALHOST, port.parse().unwrap()).into();
        assert!(lines.next().unwrap().unwrap().contains("CTRL+C closes it"));
        Self { process, lines, address }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().cast_signed()), signal).unwrap();
    }

    /// What else it prints, and how it ends.
    fn end(&mut self) -> (Vec<String>, ExitStatus) {
        let rest = self.lines.by_ref().map(Result::unwrap).collect();
        (rest, self.process.wait().unwrap())
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it has most likely ended
        let _ = self.process.wait();
    }
}

/// What RabbitMQ 4.3 says when it shuts down.
fn is_told_of_the_end(client: &mut Client) {
    let AMQPClass::Connection(Connection::Close(close)) = client.expect_method() else { panic!("no close") };
    let text = "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'";
    assert_eq!((close.reply_code, close.reply_text.as_str()), (320, text));
    assert_eq!((close.class_id, close.method_id), (0, 0));
}

fn agree(client: &mut Client) {
    client.send(&AMQPFrame::Method(0, AMQPClass::Connection(Connection::CloseOk(CloseOk {}))));
    assert_eq!(client.next(), Some(Incoming::Closed));
}

#[test]
fn whoever_ends_it_its_clients_are_told() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut office = Office::open();
        let mut clients = [Client::open(office.address), Client::open(office.address)];
        office.signal(signal);
        clients.iter_mut().for_each(is_told_of_the_end);
        clients.iter_mut().for_each(agree);
        let (said, status) = office.end();
        assert_eq!(said, ["Closing."]);
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let mut office = Office::open();
        let mut silent = Client::open(office.address);
        office.signal(Signal::SIGTERM);
        is_told_of_the_end(&mut silent); // and doesn't agree
        office.signal(signal);
        let (said, status) = office.end();
        assert_eq!(said, ["Closing."]);
        assert_eq!(status.code(), Some(code), "{signal}");
    }
}

#[test]
fn clients_are_told_when_the_terminal_is_closed() {
    let command = format!("exec {:?} --listen 127.0.0.1:0", env!("CARGO_BIN_EXE_postoffice"));
    let mut terminal = Command::new("script"); // gives the program a terminal; it is part of every Debian
    let mut office = Office::open_by(terminal.args(["--quiet", "--command", &command, "/dev/null"]));
    let mut client = Client::open(office.address);
    office.process.kill().unwrap(); // the terminal, which hangs up
    is_told_of_the_end(&mut client);
}

#[test]
fn one_that_was_started_with_nohup_stays_when_the_terminal_is_closed() {
    let mut nohup = Command::new("nohup");
    let office = Office::open_by(nohup.arg(env!("CARGO_BIN_EXE_postoffice")).args(["--listen", "127.0.0.1:0"]));
    let mut client = Client::open(office.address);
    office.signal(Signal::SIGHUP);
    office.signal(Signal::SIGTERM);
    is_told_of_the_end(&mut client);
}

/// What it says when it can't open, or why it should not.
fn refusal(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_postoffice")).args(arguments).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?} opens an office");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_address_that_it_cannot_have_is_explained() {
    for none in ["localhost:5672", "localhost", "127.0.0.1", "5672", "::1:5672", "[::1]", "127.0.0.1:65536", ""] {
        let said = refusal(&["--listen", none]);
        assert!(said.contains("write an IP address and a port, such as 127.0.0.1:5672"), "{none}: {said}");
    }
    for remote in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[2001:db8::5]:0", "[::ffff:192.0.2.1]:0"] {
        let said = refusal(&["--listen", remote]);
        assert!(said.contains(&format!("{remote} can be reached from other machines")), "{remote}: {said}");
        assert!(said.contains("Choose a loopback address, such as 127.0.0.1:5672"), "{said}");
    }
}
