//! What survives the end of a post office with a data folder, and what becomes of a folder that can't be used.

mod support;

use amq_protocol::{
    protocol::{
        AMQPClass,
        basic::{self, AMQPProperties},
        channel, confirm, exchange,
        queue::{self, AMQPMethod as Queue},
        tx,
    },
    types::FieldTable,
};
use postoffice::{Error, PostOffice};
use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
};
use support::{
    brokers::RUNTIME,
    client::Client,
    methods::{Method, a_queue, int, table, text},
};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("durable-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn open(data: &Path) -> Result<PostOffice, Error> {
    RUNTIME.block_on(PostOffice::builder().data(data).open())
}

/// A client with one channel in confirm mode.
struct Sender(Client);

impl Sender {
    fn to(office: &PostOffice) -> Self {
        let mut sender = Self(Client::open(office.address()));
        sender.call(channel::Open {});
        sender
    }

    fn confirming(office: &PostOffice) -> Self {
        let mut sender = Self::to(office);
        sender.call(confirm::Select { nowait: false });
        sender
    }

    fn call(&mut self, method: impl Method) -> AMQPClass {
        self.0.send_method(1, method.class());
        self.0.expect_method()
    }

    fn declare(&mut self, name: &str, arguments: FieldTable) {
        let answer = self.call(queue::Declare { durable: true, arguments, ..a_queue(name) });
        assert!(matches!(answer, AMQPClass::Queue(Queue::DeclareOk(_))), "{answer:?}");
    }

    fn tell(&mut self, exchange: &str, key: &str, properties: &AMQPProperties, body: &[u8]) {
        let publish = basic::Publish { exchange: exchange.into(), routing_key: key.into(), ..Default::default() };
        self.0.send_method(1, publish.class());
        self.0.send_content(1, properties, body);
    }

    /// Publishes and waits for the confirm.
    fn send(&mut self, exchange: &str, key: &str, properties: &AMQPProperties, body: &[u8]) {
        self.tell(exchange, key, properties, body);
        let answer = self.0.expect_method();
        assert!(matches!(answer, AMQPClass::Basic(basic::AMQPMethod::Ack(_))), "{answer:?}");
    }
}

fn persistent() -> AMQPProperties {
    AMQPProperties::default().with_delivery_mode(2)
}

fn transient() -> AMQPProperties {
    AMQPProperties::default().with_delivery_mode(1)
}

fn bodies(office: &PostOffice, queue: &str) -> Vec<String> {
    let letters = office.peek(queue).unwrap();
    letters.iter().map(|letter| String::from_utf8_lossy(&letter.body).into_owned()).collect()
}

/// Ends an office in both ways, and opens it again each time.
fn after_each_end(prepare: impl Fn(&PostOffice), check: impl Fn(&PostOffice, &str)) {
    for end in ["close", "drop"] {
        let data = folder();
        let office = open(data.path()).unwrap();
        prepare(&office);
        if end == "close" {
            RUNTIME.block_on(office.close());
        }
        drop(office);
        check(&open(data.path()).unwrap(), end);
    }
}

#[test]
fn persistent_messages_in_durable_queues_survive_in_order_and_transient_ones_do_not() {
    let large = "x".repeat(100_000);
    after_each_end(
        |office| {
            let mut sender = Sender::confirming(office);
            sender.declare("hello", FieldTable::default());
            for body in ["a", &large, "b"] {
                sender.send("", "hello", &persistent(), body.as_bytes());
                sender.send("", "hello", &transient(), b"lost");
            }
        },
        |office, end| assert!(bodies(office, "hello") == ["a", &large, "b"], "{end}"),
    );
}

