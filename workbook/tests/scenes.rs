//! Each scene plays a page of the book, on the post office and on RabbitMQ: it types the commands, checks what the programs print and what
//! the broker holds then, and compares the record with what the page shows. `SNAPSHOTS=overwrite` records it again.

#![cfg(unix)] // CTRL+C is a signal here

mod errors;
mod patterns;
mod stage;

use nix::sys::signal::Signal;
use rabbitmq_node::Node;
use stage::{Stage, Terminal, python};

const SENT: &str = "Sent: Life is short, I use Rust!";
const RECEIVED: &str = "Received: Life is short, I use Rust!";
const WAITING: &str = "Waiting for messages. Press CTRL+C to leave.";

#[test]
fn a_message_is_sent_and_nobody_has_to_be_there() {
    for mut stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        terminal.run("cargo run -p send");
        stage.wait_for_queue(1, 0);
        stage.show(terminal);
        stage.compare("send.term");
    }
}

#[test]
fn without_a_broker_both_programs_say_what_to_do_and_fail() {
    let (mut terminal, _held) = Stage::terminal_without_broker();
    terminal.run_failing("cargo run -p send");
    stage::compare(&[terminal.shown().to_owned()], "no-broker.term");

    let (mut terminal, _held) = Stage::terminal_without_broker();
    terminal.run_failing("cargo run -p send-robust");
    stage::compare(&[terminal.shown().to_owned()], "no-broker-robust.term");

    let (mut terminal, _held) = Stage::terminal_without_broker();
    let said = terminal.run_failing("cargo run -p receive");
    assert!(said.contains("Connection refused"), "{said}");
    let said = terminal.run_failing("cargo run -p receive-robust");
    assert!(said.contains("no broker answers at 127.0.0.1:5672"), "{said}");
}

#[test]
fn an_address_that_is_none_is_not_taken_for_a_missing_broker() {
    for (addr, sentence) in [
        ("localhost:5672", "AMQP_ADDR is no address"),
        ("", "it is empty"),
        ("\"amqp://127.0.0.1:5672\"", "leave out the quotation marks"),
        ("amqp://guest:secret@host:port", "AMQP_ADDR is no address"),
        ("amqp:///secret", "it names no host"),
        ("amqp:/192.0.2.1:5672", "it names no host"),
        ("amqp://[2001:db8::5%25eth0]:5672", "AMQP_ADDR is no address"),
        ("amqps://127.0.0.1:5671", "this program speaks no TLS"),
    ] {
        for program in ["send-robust", "receive-robust"] {
            let said = Terminal::with_address(addr).run_failing(&format!("cargo run -p {program}"));
            assert!(said.contains(sentence) && !said.contains("secret"), "{addr}: {said}");
        }
    }
}

#[test]
fn a_letter_goes_to_the_ipv6_address_that_was_named() {
    let Some(office) = stage::post_office_on_ipv6() else { return };
    let place = format!("[::1]:{}", office.address().port());
    for addr in [format!("amqp://{place}"), office.uri()] {
        let mut terminal = Terminal::with_address(&addr);
        terminal.run("cargo run -p send-robust");
        assert_eq!(office.queue("hello").unwrap().ready, 1, "{addr}");
        terminal.start("cargo run -p receive-robust");
        terminal.expect(WAITING);
        terminal.expect(RECEIVED);
        terminal.interrupt();
    }
    // Whatever stands before and after it.
    let said = Terminal::with_address(&format!("amqp://localhost:no[t]@{place}/localhost"))
        .run_failing("cargo run -p send-robust");
    assert!(said.contains("did not let us in") && said.contains("ACCESS_REFUSED"), "{said}");
}

#[test]
fn no_letter_goes_to_another_address_than_the_one_that_was_named() {
    let office = stage::post_office();
    let addr = format!("amqp://[::1]:{}", office.address().port()); // there is none, and one at this port of 127.0.0.1
    for program in ["send-robust", "receive-robust"] {
        let said = Terminal::with_address(&addr).run_failing(&format!("cargo run -p {program}"));
        assert!(said.contains("no broker answers at ::1:"), "{said}");
    }
    assert!(office.queues().is_empty());
}

