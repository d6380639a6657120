//! The scenes of the page “Errors”: each makes a mistake or a mishap happen, on the post office and on RabbitMQ, and
//! compares what the programs say with what the page shows.

pub mod edited;
mod machine;
mod road;

use crate::stage::{self, Stage, Terminal, block_on, python};
use lapin::{
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
};
use nix::sys::signal::Signal;
use postoffice::PostOffice;
use rabbitmq_node::Node;
use road::Road;
use std::{
    fs,
    io::Write,
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

const WAITING: &str = "Waiting for messages. Press CTRL+C to leave.";

#[track_caller]
fn compare(terminal: &Terminal, record: &str) {
    stage::compare_in("errors", &[terminal.shown().to_owned()], record);
}

#[test]
fn a_host_that_nobody_knows_is_named() {
    let test = "errors::a_host_that_nobody_knows_is_named";
    let Some(()) = machine::of_its_own(test) else { return };
    let mut terminal = Terminal::with_address("");
    terminal.run_failing("AMQP_ADDR=amqp://rabbitmq:5672 cargo run -p send");
    compare(&terminal, "unknown-host.term");
}

#[test]
fn an_address_that_is_none_is_refused() {
    let mut terminal = Terminal::with_address("");
    for addr in [
        "localhost:5672",
        "http://localhost:5672",
        "amqp://guest:p#1@localhost:5672",
        "",
        "'\"amqp://localhost:5672\"'",
    ] {
        terminal.run_failing(&format!("AMQP_ADDR={addr} cargo run -p send-robust"));
    }
    compare(&terminal, "address.term");
    let mut terminal = Terminal::with_address("");
    terminal.run_failing("AMQP_ADDR= cargo run -p send");
    compare(&terminal, "address-raw.term");
}

#[test]
fn what_is_not_utf8_is_refused() {
    let mut terminal = Terminal::with_address("");
    terminal.run_failing(r"cargo run -p send-robust -- $'caf\xe9'");
    terminal.run_failing(r"AMQP_ADDR=$'amqp://caf\xe9' cargo run -p send-robust");
    compare(&terminal, "not-utf8.term");
}

/// Somebody who accepts connections at a port that is no broker's, and says this.
fn somebody_who_says(words: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let connections: Vec<_> = listener
            .incoming()
            .map_while(Result::ok)
            .inspect(|mut connection| drop(connection.write_all(words)))
            .collect();
        drop(connections); // kept open until the process ends
    });
    place
}

#[test]
fn a_port_that_says_nothing_is_given_up() {
    let place = somebody_who_says(b"");
    let mut terminal = Terminal::with_address(&format!("amqp://{place}"));
    terminal.rename(place, "127.0.0.1:5672");
    terminal.run_failing("cargo run -p send-robust");
    compare(&terminal, "silent-port.term");
    let said = terminal.run_failing("cargo run -p receive-robust");
    assert_eq!(said.matches("says nothing").count(), 2, "{said}");
}

#[test]
fn an_answer_that_is_not_amqp_is_called_so() {
    let place = somebody_who_says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    let mut terminal = Terminal::with_address(&format!("amqp://{place}"));
    terminal.rename(place, "127.0.0.1:5672");
    terminal.run_failing("cargo run -p send");
    terminal.run_failing("cargo run -p send-robust");
    compare(&terminal, "not-amqp.term");
}

#[test]
fn a_blocked_publisher_gives_up_and_the_post_office_says_that_it_blocks() {
    let mut office = Terminal::with_address("");
    let place = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    office.rename(place.clone(), "127.0.0.1:5672");
    office.start("cargo run -p postoffice -- --listen 127.0.0.1:5672 --memory-limit 750");
    office.expect(&format!("The post office is open: amqp://{place}"));
    office.expect("It keeps messages in memory; they are gone when it closes. CTRL+C closes it.");
    let mut send = Terminal::with_address(&format!("amqp://{place}"));
    send.run("cargo run -p send"); // it has room for the first alone
    send.run_failing("cargo run -p send-robust");
    office.expect("Low on memory: messages take more than --memory-limit. Publishers are blocked until consumers have made room: send");
    stage::compare_in("errors", &[office.shown().to_owned(), send.shown().to_owned()], "blocked.term");
    let mut receive = Terminal::with_address(&format!("amqp://{place}"));
    receive.start("cargo run -p receive");
    office.expect("There is room again: no publisher is blocked.");
}

#[test]
fn a_publisher_that_rabbitmq_blocks_gives_up_too() {
    let Some(stage) = Stage::with_tools() else { return };
    let watermark = |fraction: &str| {
        let node = stage.node().expect("it has tools");
        let set = node.rabbitmqctl().args(["-q", "set_vm_memory_high_watermark", fraction]).status();
        assert!(set.unwrap().success());
    };
    watermark("0"); // the alarm is on
    let mut terminal = stage.terminal();
    terminal.start("cargo run -p send-robust");
    let status = terminal.wait();
    watermark("0.6");
    assert_eq!(status.code(), Some(1), "{}", terminal.shown());
    assert!(terminal.shown().contains("does it block publishers?"), "{}", terminal.shown());
}

