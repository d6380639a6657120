//! Publisher confirms: what the broker says of a message, and what a sender does then.

use super::Shop;
use crate::stage::block_on;
use lapin::{
    options::{BasicGetOptions, QueueDeclareOptions, QueuePurgeOptions},
    types::{AMQPValue, FieldTable},
};

const QUEUES: &[&str] = &["payments"];

/// A queue that refuses what it has no room for.
fn declare(shop: &Shop, room: i32) {
    let mut table = FieldTable::default();
    table.insert("x-max-length".into(), AMQPValue::LongInt(room));
    table.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    block_on(shop.control().queue_declare("payments".into(), QueueDeclareOptions::durable(), table)).unwrap();
}

fn ready(shop: &Shop) -> u32 {
    let passive = QueueDeclareOptions { passive: true, ..Default::default() };
    let queue = shop.control().queue_declare("payments".into(), passive, FieldTable::default());
    block_on(queue).unwrap().message_count()
}

#[test]
fn a_notice_is_taken_or_the_program_fails_and_says_why() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let mut terminal = shop.terminal();
        terminal.run_failing("cargo run -p payment-notice -- order-1");
        declare(&shop, 2);
        for order in ["order-2", "order-3"] {
            terminal.run(&format!("cargo run -p payment-notice -- {order}"));
        }
        assert_eq!(ready(&shop), 2);
        terminal.run_failing("cargo run -p payment-notice -- order-4");
        assert_eq!(ready(&shop), 2);
        shop.compare([&terminal], "taken.term");
    }
}

#[test]
fn all_notices_are_taken() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        declare(&shop, 1000);
        let mut terminal = shop.terminal();
        terminal.run("cargo run -p payment-notices -- 1000");
        assert_eq!(ready(&shop), 1000);
        shop.compare([&terminal], "notices.term");
    }
}

#[test]
fn a_refused_notice_is_sent_again_when_there_is_room() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        declare(&shop, 2);
        let mut terminal = shop.terminal();
        terminal.start("cargo run -p payment-notices -- 3");
        terminal.expect("order-3 was refused, attempt 1");
        let got = block_on(shop.control().basic_get("payments".into(), BasicGetOptions { no_ack: true })).unwrap();
        assert_eq!(got.unwrap().delivery.data, b"order-1");
        assert!(terminal.wait().success(), "{}", terminal.shown());
        assert!(terminal.shown().ends_with("3 notices taken\n"), "{}", terminal.shown());
        assert_eq!(ready(&shop), 2);

        // Without room it gives up.
        let said = terminal.run_failing("cargo run -p payment-notices -- 1");
        assert!(said.contains("the broker refuses order-1: is the queue full?"), "{said}");
        block_on(shop.control().queue_purge("payments".into(), QueuePurgeOptions::default())).unwrap();
    }
}

#[test]
fn notices_without_a_queue_come_back() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let said = shop.terminal().run_failing("cargo run -p payment-notices -- 10");
        assert!(said.contains("order-1 came back: NO_ROUTE"), "{said}");
    }
}