#[test]
fn exchanges_durable_queues_and_bindings_between_these_survive() {
    after_each_end(
        |office| {
            let mut sender = Sender::confirming(office);
            sender.declare("hello", table([("x-max-length", int(3))]));
            sender.call(queue::Declare { exclusive: true, durable: true, ..a_queue("mine") });
            for (name, durable) in [("logs", true), ("passing", false)] {
                let declare =
                    exchange::Declare { exchange: name.into(), kind: "headers".into(), durable, ..Default::default() };
                sender.call(declare);
                for queue in ["hello", "mine"] {
                    let arguments = table([("x-match", text("any")), ("level", text("info"))]);
                    sender.call(queue::Bind {
                        queue: queue.into(),
                        exchange: name.into(),
                        arguments,
                        ..Default::default()
                    });
                }
            }
            sender.call(exchange::Bind {
                source: "amq.fanout".into(),
                destination: "logs".into(),
                ..Default::default()
            });
        },
        |office, end| {
            let names: Vec<_> = office.queues().into_iter().map(|queue| queue.name).collect();
            assert_eq!(names, ["hello"], "{end}");
            let exchanges = office.exchanges();
            assert!(exchanges.iter().any(|exchange| exchange.name == "passing" && !exchange.durable), "{end}");
            let logs = exchanges.iter().find(|exchange| exchange.name == "logs").unwrap();
            let to: Vec<_> = logs.bindings.iter().map(|binding| &*binding.destination).collect();
            assert_eq!((logs.kind, to), ("headers", vec!["hello"]), "{end}");
            let headers = persistent().with_headers(table([("level", text("info"))]));
            let mut sender = Sender::confirming(office);
            (0..5).for_each(|_| sender.send("amq.fanout", "", &headers, b"x"));
            assert_eq!(office.queue("hello").unwrap().ready, 3, "{end}: it is routed and limited as before");
        },
    );
}

#[test]
fn what_is_deleted_purged_or_acknowledged_stays_gone() {
    after_each_end(
        |office| {
            let mut sender = Sender::confirming(office);
            for name in ["deleted", "purged", "acknowledged"] {
                sender.declare(name, FieldTable::default());
                (0..3).for_each(|number| sender.send("", name, &persistent(), &[b'0' + number]));
            }
            sender.call(queue::Delete { queue: "deleted".into(), ..Default::default() });
            sender.call(queue::Purge { queue: "purged".into(), ..Default::default() });
            sender.call(basic::Get { queue: "acknowledged".into(), no_ack: true });
            (0..2).for_each(|_| drop(sender.0.next())); // the header and the body of what it got
            sender.declare("deleted", FieldTable::default());
        },
        |office, end| {
            assert_eq!(bodies(office, "deleted"), [""; 0], "{end}: the new one has nothing of the old");
            assert_eq!(bodies(office, "purged"), [""; 0], "{end}");
            assert_eq!(bodies(office, "acknowledged"), ["1", "2"], "{end}");
        },
    );
}

#[test]
fn a_dead_letter_survives_with_its_death() {
    after_each_end(
        |office| {
            let mut sender = Sender::confirming(office);
            sender.declare("dead", FieldTable::default());
            let arguments = table([
                ("x-dead-letter-exchange", text("")),
                ("x-dead-letter-routing-key", text("dead")),
                ("x-max-length", int(1)),
            ]);
            sender.declare("short", arguments);
            (0..2).for_each(|number| sender.send("", "short", &persistent(), &[b'0' + number]));
        },
        |office, end| {
            assert_eq!(
                (bodies(office, "short"), bodies(office, "dead")),
                (vec!["1".into()], vec!["0".into()]),
                "{end}"
            );
            let headers = office.peek("dead").unwrap()[0].properties.headers().clone().unwrap();
            assert!(headers.contains_key("x-death") && headers.contains_key("x-first-death-reason"), "{end}");
        },
    );
}

#[test]
fn a_transaction_is_there_as_a_whole_when_its_commit_is_answered() {
    after_each_end(
        |office| {
            let mut sender = Sender::to(office);
            sender.declare("hello", FieldTable::default());
            sender.call(tx::Select {});
            (0..3).for_each(|number| sender.tell("", "hello", &persistent(), &[b'0' + number]));
            sender.call(tx::Commit {});
            sender.tell("", "hello", &persistent(), b"not committed");
        },
        |office, end| assert_eq!(bodies(office, "hello"), ["0", "1", "2"], "{end}"),
    );
}