#[test]
fn an_address_with_tls_is_refused() {
    let mut terminal = Terminal::with_address("");
    terminal.run_failing("AMQP_ADDR=amqps://localhost:5671 cargo run -p send-robust");
    compare(&terminal, "no-tls.term");
}

#[test]
fn a_port_that_speaks_another_language_hangs_up() {
    let Some(stage) = Stage::with_tools() else { return };
    let mut terminal = stage.terminal();
    terminal.run_failing("AMQP_ADDR=amqp://localhost:15672 cargo run -p send");
    compare(&terminal, "wrong-port.term");
}

#[test]
fn a_second_post_office_says_that_the_port_is_taken() {
    for stage in Stage::on_each_broker() {
        let Some(place) = stage.address().on_this_machine() else {
            rabbitmq_node::skip("this scene needs a broker on this machine, and SCENES_AMQP_ADDR names another");
            continue;
        };
        let mut terminal = stage.terminal_at(&stage.address().by(&place.to_string()));
        terminal.rename(format!("port {} on", place.port()), "port 5672 on"); // it says them apart
        terminal.run_failing("cargo run -p postoffice -- --listen 127.0.0.1:5672");
        compare(&terminal, "port-taken.term");
    }
}

#[test]
fn a_wrong_password_is_refused() {
    for stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        terminal.run_failing("AMQP_ADDR=amqp://guest:wrong@127.0.0.1:5672 cargo run -p send");
        compare(&terminal, "wrong-password.term");
        let Some(node) = stage.node() else { continue };
        compare(&log(node), "wrong-password-log.term");
    }
}

/// The refusals that the node has logged, as an operator looks it up.
fn log(node: &Node) -> Terminal {
    let mut terminal = Terminal::with_address("");
    terminal.rename(node.log_folder().to_string_lossy().into_owned(), "/var/log/rabbitmq");
    let start = Instant::now();
    while !node.log().contains("login refused") {
        assert!(start.elapsed() < Duration::from_secs(30), "the node logs no refusal"); // it writes now and then
        thread::sleep(Duration::from_millis(20));
    }
    terminal.run("grep -ho 'login refused: .*' /var/log/rabbitmq/*.log");
    terminal
}

#[test]
fn guest_is_refused_when_it_comes_from_elsewhere() {
    let Some(()) = machine::of_its_own("errors::guest_is_refused_when_it_comes_from_elsewhere") else { return };
    let office = PostOffice::builder().listen((machine::ADDRESS, 0).into()).allow_remote(true);
    let office = block_on(office.open()).unwrap();
    compare(&send_from_elsewhere(&office.address().to_string()), "guest-elsewhere.term");
    stage::close(office);
    let Some(node) = Node::start_at_or_skip(machine::ADDRESS, env!("CARGO_TARGET_TMPDIR"), &[]) else { return };
    compare(&send_from_elsewhere(node.amqp_addr().trim_start_matches("amqp://")), "guest-elsewhere.term");
    compare(&log(&node), "guest-elsewhere-log.term");
}

fn send_from_elsewhere(broker: &str) -> Terminal {
    let mut terminal = Terminal::with_address("");
    terminal.rename(broker.to_owned(), "192.0.2.1:5672");
    terminal.run_failing("AMQP_ADDR=amqp://192.0.2.1:5672 cargo run -p send");
    terminal
}

#[test]
fn a_virtual_host_that_does_not_exist_is_refused() {
    for stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        terminal.run_failing("AMQP_ADDR=amqp://127.0.0.1:5672/shop cargo run -p send");
        terminal.run_failing("AMQP_ADDR=amqp://127.0.0.1:5672/ cargo run -p send");
        compare(&terminal, "vhost.term");
    }
}