#[test]
fn rabbitmqctl_shows_the_letter_that_waits() {
    let Some(mut stage) = Stage::with_tools() else { return };
    stage.terminal().run("cargo run -p send");
    let mut terminal = stage.terminal();
    terminal.run("rabbitmqctl list_queues");
    stage.show(terminal);
    let mut terminal = stage.terminal();
    terminal.run("rabbitmqctl list_queues name messages_ready messages_unacknowledged consumers");
    stage::compare(&[terminal.shown().to_owned()], "columns.term");
    stage.compare("look.term");
}

#[test]
fn looking_at_a_letter_puts_it_back_marked_as_redelivered() {
    let Some(mut stage) = Stage::with_tools() else { return };
    stage.terminal().run("cargo run -p send");
    let get = r#"curl -s -u guest:guest -d '{"count":1,"ackmode":"ack_requeue_true","encoding":"auto"}' http://localhost:15672/api/queues/%2F/hello/get"#;
    let mut console = stage.terminal(); // the console's button sends the same request
    console.run(get);
    assert!(console.shown().contains(r#""redelivered":false"#), "{}", console.shown());
    stage.wait_for_queue(1, 0);
    let mut terminal = stage.terminal();
    terminal.run(get);
    stage.wait_for_queue(1, 0);
    stage.show(terminal);
    stage.compare("peek.term");
}

#[test]
fn the_letter_that_waited_is_received_and_gone() {
    for mut stage in Stage::on_each_broker() {
        stage.terminal().run("cargo run -p send");
        stage.wait_for_queue(1, 0);

        let mut terminal = stage.terminal();
        terminal.start("cargo run -p receive");
        terminal.expect(WAITING);
        terminal.expect(RECEIVED);
        stage.wait_for_queue(0, 1);
        terminal.expect_quiet();
        terminal.interrupt();
        stage.wait_for_queue(0, 0);
        stage.show(terminal);
        stage.compare("receive.term");
    }
}

#[test]
fn a_received_letter_leaves_an_empty_queue_behind() {
    let Some(mut stage) = Stage::with_tools() else { return };
    stage.terminal().run("cargo run -p send");
    let mut receive = stage.terminal();
    receive.start("cargo run -p receive");
    receive.expect(WAITING);
    receive.expect(RECEIVED);
    receive.interrupt();
    stage.wait_for_queue(0, 0);

    let mut terminal = stage.terminal();
    terminal.run("rabbitmqctl list_queues name messages_ready messages_unacknowledged consumers");
    stage.show(terminal);
    stage.compare("empty.term");
}

#[test]
fn a_consumer_alone_waits() {
    for mut stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        terminal.start("cargo run -p receive");
        terminal.expect(WAITING);
        stage.wait_for_queue(0, 1);
        terminal.expect_quiet();
        terminal.interrupt();
        stage.wait_for_queue(0, 0);
    }
}

#[test]
fn a_waiting_consumer_receives_each_letter_as_it_is_sent() {
    for mut stage in Stage::on_each_broker() {
        let mut receive = stage.terminal();
        receive.start("cargo run -p receive");
        receive.expect(WAITING);
        let mut send = stage.terminal();
        for _ in 0..2 {
            send.run("cargo run -p send");
            receive.expect(RECEIVED);
            stage.wait_for_queue(0, 1);
        }
        receive.interrupt();
        stage.show(receive);
        stage.show(send);
        stage.compare("again.term");
    }
}

#[test]
fn letters_wait_for_their_consumer_in_order() {
    for mut stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        for (letters, number) in [(1, "one"), (2, "two"), (3, "three")] {
            terminal.run(&format!("cargo run -p send -- {number}"));
            stage.wait_for_queue(letters, 0);
        }
        terminal.start("cargo run -p receive");
        terminal.expect(WAITING);
        for number in ["one", "two", "three"] {
            terminal.expect(&format!("Received: {number}"));
        }
        stage.wait_for_queue(0, 1);
        terminal.interrupt();
        stage.show(terminal);
        stage.compare("backlog.term");
    }
}

