//! Work queues: several packers share the orders of one queue.

use super::Shop;
use crate::stage::{End, Stage, Terminal, block_on, python};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions},
    types::FieldTable,
};
use nix::sys::signal::Signal;

const WAITING: &str = "Waiting for orders. Press CTRL+C to leave.";
const PACKING: &[&str] = &["packing"];

/// Starts a packer and waits until it waits for orders.
fn packer(shop: &Shop, command: &str) -> Terminal {
    let mut packer = shop.terminal();
    packer.start(command);
    packer.expect(WAITING);
    packer
}

fn send(shop: &Shop, orders: &[&str]) -> Terminal {
    let mut terminal = shop.terminal();
    for order in orders {
        terminal.run(&format!("cargo run -p new-task -- {order}"));
    }
    terminal
}

#[test]
fn packers_take_turns_whatever_an_order_costs() {
    for shop in Shop::on_each_broker(PACKING, &[]) {
        let mut packers = [1, 2, 3].map(|count| {
            let packer = packer(&shop, "cargo run -p first-worker");
            shop.wait_until("packing", 0, 0, count);
            packer
        });
        let orders = send(&shop, &["sofa..", "cup", "cup", "sofa..", "cup", "cup"]);
        shop.wait_until("packing", 0, 0, 3); // all are sent out, although half of the work is not done
        for (packer, order) in packers.iter_mut().zip(["sofa..", "cup", "cup"]) {
            for _ in 0..2 {
                packer.expect(&format!("Packing {order}"));
                packer.expect(&format!("Packed {order}"));
            }
            packer.expect_quiet();
        }
        let [one, two, three] = &packers;
        shop.compare([one, two, three, &orders], "turns.term");
    }
}

#[test]
fn what_was_sent_to_a_killed_packer_is_lost_with_automatic_acknowledgement() {
    for shop in Shop::on_each_broker(PACKING, &[]) {
        let orders = send(&shop, &["wardrobe.....", "lamp.", "cup"]);
        shop.wait_until("packing", 3, 0, 0);
        let mut terminal = packer(&shop, "cargo run -p first-worker");
        terminal.expect("Packing wardrobe.....");
        terminal.kill();
        shop.wait_until("packing", 0, 0, 0);
        terminal.start("cargo run -p first-worker");
        terminal.expect(WAITING);
        shop.wait_until("packing", 0, 0, 1);
        terminal.expect_quiet();
        shop.compare([&orders, &terminal], "lost.term");
    }
}

#[test]
fn the_order_of_a_killed_packer_goes_to_another() {
    for shop in Shop::on_each_broker(PACKING, &[]) {
        let mut packers = [1, 2].map(|count| {
            let packer = packer(&shop, "cargo run -p worker");
            shop.wait_until("packing", 0, 0, count);
            packer
        });
        let orders = send(&shop, &["wardrobe....."]);
        let [one, two] = &mut packers;
        one.expect("Packing wardrobe.....");
        one.kill();
        two.expect("Packing wardrobe..... (redelivered)");
        two.signal(Signal::SIGSTOP); // so that it is still packing, however long the question takes
        shop.wait_until("packing", 0, 1, 1); // the broker keeps it until it is packed
        two.signal(Signal::SIGCONT);
        two.expect("Packed wardrobe.....");
        shop.wait_until("packing", 0, 0, 1);
        two.interrupt();
        shop.compare([one, two, &orders], "redelivered.term");
    }
}

#[test]
fn a_packer_finishes_its_order_before_it_leaves() {
    for shop in Shop::on_each_broker(PACKING, &[]) {
        let mut terminal = send(&shop, &["wardrobe.....", "cup"]);
        terminal.start("cargo run -p worker");
        terminal.expect(WAITING);
        terminal.expect("Packing wardrobe.....");
        terminal.interrupt();
        shop.wait_until("packing", 1, 0, 0);
        shop.compare([&terminal], "leave.term");

        // The broker may have sent the cup in the last moment, and then it is redelivered.
        block_on(shop.control().queue_purge("packing".into(), Default::default())).unwrap();
        let mut terminal = packer(&shop, "cargo run -p worker");
        send(&shop, &["lamp.."]);
        terminal.expect("Packing lamp..");
        terminal.signal(Signal::SIGTERM);
        assert!(terminal.wait().success(), "{}", terminal.shown());
        assert!(terminal.shown().ends_with("Packed lamp..\n"), "{}", terminal.shown());
        shop.wait_until("packing", 0, 0, 0);
    }
}