#[test]
fn a_new_user_may_nothing_until_it_has_permissions() {
    let Some(stage) = Stage::with_tools() else { return };
    let mut terminal = stage.terminal();
    terminal.run("rabbitmqctl add_user anna secret");
    terminal.run_failing("AMQP_ADDR=amqp://anna:secret@127.0.0.1:5672 cargo run -p send");
    terminal.run(r#"rabbitmqctl set_permissions anna ".*" ".*" ".*""#);
    terminal.run("AMQP_ADDR=amqp://anna:secret@127.0.0.1:5672 cargo run -p send");
    let node = stage.node().expect("it has tools");
    assert!(node.rabbitmqctl().args(["-q", "delete_user", "anna"]).status().unwrap().success());
    compare(&terminal, "no-permission.term");
}

/// The mistake of somebody who leaves the options as they are by default.
const FORGETS_DURABLE: (&str, &str) = ("QueueDeclareOptions::durable()", "QueueDeclareOptions::default()");

#[test]
fn a_durable_queue_refuses_to_be_declared_as_transient() {
    let program = edited::program("forgets-durable", "send", &[FORGETS_DURABLE]);
    for stage in Stage::on_each_broker() {
        stage.declare(QueueDeclareOptions::durable());
        let mut terminal = stage.terminal();
        terminal.edit("send", program.clone());
        terminal.run_failing("cargo run -p send");
        compare(&terminal, "inequivalent.term");
    }
}

#[test]
fn python_hears_the_same_refusal() {
    let Some(()) = python() else { return };
    let script = edited::script("send.py", (", durable=True", ""));
    for stage in Stage::on_each_broker() {
        stage.declare(QueueDeclareOptions::durable());
        let mut terminal = stage.terminal();
        terminal.rename(script.to_string_lossy().into_owned(), "listings/python/send.py");
        terminal.run("target/python/bin/python listings/python/send.py 2>&1 | tail -1");
        compare(&terminal, "inequivalent-python.term");
    }
}

#[test]
fn a_shared_queue_that_is_not_durable_is_not_made() {
    let program = edited::program("transient", "send", &[FORGETS_DURABLE]);
    for mut stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        terminal.edit("send", program.clone());
        terminal.run_failing("cargo run -p send");
        compare(&terminal, "transient.term");
        assert_eq!(stage.queue(), None, "the refusal made a queue");
    }
}

/// What the declaration in RabbitMQ's own tutorials comes to.
const AS_QUORUM: (&str, &str) = (
    "FieldTable::default();",
    r#"[("x-queue-type".into(), lapin::types::AMQPValue::LongString("quorum".into()))].into_iter().collect::<std::collections::BTreeMap<_, _>>().into();"#,
);

#[test]
fn a_queue_of_another_type_refuses_the_declaration() {
    let as_quorum = edited::program("as-quorum", "send", &[AS_QUORUM]);
    for mut stage in Stage::on_each_broker() {
        let mut tutorial = stage.terminal();
        tutorial.edit("send", as_quorum.clone());
        tutorial.run("cargo run -p send");
        let mut ours = stage.terminal();
        ours.run_failing("cargo run -p send");
        stage.show(ours);

        stage.delete_queue();
        stage.terminal().run("cargo run -p send");
        let mut tutorial = stage.terminal();
        tutorial.edit("send", as_quorum.clone());
        tutorial.run_failing("cargo run -p send");
        stage.show(tutorial);
        stage.compare_in("errors", "queue-type.term");
    }
}

#[test]
fn a_queue_that_belongs_to_another_connection_is_locked() {
    for stage in Stage::on_each_broker() {
        stage.declare(QueueDeclareOptions { durable: true, ..QueueDeclareOptions::exclusive() });
        let mut terminal = stage.terminal();
        terminal.run_failing("cargo run -p send");
        compare(&terminal, "locked.term");
    }
}

#[test]
fn a_queue_whose_consumer_wants_it_alone_takes_no_second() {
    for stage in Stage::on_each_broker() {
        stage.declare(QueueDeclareOptions::durable());
        let alone = BasicConsumeOptions { exclusive: true, no_ack: true, ..Default::default() };
        let consume = stage.control().basic_consume("hello".into(), "".into(), alone, FieldTable::default());
        let _first = block_on(consume).unwrap();
        let mut terminal = stage.terminal();
        terminal.run_failing("cargo run -p receive");
        compare(&terminal, "in-exclusive-use.term");
    }
}

#[test]
fn a_queue_that_does_not_exist_can_not_be_consumed() {
    let consume = "basic_consume(\"hello\"";
    let program = edited::program("missing-queue", "receive", &[(consume, &consume.replace("hello", "helo"))]);
    for stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        terminal.edit("receive", program.clone());
        terminal.run_failing("cargo run -p receive");
        compare(&terminal, "missing-queue.term");
    }
}

/// The mistakes of somebody who names an exchange that doesn't exist.
const MISLED: (&str, &str) = (r#"let exchange = """#, r#"let exchange = "sorting""#);
const PUBLISHED: &str = ".await?;\n    println!";
/// Waits until the broker confirms the letter, which is the first answer after it.
const CONFIRMS: (&str, &str) = (
    "    let words:",
    "    channel.confirm_select(lapin::options::ConfirmSelectOptions::default()).await?;\n    let words:",
);

#[test]
fn an_exchange_that_does_not_exist_is_noticed_by_the_next_question() {
    let misled = edited::program("missing-exchange", "send", &[MISLED]);
    let confirmed = (PUBLISHED, ".await?.await?;\n    println!");
    let confirmed = edited::program("missing-exchange-confirmed", "send", &[MISLED, CONFIRMS, confirmed]);
    for mut stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        terminal.edit("send", misled.clone());
        terminal.run("cargo run -p send");
        stage.wait_for_queue(0, 0);
        stage.show(terminal);
        let mut terminal = stage.terminal();
        terminal.edit("send", confirmed.clone());
        terminal.run_failing("cargo run -p send");
        stage.show(terminal);
        stage.compare_in("errors", "missing-exchange.term");
    }
}