/// As RabbitMQ: a classic queue knows no more after a crash what was delivered, a quorum queue does.
#[test]
fn after_a_crash_a_classic_queue_takes_all_for_delivered_and_a_quorum_queue_what_was() {
    after_each_end(
        |office| {
            let mut sender = Sender::confirming(office);
            sender.declare("classic", FieldTable::default());
            sender.declare("quorum", table([("x-queue-type", text("quorum"))]));
            for queue in ["classic", "quorum"] {
                (0..2).for_each(|number| sender.send("", queue, &persistent(), &[b'0' + number]));
            }
            let mut taker = Sender::to(office);
            for queue in ["classic", "quorum"] {
                taker.call(basic::Get { queue: queue.into(), no_ack: false });
                (0..2).for_each(|_| drop(taker.0.next())); // the header and the body
            }
            std::mem::forget(taker); // it is still connected when the office ends
        },
        |office, end| {
            let marks =
                |queue: &str| office.peek(queue).unwrap().iter().map(|letter| letter.redelivered).collect::<Vec<_>>();
            assert_eq!(marks("classic"), [true, end == "drop"], "{end}");
            assert_eq!(marks("quorum"), [true, false], "{end}");
        },
    );
}

#[test]
fn without_a_data_folder_nothing_is_written_and_nothing_waits() {
    let office = RUNTIME.block_on(PostOffice::open()).unwrap();
    let mut sender = Sender::confirming(&office);
    sender.declare("hello", FieldTable::default());
    sender.send("", "hello", &persistent(), b"x");
    assert_eq!(bodies(&office, "hello"), ["x"]);
}

// ---- folders that can't be used ----

fn refusal(data: &Path) -> String {
    match open(data) {
        Ok(_) => panic!("{} can't be used", data.display()),
        Err(error) => error.to_string(),
    }
}

fn without_zeros(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() > 1 << 20 {
        let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        bytes.truncate(end);
    }
    bytes
}

/// Everything in a folder, with what it holds.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(contents(&entry.path())),
            false => found.push((entry.path(), without_zeros(fs::read(entry.path()).unwrap()))),
        }
    }
    found.sort();
    found
}

#[test]
fn a_folder_that_another_office_has_open_is_refused_until_that_is_gone() {
    let data = folder();
    let first = open(data.path()).unwrap();
    let told = refusal(data.path());
    let expected = "another post office uses the data folder";
    assert!(told.starts_with(expected) && told.ends_with("stop it, or choose another folder"), "{told}");
    drop(first);
    assert!(open(data.path()).is_ok());
}

#[test]
fn a_folder_with_something_else_in_it_is_refused_and_left_alone() {
    let data = folder();
    fs::write(data.path().join("thesis.txt"), "three years").unwrap();
    let before = contents(data.path());
    let told = refusal(data.path());
    assert!(told.contains("holds something else than the data of a post office"), "{told}");
    assert_eq!(contents(data.path()), before);
}

#[test]
fn a_folder_of_a_newer_post_office_is_refused_and_keeps_its_mark() {
    let data = folder();
    drop(open(data.path()).unwrap());
    let with_definitions = |change: &dyn Fn(&fjall::Keyspace)| {
        let database = fjall::Database::builder(data.path()).open().unwrap();
        change(&database.keyspace("definitions", Default::default).unwrap());
        database.persist(fjall::PersistMode::SyncAll).unwrap();
    };
    with_definitions(&|definitions| definitions.insert("schema", [200, 1]).unwrap()); // 200, as postcard writes a number
    let told = refusal(data.path());
    assert!(told.contains("was written by a newer post office (schema 200; this one knows 1)"), "{told}");
    assert!(told.ends_with("use that one, or choose another folder"), "{told}");
    with_definitions(&|definitions| assert_eq!(definitions.get("schema").unwrap().as_deref(), Some(&[200, 1][..])));
}