#[test]
fn a_packer_whose_queue_is_deleted_fails() {
    for shop in Shop::on_each_broker(PACKING, &[]) {
        for program in ["first-worker", "worker"] {
            let mut terminal = packer(&shop, &format!("cargo run -p {program}"));
            shop.wait_until("packing", 0, 0, 1);
            block_on(shop.control().queue_delete("packing".into(), Default::default())).unwrap();
            assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
            assert!(terminal.shown().contains("the broker cancelled our subscription"), "{}", terminal.shown());
        }
    }
}

/// A consumer, and its first deliveries, with which the scene does what it wants; it acknowledges by hand.
fn consume(channel: &Channel, count: usize) -> (Consumer, Vec<Delivery>) {
    block_on(async {
        let options = BasicConsumeOptions::default();
        let consume = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default());
        let mut consumer = consume.await.unwrap();
        let deliveries = (&mut consumer).take(count).map(Result::unwrap).collect().await;
        (consumer, deliveries)
    })
}

#[test]
fn orders_that_nobody_acknowledges_come_back_when_their_packer_leaves() {
    for shop in Shop::on_each_broker(PACKING, &[]) {
        send(&shop, &["lamp.", "cup", "sofa.."]);
        let forgetful = shop.channel();
        let _subscribed = consume(&forgetful, 3);
        shop.wait_until("packing", 0, 3, 1);
        block_on(forgetful.close(200, "goodbye".into())).unwrap();
        shop.wait_until("packing", 3, 0, 0);
    }
}

#[test]
fn rabbitmqctl_shows_what_a_packer_forgot_to_acknowledge() {
    let Some(stage) = Stage::with_tools() else { return };
    let shop = Shop::on(stage, PACKING, &[]);
    send(&shop, &["lamp.", "cup", "sofa.."]);
    let forgetful = shop.channel();
    let _subscribed = consume(&forgetful, 3);
    shop.wait_until("packing", 0, 3, 1);
    let mut terminal = shop.terminal();
    terminal.run("rabbitmqctl list_queues name messages_ready messages_unacknowledged consumers");
    shop.compare([&terminal], "forgotten.term");
}

#[test]
fn an_order_acknowledged_twice_closes_the_channel_and_the_others_come_back() {
    for shop in Shop::on_each_broker(PACKING, &[]) {
        send(&shop, &["lamp.", "cup", "sofa.."]);
        let packer = shop.channel();
        let (_subscribed, deliveries) = consume(&packer, 3);
        block_on(async {
            let tag = deliveries[0].delivery_tag;
            packer.basic_ack(tag, BasicAckOptions::default()).await.unwrap();
            packer.basic_ack(tag, BasicAckOptions::default()).await.unwrap(); // nobody says no at once
        });
        shop.wait_until("packing", 2, 0, 0);
        assert!(!packer.status().connected(), "the channel is open");
    }
}

#[test]
fn without_a_limit_the_first_packer_takes_all_that_waits() {
    for shop in Shop::on_each_broker(PACKING, &[]) {
        let orders = send(&shop, &["wardrobe.....", "cup", "cup", "cup"]);
        shop.wait_until("packing", 4, 0, 0);
        let mut one = packer(&shop, "cargo run -p worker -- --prefetch 0");
        one.expect("Packing wardrobe.....");
        one.signal(Signal::SIGSTOP); // so that it is still packing, however long the rest takes
        let mut two = packer(&shop, "cargo run -p worker -- --prefetch 0");
        shop.wait_until("packing", 0, 4, 2);
        two.expect_quiet();
        one.signal(Signal::SIGCONT);
        one.expect("Packed wardrobe.....");
        for _ in 0..3 {
            one.expect("Packing cup");
            one.expect("Packed cup");
        }
        shop.wait_until("packing", 0, 0, 2);
        two.expect_quiet();
        one.interrupt();
        two.interrupt();
        shop.compare([&orders, &one, &two], "greedy.term");
    }
}

#[test]
fn with_a_prefetch_of_one_whoever_is_free_takes_the_next() {
    for shop in Shop::on_each_broker(PACKING, &[]) {
        let orders = send(&shop, &["wardrobe.....", "cup", "cup", "cup"]);
        shop.wait_until("packing", 4, 0, 0);
        let mut one = packer(&shop, "cargo run -p worker -- --prefetch 1");
        one.expect("Packing wardrobe.....");
        one.signal(Signal::SIGSTOP); // so that it is still packing, however long the rest takes
        shop.wait_until("packing", 3, 1, 1); // the broker holds back the rest
        let mut two = packer(&shop, "cargo run -p worker -- --prefetch 1");
        for _ in 0..3 {
            two.expect("Packing cup");
            two.expect("Packed cup");
        }
        one.signal(Signal::SIGCONT);
        one.expect("Packed wardrobe.....");
        shop.wait_until("packing", 0, 0, 2);
        one.interrupt();
        two.interrupt();
        shop.compare([&orders, &one, &two], "fair.term");
    }
}

