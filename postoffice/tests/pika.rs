//! What a Python program sees that uses pika. Needs `python3` with its `venv` and, the first time, the package registry.

mod support;

use std::{
    path::{Path, PathBuf},
    process::Command,
};
use support::brokers::open_office;

/// The version that the book's own Python programs ask for.
const PIKA: &str = "pika==1.3.2";

/// A Python with pika, under `target/`; `None` where it can't be had.
fn python() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pika");
    let python = folder.join("bin/python");
    let run = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    let ready = || run(Command::new(&python).args(["-c", "import pika"]));
    let made = ready()
        || run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            && run(Command::new(&python).args(["-m", "pip", "install", "--quiet", PIKA]))
            && ready();
    if made {
        return Some(python);
    }
    rabbitmq_node::skip("python3 with pika can't be had");
    None
}

/// Prints a line for each thing that it sees.
const PROGRAM: &str = r#"
import sys, pika
parameters = pika.ConnectionParameters(host="127.0.0.1", port=int(sys.argv[1]), heartbeat=1)
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.queue_declare("hello", durable=True)
channel.basic_publish("", "hello", b"one", pika.BasicProperties(delivery_mode=2, headers={"n": 1}))
method, properties, body = channel.basic_get("hello")
print("got", body.decode(), properties.headers, properties.delivery_mode, method.redelivered)
channel.basic_nack(method.delivery_tag)

channel.confirm_delivery()
channel.basic_publish("", "hello", b"two", mandatory=True)
try:
    channel.basic_publish("", "nobody", b"three", mandatory=True)
except pika.exceptions.UnroutableError as error:
    print("back", error.messages[0].body.decode(), error.messages[0].method.reply_text)

channel.basic_qos(prefetch_count=1)
for method, properties, body in channel.consume("hello", inactivity_timeout=10):
    print("delivered", body.decode(), method.redelivered)
    connection.process_data_events(time_limit=3)  # three heartbeat intervals of silence
    channel.basic_ack(method.delivery_tag)
    if body == b"two":
        break
print("requeued by cancel", channel.cancel())

try:
    channel.queue_declare("hello", durable=False)
except pika.exceptions.ChannelClosedByBroker as error:
    print(error.reply_code, error.reply_text)

channel = connection.channel()
tag = channel.basic_consume("hello", lambda *message: None)
channel.add_on_cancel_callback(lambda frame: print("cancelled", frame.method.consumer_tag == tag))
other = connection.channel()
other.queue_delete("hello")
connection.process_data_events(time_limit=0)
connection.close()
print("closed", connection.is_closed)
"#;

#[test]
fn pika_sends_receives_confirms_and_keeps_its_heartbeat() {
    let Some(python) = python() else { return };
    let office = open_office();
    let port = office.address().port().to_string();
    let output = Command::new(python).args(["-c", PROGRAM, &port]).output().expect("python starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let expected = "\
        got one {'n': 1} 2 False\n\
        back three NO_ROUTE\n\
        delivered one True\n\
        delivered two False\n\
        requeued by cancel 0\n\
        406 PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'hello' in vhost '/': received 'false' but current is 'true'\n\
        cancelled True\n\
        closed True\n";
    assert_eq!(printed, expected);
    assert!(office.queues().is_empty());
}