#[test]
fn on_a_closed_channel_nothing_can_be_asked() {
    // A moment passes, or it would say `Closing` now and then.
    let asks = ".await?.await.ok();\n    while channel.status().closing() { tokio::task::yield_now().await; }\n    channel.queue_declare(\"hello\".into(), QueueDeclareOptions::durable(), \
                FieldTable::default()).await?;\n    println!";
    let program = edited::program("closed-channel", "send", &[MISLED, CONFIRMS, (PUBLISHED, asks)]);
    for stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        terminal.edit("send", program.clone());
        terminal.run_failing("cargo run -p send");
        compare(&terminal, "closed-channel.term");
    }
}

/// A page that shows a mistake without an answer, or answers to none, is of no use; and who has a message looks for it
/// in the table.
#[test]
fn each_section_shows_its_error_and_each_is_in_the_table() {
    let page = fs::read_to_string(stage::root().join("src/errors.md")).unwrap();
    let (before, sections) = page.split_once("\n### ").expect("sections");
    let sections: Vec<_> = sections.split("\n### ").collect();
    assert!(sections.len() > 15, "only {} sections", sections.len());
    for section in sections {
        let heading = section.lines().next().unwrap_or_default();
        let id = heading.split_once("{#").expect("an id").1;
        assert!(before.contains(&format!("](#{id}").replace('}', ")")), "the table has no link to {heading}");
        assert!(section.contains("{{#include "), "no error is shown in {heading}");
        for part in ["**What happened:**", "**Why:**", "**What to do:**"] {
            assert!(section.contains(part), "{heading} lacks {part}");
        }
    }
}

#[test]
fn what_was_signed_for_automatically_can_not_be_signed_for_again() {
    let decode = "        println!(\"Received";
    let sign = format!("        message.ack(lapin::options::BasicAckOptions::default()).await?;\n{decode}");
    let program = edited::program("signs-again", "receive", &[(decode, &sign)]);
    for mut stage in Stage::on_each_broker() {
        stage.put(b"Life is short, I use Rust!");
        let mut terminal = stage.terminal();
        terminal.edit("receive", program.clone());
        terminal.run_failing("cargo run -p receive");
        compare(&terminal, "unknown-delivery-tag.term");
    }
}

#[test]
fn a_broker_that_closes_says_goodbye() {
    let office = stage::post_office();
    goodbye(office.uri(), || stage::close(office));
    let Some(node) = Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]) else { return };
    goodbye(node.amqp_addr(), || node.shut_down().unwrap());
}

fn goodbye(broker: String, close: impl FnOnce()) {
    let stage = Stage::on_own(&broker);
    let (_road, mut terminal) = receive_waits(&stage, None);
    close();
    assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
    compare(&terminal, "broker-closed.term");
}

#[test]
fn a_connection_that_is_cut_is_noticed_at_once() {
    for stage in Stage::on_each_broker() {
        let (road, mut terminal) = receive_waits(&stage, None);
        road.cut();
        assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
        compare(&terminal, "cut.term");
    }
}

#[test]
fn a_broker_that_falls_silent_is_noticed_by_its_missing_heartbeat() {
    for stage in Stage::on_each_broker() {
        let (road, mut terminal) = receive_waits(&stage, Some(1));
        road.fall_silent();
        assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
        compare(&terminal, "no-heartbeat.term");
    }
}

#[test]
fn a_program_that_a_debugger_held_up_has_lost_its_connection() {
    for mut stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal_at(&stage.address().clone().with_heartbeat(Some(1)));
        terminal.start("cargo run -p receive");
        terminal.expect(WAITING);
        stage.wait_for_queue(0, 1);
        terminal.signal(Signal::SIGSTOP);
        stage.wait_for_queue(0, 0); // the broker has given it up
        terminal.signal(Signal::SIGCONT);
        assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
        compare(&terminal, "no-heartbeat.term");
    }
}

/// A consumer that waits at the end of a road.
fn receive_waits(stage: &Stage, heartbeat: Option<u16>) -> (Road, Terminal) {
    let road = Road::to(&stage.address().place());
    let mut terminal = stage.terminal_at(&stage.address().by(road.place()).with_heartbeat(heartbeat));
    terminal.start("cargo run -p receive");
    terminal.expect(WAITING);
    (road, terminal)
}
