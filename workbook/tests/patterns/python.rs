//! The patterns in Python: its programs and ours take each other's places.

use super::Shop;
use crate::stage::{Terminal, block_on, python};

const PYTHON: &str = "target/python/bin/python listings/python";

/// Starts a program and waits until it says that it waits.
fn waiting(shop: &Shop, command: &str, said: &str) -> Terminal {
    let mut terminal = shop.terminal();
    terminal.start(command);
    terminal.expect(&format!("{said}. Press CTRL+C to leave."));
    terminal
}

#[test]
fn departments_in_rust_and_python_get_every_order() {
    let Some(()) = python() else { return };
    for shop in Shop::on_each_broker(&["paid.warehouse", "paid.sms"], &["paid"]) {
        let mut warehouse = waiting(&shop, "cargo run -p on-paid -- warehouse", "warehouse waits for paid orders");
        let mut sms = waiting(&shop, &format!("{PYTHON}/on_paid.py sms"), "sms waits for paid orders");
        let mut screen = waiting(&shop, &format!("{PYTHON}/on_paid.py"), "screen waits for paid orders");
        shop.wait_until("paid.warehouse", 0, 0, 1);
        shop.wait_until("paid.sms", 0, 0, 1);
        let mut orders = shop.terminal();
        for (command, order) in
            [(format!("{PYTHON}/order_paid.py"), "order-1"), ("cargo run -p order-paid --".into(), "order-2")]
        {
            orders.run(&format!("{command} {order}"));
            for (department, name) in [(&mut warehouse, "warehouse"), (&mut sms, "sms"), (&mut screen, "screen")] {
                department.expect(&format!("{name}: {order} is paid"));
            }
        }
        for department in [&mut warehouse, &mut sms, &mut screen] {
            department.interrupt();
        }
        shop.wait_until("paid.sms", 0, 0, 0);
        shop.compare([&orders, &warehouse, &sms], "paid-in-python.term");
    }
}

#[test]
fn a_direct_exchange_routes_the_same_for_both() {
    let Some(()) = python() else { return };
    for shop in Shop::on_each_broker(&[], &["logs"]) {
        let mut on_call = waiting(&shop, &format!("{PYTHON}/receive_logs.py error"), "Waiting for error");
        let mut file = waiting(&shop, "cargo run -p receive-logs -- info error", "Waiting for info, error");
        let mut emit = shop.terminal();
        for (command, level) in [
            (format!("{PYTHON}/emit_log.py"), "info"),
            ("cargo run -p emit-log --".into(), "info"),
            (format!("{PYTHON}/emit_log.py"), "error"),
            ("cargo run -p emit-log --".into(), "error"),
        ] {
            emit.run(&format!("{command} {level} paper"));
            file.expect(&format!("[{level}] paper"));
            if level == "error" {
                on_call.expect("[error] paper");
            }
        }
        on_call.interrupt();
        file.interrupt();
        assert_eq!(on_call.shown().matches("paper").count(), 2, "{}", on_call.shown());
        assert_eq!(file.shown().matches("paper").count(), 4, "{}", file.shown());
    }
}

#[test]
fn a_topic_exchange_matches_the_same_for_both() {
    let Some(()) = python() else { return };
    for shop in Shop::on_each_broker(&[], &["events"]) {
        let shanghai = format!("{PYTHON}/receive_events.py \"order.*.shanghai\"");
        let mut shanghai = waiting(&shop, &shanghai, "Waiting for order.*.shanghai");
        let mut paid = waiting(&shop, "cargo run -p receive-events -- \"order.paid.#\"", "Waiting for order.paid.#");
        let mut emit = shop.terminal();
        emit.run(&format!("{PYTHON}/emit_event.py order.paid.shanghai order-1"));
        shanghai.expect("[order.paid.shanghai] order-1");
        paid.expect("[order.paid.shanghai] order-1");
        emit.run("cargo run -p emit-event -- order.packed.shanghai order-1");
        shanghai.expect("[order.packed.shanghai] order-1");
        emit.run(&format!("{PYTHON}/emit_event.py order.paid.beijing order-2"));
        paid.expect("[order.paid.beijing] order-2"); // and nothing before it
        shanghai.interrupt();
        paid.interrupt();
        shop.compare([&emit, &shanghai, &paid], "events-in-python.term");
    }
}

#[test]
fn clients_and_servers_of_both_languages_understand_each_other() {
    let Some(()) = python() else { return };
    for shop in Shop::on_each_broker(&["shipping"], &[]) {
        let mut rust = waiting(&shop, "cargo run -p shipping-server", "Waiting for requests");
        shop.wait_until("shipping", 0, 0, 1);
        let mut client = shop.terminal();
        client.run(&format!("{PYTHON}/shipping_client.py 1200 heavy"));
        rust.expect("1200: 8.00");
        rust.expect("heavy: error: this is no weight in whole grams");
        rust.interrupt();
        shop.wait_until("shipping", 0, 0, 0);
        let mut python = waiting(&shop, &format!("{PYTHON}/shipping_server.py"), "Waiting for requests");
        shop.wait_until("shipping", 0, 0, 1);
        client.run("cargo run -p shipping-client -- 300 heavy");
        python.expect("300: 6.50");
        python.expect("heavy: error: this is no weight in whole grams");
        shop.wait_until("shipping", 0, 0, 1);
        python.interrupt();
        shop.compare([&client, &rust, &python], "shipping-in-python.term");
    }
}

#[test]
fn a_heavy_parcel_takes_its_time_and_a_request_that_nobody_answers_is_given_up() {
    let Some(()) = python() else { return };
    for shop in Shop::on_each_broker(&["shipping"], &[]) {
        let mut server = waiting(&shop, &format!("{PYTHON}/shipping_server.py"), "Waiting for requests");
        shop.wait_until("shipping", 0, 0, 1);
        let mut client = shop.terminal();
        client.run(&format!("{PYTHON}/shipping_client.py 20000 300"));
        assert!(client.shown().ends_with("20000: 35.00\n300: 6.50\n"), "{}", client.shown());
        server.interrupt();
        let said = client.run_failing(&format!("{PYTHON}/shipping_client.py 300"));
        assert!(said.contains("no reply in 5 s: is the server running?"), "{said}");
        shop.wait_until("shipping", 0, 0, 0); // it has expired
    }
}

#[test]
fn python_programs_fail_when_their_queue_is_deleted_and_say_what_they_need() {
    let Some(()) = python() else { return };
    for shop in Shop::on_each_broker(&["shipping", "paid.sms"], &["paid"]) {
        for (program, queue, said) in [
            ("on_paid.py sms", "paid.sms", "sms waits for paid orders"),
            ("shipping_server.py", "shipping", "Waiting for requests"),
        ] {
            let mut terminal = waiting(&shop, &format!("{PYTHON}/{program}"), said);
            shop.wait_until(queue, 0, 0, 1);
            block_on(shop.control().queue_delete(queue.into(), Default::default())).unwrap();
            assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
            assert!(terminal.shown().contains("the broker cancelled our subscription"), "{}", terminal.shown());
        }
    }
    for (program, needs) in [
        ("receive_logs.py", "say which levels"),
        ("receive_events.py", "say which patterns"),
        ("shipping_client.py", "say a weight in grams"),
    ] {
        let said = Terminal::with_address("").run_failing(&format!("{PYTHON}/{program}"));
        assert!(said.contains(needs), "{said}");
    }
}