#[test]
fn a_body_that_is_not_text_is_shown() {
    for mut stage in Stage::on_each_broker() {
        stage.put(b"caf\xe9\x1b[2J");
        stage.put("你好".as_bytes());
        let mut terminal = stage.terminal();
        terminal.start("cargo run -p receive-robust");
        terminal.expect(WAITING);
        terminal.expect(r"Received bytes that are not text: caf\xe9\x1b[2J");
        terminal.expect("Received: 你好");
        terminal.interrupt();
    }
}

#[test]
fn all_words_behind_the_command_are_sent() {
    for mut stage in Stage::on_each_broker() {
        for program in ["send", "send-robust"] {
            let mut terminal = stage.terminal();
            terminal.run(&format!("cargo run -p {program} -- Hello dear world"));
            assert!(terminal.shown().contains("Sent: Hello dear world\n"), "{}", terminal.shown());
        }
        let mut terminal = stage.terminal();
        terminal.run(r"cargo run -p send -- $'caf\xe9'"); // not UTF-8: no reason to panic
        stage.wait_for_queue(3, 0);
    }
}

#[test]
fn the_robust_consumer_closes_its_connection_and_ends_well() {
    for mut stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        terminal.start("cargo run -p receive-robust");
        terminal.expect(WAITING);
        stage.wait_for_queue(0, 1);
        terminal.signal(Signal::SIGINT);
        assert_eq!(terminal.wait().code(), Some(0), "{}", terminal.shown());
        stage.wait_for_queue(0, 0);

        let mut terminal = stage.terminal();
        terminal.start("cargo run -p receive-robust");
        terminal.expect(WAITING);
        stage.delete_queue();
        assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
    }
}

#[test]
fn a_message_is_looked_at_put_back_and_acknowledged() {
    for mut stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        let said = terminal.run_failing("cargo run -p get");
        assert!(said.contains("there is no queue hello") && said.contains("NOT_FOUND"), "{said}");

        let mut terminal = stage.terminal();
        terminal.run("cargo run -p send");
        stage.wait_for_queue(1, 0);
        terminal.run("cargo run -p get");
        stage.wait_for_queue(0, 0);
        stage.show(terminal);
        stage.compare("get.term");
    }
}

#[test]
fn the_shop_answers_at_once_and_counts_later() {
    for mut stage in Stage::on_each_broker() {
        stage.delete_named(&["receipts", "statistics"]);
        let mut receipts = stage.terminal();
        receipts.start("cargo run -p shop -- receipts");
        receipts.expect("Waiting for orders. Press CTRL+C to leave.");
        let mut orders = stage.terminal();
        orders.run("cargo run -p shop -- orders 3");
        for order in 1..=3 {
            receipts.expect(&format!(r#"Receipt for {{"order":{order},"book":"Rust"}}"#));
        }
        let mut statistics = stage.terminal();
        statistics.run("cargo run -p shop -- statistics");
        receipts.interrupt();
        stage.show(receipts);
        stage.show(orders);
        stage.show(statistics);
        stage.delete_named(&["receipts", "statistics"]);
        stage.compare("shop.term");
    }
}

#[test]
fn a_consumer_whose_queue_is_deleted_fails() {
    for mut stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        terminal.start("cargo run -p receive");
        terminal.expect(WAITING);
        stage.delete_queue();
        assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
        stage.show(terminal);
        stage.compare("deleted.term");
    }
}

#[test]
fn a_consumer_whose_post_office_closes_fails() {
    let office = stage::post_office();
    let terminal = receive_waits_at(office.uri());
    stage::close(office);
    the_broker_ended_it(terminal);
}

#[test]
fn a_consumer_whose_rabbitmq_stops_fails() {
    let Some(node) = Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]) else { return };
    let terminal = receive_waits_at(node.amqp_addr());
    node.shut_down().unwrap();
    the_broker_ended_it(terminal);
}