#[test]
fn a_folder_that_is_a_file_is_refused() {
    let data = folder();
    let file = data.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(refusal(&file).starts_with("can't use the data folder"));
}

#[test]
fn a_damaged_folder_is_refused_in_one_sentence_or_opened_and_never_panics() {
    let data = folder();
    let office = open(data.path()).unwrap();
    let mut sender = Sender::confirming(&office);
    sender.declare("hello", FieldTable::default());
    (0..20).for_each(|number| sender.send("", "hello", &persistent(), &[number; 300]));
    RUNTIME.block_on(office.close());
    drop(office);
    let (mut refused, mut opened) = (0, 0);
    for (path, bytes) in contents(data.path()) {
        for position in (0..bytes.len().min(2000)).step_by(293) {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x55;
            let copy = folder();
            copy_to(data.path(), copy.path());
            fs::write(copy.path().join(path.strip_prefix(data.path()).unwrap()), damaged).unwrap();
            match open(copy.path()) {
                Ok(_) => opened += 1,
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().contains('\n'), "{error}");
                }
            }
        }
    }
    assert!(refused > 0, "{opened} opened");
}

fn copy_to(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_to(&entry.path(), &target),
            // The journal has zeros after what is written, many of them.
            false => fs::write(target, without_zeros(fs::read(entry.path()).unwrap())).unwrap(),
        }
    }
}

/// What a write leaves behind that the machine's end has cut off at any byte: the messages before it are all there, the one
/// that it was about is there or not, and the office goes on.
#[test]
fn a_write_that_was_cut_off_anywhere_loses_no_more_than_itself() {
    let data = folder();
    let office = open(data.path()).unwrap();
    let mut sender = Sender::confirming(&office);
    sender.declare("hello", FieldTable::default());
    (0..3).for_each(|number| sender.send("", "hello", &persistent(), &[b'0' + number]));
    let before = journal(data.path());
    sender.send("", "hello", &persistent(), &[b'3'; 300]);
    let after = journal(data.path());
    let start = before.1.iter().zip(&after.1).position(|(a, b)| a != b).unwrap();
    let end = after.1.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    assert!(end - start > 300, "the message is in the journal");
    let template = folder();
    copy_to(data.path(), template.path());
    drop((sender, office));
    let open_at = |cut: usize, is_preallocated: bool| {
        let copy = folder();
        copy_to(template.path(), copy.path());
        let mut torn = after.1[..cut].to_vec();
        if is_preallocated {
            torn.resize(cut + 4096, 0);
        }
        fs::write(copy.path().join(after.0.file_name().unwrap()), torn).unwrap();
        let office = open(copy.path()).unwrap_or_else(|error| panic!("cut at {}: {error}", cut - start));
        assert_eq!(bodies(&office, "hello"), ["0", "1", "2"], "cut at {}", cut - start);
        if cut.is_multiple_of(16) {
            Sender::confirming(&office).send("", "hello", &persistent(), b"after");
            drop(office);
            let again = open(copy.path()).unwrap();
            assert_eq!(bodies(&again, "hello"), ["0", "1", "2", "after"], "cut at {}", cut - start);
        }
    };
    thread::scope(|scope| {
        for part in 0..4 {
            let open_at = &open_at;
            scope.spawn(move || {
                for cut in (start + part..end).step_by(4) {
                    open_at(cut, true);
                    open_at(cut, false);
                }
            });
        }
    });
}

/// The file to which is appended, and what it holds.
fn journal(data: &Path) -> (PathBuf, Vec<u8>) {
    let files = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let path = files.filter(|path| path.extension().is_some_and(|name| name == "jnl")).max().unwrap();
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(&path).unwrap(), 1 << 20), &mut bytes).unwrap();
    (path, bytes)
}