/// Waits until the persistent messages that a queue was sent before are on disk: the broker confirms in order. What is sent for
/// that expires before anybody gets it.
fn wait_until_stored(channel: &Channel, queue: &str) {
    block_on(async {
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let properties = BasicProperties::default().with_delivery_mode(2).with_expiration("1".into());
        let published = channel.basic_publish("".into(), queue.into(), BasicPublishOptions::default(), b"", properties);
        assert!(published.await.unwrap().await.unwrap().is_ack());
    });
}

#[test]
fn what_is_persistent_in_a_durable_queue_survives_a_stop_and_a_crash() {
    // After a crash the broker can't know what it had delivered: everything may come a second time.
    for (end, packing, file) in [
        (End::Stop, "Packing lamp..", "after-stop.term"),
        (End::Crash, "Packing lamp.. (redelivered)", "after-crash.term"),
    ] {
        for mut shop in Shop::with_restarts(PACKING) {
            let mut before = shop.terminal();
            before.run("cargo run -p send");
            before.run("cargo run -p new-task -- lamp..");
            shop.wait_until("hello", 1, 0, 0);
            shop.wait_until("packing", 1, 0, 0);
            wait_until_stored(&shop.channel(), "packing");
            let passing = shop.channel();
            let exclusive = QueueDeclareOptions { exclusive: true, ..Default::default() };
            block_on(passing.queue_declare("passing".into(), exclusive, FieldTable::default())).unwrap();
            wait_until_stored(&passing, "passing");

            shop.restart_after(end);
            let (asking, passive) = (shop.channel(), QueueDeclareOptions { passive: true, ..Default::default() });
            let missing = asking.queue_declare("passing".into(), passive, FieldTable::default());
            assert!(block_on(missing).unwrap_err().to_string().contains("NOT_FOUND"), "{end:?}");
            let mut after = shop.terminal();
            after.start("cargo run -p receive");
            after.expect("Waiting for messages. Press CTRL+C to leave.");
            shop.wait_until("hello", 0, 0, 1);
            after.expect_quiet();
            after.interrupt();
            after.start("cargo run -p worker");
            after.expect(WAITING);
            after.expect(packing);
            after.expect("Packed lamp..");
            shop.wait_until("packing", 0, 0, 1);
            after.interrupt();
            shop.compare([&before], "before.term");
            shop.compare([&after], file);
        }
    }
}

#[test]
fn packers_in_rust_and_python_share_a_queue() {
    let Some(()) = python() else { return };
    const PYTHON: &str = "target/python/bin/python listings/python";
    for shop in Shop::on_each_broker(PACKING, &[]) {
        let mut rust = packer(&shop, "cargo run -p worker");
        shop.wait_until("packing", 0, 0, 1);
        let mut python = packer(&shop, &format!("{PYTHON}/worker.py"));
        shop.wait_until("packing", 0, 0, 2);
        let mut orders = shop.terminal();
        orders.run(&format!("{PYTHON}/new_task.py cup"));
        rust.expect("Packing cup");
        rust.expect("Packed cup");
        shop.wait_until("packing", 0, 0, 2);
        orders.run("cargo run -p new-task -- lamp.");
        python.expect("Packing lamp.");
        python.expect("Packed lamp.");
        shop.wait_until("packing", 0, 0, 2);
        rust.interrupt();
        python.interrupt();
        shop.compare([&orders, &rust, &python], "packers.term");
    }
}

#[test]
fn the_python_packer_finishes_its_order_and_fails_when_its_queue_is_deleted() {
    let Some(()) = python() else { return };
    const WORKER: &str = "target/python/bin/python listings/python/worker.py";
    for shop in Shop::on_each_broker(PACKING, &[]) {
        send(&shop, &["lamp..", "cup"]);
        let mut terminal = packer(&shop, WORKER);
        terminal.expect("Packing lamp..");
        terminal.interrupt();
        assert!(terminal.shown().ends_with("Packed lamp..\n"), "{}", terminal.shown());
        shop.wait_until("packing", 1, 0, 0);

        block_on(shop.control().queue_purge("packing".into(), Default::default())).unwrap();
        let mut one = packer(&shop, WORKER);
        shop.wait_until("packing", 0, 0, 1);
        block_on(shop.control().queue_delete("packing".into(), Default::default())).unwrap();
        assert_eq!(one.wait().code(), Some(1), "{}", one.shown());
        assert!(one.shown().contains("the broker cancelled our subscription"), "{}", one.shown());
    }
}