fn receive_waits_at(broker: String) -> Terminal {
    let mut terminal = Stage::on_own(&broker).terminal();
    terminal.start("cargo run -p receive");
    terminal.expect(WAITING);
    terminal
}

fn the_broker_ended_it(mut terminal: Terminal) {
    assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
    // Which reason it gives depends on what comes first: the broker's farewell or the end of the connection.
    let reasons = ["Error: protocol error: ", "Error: IO error: "];
    assert!(reasons.iter().any(|reason| terminal.shown().contains(reason)), "{}", terminal.shown());
}

#[test]
fn python_and_rust_write_to_each_other() {
    let Some(()) = python() else { return };
    for mut stage in Stage::on_each_broker() {
        let mut receive = stage.terminal();
        receive.start("cargo run -p receive");
        receive.expect(WAITING);
        let mut send = stage.terminal();
        send.run("target/python/bin/python listings/python/send.py");
        receive.expect("Received: Life is short, I use Python!");
        receive.interrupt();
        stage.wait_for_queue(0, 0);
        stage::compare(&[receive.shown().to_owned(), send.shown().to_owned()], "python-to-rust.term");

        let mut receive = stage.terminal();
        receive.start("target/python/bin/python listings/python/receive.py");
        receive.expect(WAITING);
        stage.wait_for_queue(0, 1);
        let mut send = stage.terminal();
        send.run("cargo run -p send");
        receive.expect(RECEIVED);
        stage.wait_for_queue(0, 1);
        receive.interrupt();
        stage.wait_for_queue(0, 0);
        assert!(send.shown().contains(SENT));
        stage.show(receive);
        stage.show(send);
        stage.compare("rust-to-python.term");
    }
}

#[test]
fn the_python_consumer_fails_too_when_its_queue_is_deleted() {
    let Some(()) = python() else { return };
    for mut stage in Stage::on_each_broker() {
        let mut terminal = stage.terminal();
        terminal.start("target/python/bin/python listings/python/receive.py");
        terminal.expect(WAITING);
        stage.wait_for_queue(0, 1);
        stage.delete_queue();
        assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
        assert!(terminal.shown().contains("the broker cancelled our subscription"), "{}", terminal.shown());
    }
}

#[test]
fn two_consumers_take_turns() {
    for mut stage in Stage::on_each_broker() {
        let mut consumers = [stage.terminal(), stage.terminal()];
        for (before, consumer) in (0..).zip(&mut consumers) {
            consumer.start("cargo run -p receive");
            consumer.expect(WAITING);
            stage.wait_for_queue(0, before + 1);
        }
        let mut send = stage.terminal();
        for (turn, letter) in ["one", "two", "three", "four"].iter().enumerate() {
            send.run(&format!("cargo run -p send -- {letter}"));
            consumers[turn % 2].expect(&format!("Received: {letter}"));
        }
        for mut consumer in consumers {
            consumer.expect_quiet();
            consumer.interrupt();
            stage.show(consumer);
        }
        stage.show(send);
        stage.compare("turns.term");
    }
}

/// The teacher's demonstration: the consumer stands still, so that what lies on its side of the road can be seen.
#[test]
fn letters_that_a_killed_consumer_had_not_printed_are_lost() {
    for mut stage in Stage::on_each_broker() {
        let mut consumer = stage.terminal();
        consumer.start("cargo run -p receive");
        consumer.expect(WAITING);
        stage.wait_for_queue(0, 1);
        consumer.signal(Signal::SIGSTOP);
        let mut send = stage.terminal();
        for letter in ["one", "two", "three"] {
            send.run(&format!("cargo run -p send -- {letter}"));
        }
        stage.wait_for_queue(0, 1); // nothing waits, although nothing has been printed
        consumer.signal(Signal::SIGKILL);
        stage.wait_for_queue(0, 0);
        consumer.wait();
        assert!(!consumer.shown().contains("Received"), "{}", consumer.shown());
    }
}
