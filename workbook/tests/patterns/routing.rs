//! Routing: a direct exchange and what becomes of a key that nobody binds; a topic exchange and its patterns.

use super::Shop;
use crate::stage::{Terminal, block_on};
use lapin::{
    BasicProperties, ExchangeKind,
    options::{
        BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
};

const LOGS: &[&str] = &["logs"];

/// A program that waits for these keys.
fn receiver(shop: &Shop, program: &str, keys: &[&str]) -> Terminal {
    let mut terminal = shop.terminal();
    let quoted = keys.iter().map(|key| if key.contains(['*', '#']) { format!("\"{key}\"") } else { key.to_string() });
    terminal.start(&format!("cargo run -p {program} -- {}", quoted.collect::<Vec<_>>().join(" ")));
    terminal.expect(&format!("Waiting for {}. Press CTRL+C to leave.", keys.join(", ")));
    terminal
}

#[test]
fn only_errors_wake_the_person_on_call_and_the_file_gets_all() {
    for shop in Shop::on_each_broker(&[], LOGS) {
        let mut on_call = receiver(&shop, "receive-logs", &["error"]);
        let mut file = receiver(&shop, "receive-logs", &["info", "warning", "error"]);
        let mut emit = shop.terminal();
        for (level, text) in [("info", "printer ready"), ("warning", "paper low"), ("error", "printer on fire")] {
            emit.run(&format!("cargo run -p emit-log -- {level} \"{text}\""));
            file.expect(&format!("[{level}] {text}"));
        }
        on_call.expect("[error] printer on fire"); // and nothing before it
        on_call.interrupt();
        file.interrupt();
        shop.compare([&emit, &on_call, &file], "levels.term");
    }
}

#[test]
fn a_key_that_is_bound_twice_brings_one_copy() {
    for shop in Shop::on_each_broker(&[], LOGS) {
        let mut receive = receiver(&shop, "receive-logs", &["error", "error"]);
        let mut emit = shop.terminal();
        for text in ["one", "two"] {
            emit.run(&format!("cargo run -p emit-log -- error {text}"));
            receive.expect(&format!("[error] {text}"));
        }
        receive.interrupt();
    }
}

#[test]
fn a_report_that_no_queue_takes_is_dropped_or_with_mandatory_returned() {
    for shop in Shop::on_each_broker(&[], LOGS) {
        let mut receive = receiver(&shop, "receive-logs", &["info", "warning", "error"]);
        let mut emit = shop.terminal();
        emit.run("cargo run -p emit-log -- debug \"ink at 40%\"");
        emit.run_failing("cargo run -p emit-log-mandatory -- debug \"ink at 40%\"");
        emit.run("cargo run -p emit-log-mandatory -- info \"ink at 40%\"");
        receive.expect("[info] ink at 40%"); // and nothing before it
        receive.interrupt();
        shop.compare([&emit, &receive], "mandatory.term");
    }
}

#[test]
fn a_receiver_without_a_key_says_what_it_needs() {
    for program in ["receive-logs", "receive-events"] {
        let said = Terminal::with_address("").run_failing(&format!("cargo run -p {program}"));
        assert!(said.contains(&format!("for instance: cargo run -p {program} -- ")), "{said}");
    }
}

#[test]
fn each_city_and_each_kind_of_event_finds_its_readers() {
    for shop in Shop::on_each_broker(&[], &["events"]) {
        let mut shanghai = receiver(&shop, "receive-events", &["order.*.shanghai"]);
        let mut paid = receiver(&shop, "receive-events", &["order.paid.#"]);
        let mut all = receiver(&shop, "receive-events", &["#", "order.#"]);
        let mut emit = shop.terminal();
        for (key, order) in [
            ("order.paid.shanghai", "order-1"),
            ("order.paid.beijing", "order-2"),
            ("order.cancelled.shanghai", "order-3"),
            ("order.paid", "order-4"),
        ] {
            emit.run(&format!("cargo run -p emit-event -- {key} {order}"));
            all.expect(&format!("[{key}] {order}")); // once, though both patterns match
            if key.ends_with(".shanghai") {
                shanghai.expect(&format!("[{key}] {order}"));
            }
            if key.starts_with("order.paid") {
                paid.expect(&format!("[{key}] {order}"));
            }
        }
        for receiver in [&mut shanghai, &mut paid, &mut all] {
            receiver.expect_quiet();
            receiver.interrupt();
        }
        shop.compare([&emit, &shanghai, &paid, &all], "topic.term");
    }
}

/// The table of the page: which pattern matches which key.
#[test]
fn the_table_of_patterns_and_keys_is_true() {
    const KEYS: [&str; 6] =
        ["order.paid.shanghai", "order.paid", "order", "order.paid.shanghai.pudong", "order..shanghai", ""];
    const PATTERNS: [(&str, [bool; 6]); 6] = [
        ("order.paid.shanghai", [true, false, false, false, false, false]),
        ("order.*.shanghai", [true, false, false, false, true, false]),
        ("order.*", [false, true, false, false, false, false]),
        ("order.#", [true, true, true, true, true, false]),
        ("*", [false, false, true, false, false, false]),
        ("#", [true; 6]),
    ];
    for shop in Shop::on_each_broker(&["pattern"], &["events"]) {
        for (pattern, matches) in PATTERNS {
            for (key, matches) in KEYS.into_iter().zip(matches) {
                assert_eq!(is_routed(&shop, pattern, key), matches, "{pattern} and {key:?}");
            }
        }
    }
}

/// Whether a message with this key comes through a binding with this pattern.
fn is_routed(shop: &Shop, pattern: &str, key: &str) -> bool {
    let channel = shop.control();
    block_on(async {
        let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
        channel.exchange_declare("events".into(), ExchangeKind::Topic, durable, FieldTable::default()).await.unwrap();
        let exclusive = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
        let queue = channel.queue_declare("".into(), exclusive, FieldTable::default()).await.unwrap();
        let name = queue.name().clone();
        let bind = QueueBindOptions::default();
        channel.queue_bind(name.clone(), "events".into(), pattern.into(), bind, FieldTable::default()).await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let publish = channel.basic_publish("events".into(), key.into(), options, b"", properties);
        publish.await.unwrap().await.unwrap();
        let got = channel.basic_get(name.clone(), BasicGetOptions { no_ack: true }).await.unwrap();
        channel.queue_delete(name, Default::default()).await.unwrap();
        got.is_some()
    })
}
