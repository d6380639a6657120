//! Publish/subscribe: each department has a queue of its own, bound to one exchange.

use super::Shop;
use crate::stage::Terminal;

const QUEUES: &[&str] = &["paid.warehouse", "paid.sms", "paid.points"];
const EXCHANGES: &[&str] = &["paid"];

/// A department that waits, or without a name the screen in the hall.
fn department(shop: &Shop, name: &str) -> Terminal {
    let mut terminal = shop.terminal();
    start(&mut terminal, name);
    if !name.is_empty() {
        shop.wait_until(&format!("paid.{name}"), 0, 0, 1);
    }
    terminal
}

fn start(terminal: &mut Terminal, name: &str) {
    let (arguments, name) = if name.is_empty() { (String::new(), "screen") } else { (format!(" -- {name}"), name) };
    terminal.start(&format!("cargo run -p on-paid{arguments}"));
    terminal.expect(&format!("{name} waits for paid orders. Press CTRL+C to leave."));
}

#[test]
fn an_order_that_is_paid_before_anybody_is_bound_is_lost() {
    for shop in Shop::on_each_broker(QUEUES, EXCHANGES) {
        let mut terminal = shop.terminal();
        terminal.run("cargo run -p order-paid -- order-1");
        start(&mut terminal, "warehouse");
        shop.wait_until("paid.warehouse", 0, 0, 1);
        terminal.expect_quiet();
        terminal.interrupt();
        shop.compare([&terminal], "nobody.term");
    }
}

#[test]
fn each_department_gets_every_order_from_when_it_is_bound() {
    for shop in Shop::on_each_broker(QUEUES, EXCHANGES) {
        let mut warehouse = department(&shop, "warehouse");
        let mut sms = department(&shop, "sms");
        let mut orders = shop.terminal();
        orders.run("cargo run -p order-paid -- order-1");
        warehouse.expect("warehouse: order-1 is paid");
        sms.expect("sms: order-1 is paid");
        let mut points = department(&shop, "points");
        orders.run("cargo run -p order-paid -- order-2");
        warehouse.expect("warehouse: order-2 is paid");
        sms.expect("sms: order-2 is paid");
        points.expect("points: order-2 is paid");
        for (department, name) in [(&mut warehouse, "warehouse"), (&mut sms, "sms"), (&mut points, "points")] {
            shop.wait_until(&format!("paid.{name}"), 0, 0, 1);
            department.expect_quiet();
        }
        shop.compare([&orders, &warehouse, &sms, &points], "fanout.term");
    }
}

#[test]
fn a_durable_queue_collects_while_its_department_is_away_and_an_exclusive_one_is_gone() {
    for shop in Shop::on_each_broker(QUEUES, EXCHANGES) {
        let [mut warehouse, mut screen] = ["warehouse", ""].map(|name| department(&shop, name));
        warehouse.interrupt();
        screen.interrupt();
        let mut orders = shop.terminal();
        orders.run("cargo run -p order-paid -- order-1");
        shop.wait_until("paid.warehouse", 1, 0, 0);
        start(&mut warehouse, "warehouse");
        start(&mut screen, "");
        warehouse.expect("warehouse: order-1 is paid");
        orders.run("cargo run -p order-paid -- order-2");
        warehouse.expect("warehouse: order-2 is paid");
        screen.expect("screen: order-2 is paid"); // and nothing before it
        shop.compare([&orders, &warehouse, &screen], "away.term");
    }
}

#[test]
fn two_in_one_department_share_its_queue_and_the_other_gets_all() {
    for shop in Shop::on_each_broker(QUEUES, EXCHANGES) {
        let mut one = department(&shop, "warehouse");
        let mut two = shop.terminal();
        start(&mut two, "warehouse");
        shop.wait_until("paid.warehouse", 0, 0, 2);
        let mut sms = department(&shop, "sms");
        let mut orders = shop.terminal();
        for (order, packer) in [("order-1", 1), ("order-2", 2), ("order-3", 1), ("order-4", 2)] {
            orders.run(&format!("cargo run -p order-paid -- {order}"));
            let packer = if packer == 1 { &mut one } else { &mut two };
            packer.expect(&format!("warehouse: {order} is paid"));
            sms.expect(&format!("sms: {order} is paid"));
        }
        one.expect_quiet();
        two.expect_quiet();
        shop.compare([&orders, &one, &two, &sms], "shared.term");
    }
}
