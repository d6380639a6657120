//! Request/reply: what does shipping cost?

use super::Shop;
use crate::{
    errors::edited,
    stage::{Terminal, block_on},
};
use lapin::{
    BasicProperties,
    options::{BasicConsumeOptions, BasicPublishOptions},
    types::FieldTable,
};

const QUEUES: &[&str] = &["shipping"];
const WAITING: &str = "Waiting for requests. Press CTRL+C to leave.";

fn server(shop: &Shop, servers: u32) -> Terminal {
    let mut server = shop.terminal();
    server.start("cargo run -p shipping-server");
    server.expect(WAITING);
    shop.wait_until("shipping", 0, 0, servers);
    server
}

#[test]
fn a_request_gets_its_reply_and_a_bad_one_an_error() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let mut server = server(&shop, 1);
        let mut client = shop.terminal();
        client.run("cargo run -p shipping-client -- 1200");
        client.run("cargo run -p shipping-client -- heavy");
        client.run("cargo run -p shipping-client -- 1200");
        for line in ["1200: 8.00", "heavy: error: this is no weight in whole grams", "1200: 8.00"] {
            server.expect(line);
        }
        shop.wait_until("shipping", 0, 0, 1);
        server.interrupt();
        shop.compare([&client, &server], "shipping.term");
    }
}

/// What many servers on the web do: the first bad request ends them, comes back, and ends their successor.
#[test]
fn a_server_that_dies_of_a_bad_request_dies_of_it_again() {
    let answer = "        let reply = match price(&request).await {\n            Ok(price) => price,\n            \
                  Err(error) => format!(\"error: {error}\"),\n        };\n";
    let program = edited::program("dies", "shipping-server", &[(answer, "let reply = price(&request).await?;")]);
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let mut terminal = shop.terminal();
        terminal.edit("shipping-server", program.clone());
        terminal.start("cargo run -p shipping-server");
        terminal.expect(WAITING);
        shop.wait_until("shipping", 0, 0, 1);
        // Without an expiration, as most clients send it.
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let publish = shop.control().basic_publish("".into(), "shipping".into(), options, b"heavy", properties);
        block_on(publish).unwrap();
        assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
        shop.wait_until("shipping", 1, 0, 0);
        terminal.start("cargo run -p shipping-server");
        assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
        shop.wait_until("shipping", 1, 0, 0);
        shop.compare([&terminal], "dies.term");
    }
}

#[test]
fn replies_find_their_requests_whatever_the_order() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let mut servers = [1, 2].map(|count| server(&shop, count));
        let mut client = shop.terminal();
        client.run("cargo run -p shipping-client -- 20000 300");
        let [one, two] = &mut servers;
        one.expect("20000: 35.00");
        two.expect("300: 6.50");
        shop.wait_until("shipping", 0, 0, 2);
        one.interrupt();
        two.interrupt();
        shop.compare([&client, one, two], "flight.term");
    }
}

#[test]
fn a_request_that_nobody_answers_is_given_up_and_expires() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        shop.wait_until("shipping", 0, 0, 0); // the queue is there, and nobody at it
        let mut client = shop.terminal();
        client.run_failing("cargo run -p shipping-client -- 300");
        shop.wait_until("shipping", 0, 0, 0);
        let mut server = server(&shop, 1);
        server.expect_quiet();
        shop.compare([&client], "no-reply.term");
    }
}

#[test]
fn a_request_without_a_way_back_is_answered_to_nobody_and_the_server_goes_on() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let mut server = server(&shop, 1);
        block_on(async {
            let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
            let publish = shop.control().basic_publish("".into(), "shipping".into(), options, b"300", properties);
            publish.await.unwrap();
        });
        server.expect("300: 6.50");
        let lost = BasicProperties::default().with_reply_to("nowhere".into());
        block_on(async {
            let options = BasicPublishOptions::default();
            shop.control().basic_publish("".into(), "shipping".into(), options, b"300", lost).await.unwrap();
        });
        server.expect("300: 6.50");
        shop.wait_until("shipping", 0, 0, 1);
        server.interrupt();
    }
}

#[test]
fn a_reply_to_somebody_elses_request_is_left_aside() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let mut client = shop.terminal();
        let channel = shop.channel();
        shop.wait_until("shipping", 0, 0, 0);
        client.start("cargo run -p shipping-client -- 300");
        block_on(async {
            use futures_lite::StreamExt;
            let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
            let consume = channel.basic_consume("shipping".into(), "".into(), options, FieldTable::default());
            let request = consume.await.unwrap().next().await.unwrap().unwrap();
            let (to, id) =
                (request.properties.reply_to().clone().unwrap(), request.properties.correlation_id().clone());
            for (id, text) in [(Some("stray".into()), "1.00"), (None, "2.00"), (id, "6.50")] {
                let properties =
                    id.map_or_else(BasicProperties::default, |id| BasicProperties::default().with_correlation_id(id));
                let options = BasicPublishOptions::default();
                channel.basic_publish("".into(), to.clone(), options, text.as_bytes(), properties).await.unwrap();
            }
        });
        client.expect("300: 6.50");
        assert!(client.wait().success());
    }
}
