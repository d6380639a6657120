// ANCHOR: all
//! The consumer: prints each message that reaches the queue `hello`,
//! until CTRL+C.
//!
//! Start a broker first, then, in a terminal of its own: `cargo run -p receive`

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{
    Connection, ConnectionProperties,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
};
use std::env;

#[tokio::main]
async fn main() -> Result<()> {
    let addr = env::var_os("AMQP_ADDR")
        .unwrap_or_else(|| "amqp://127.0.0.1:5672".into());
    let name =
        ConnectionProperties::default().with_connection_name("receive".into());
    let connection = Connection::connect(&addr.to_string_lossy(), name).await?;
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions::durable();
    let arguments = FieldTable::default(); // none
    channel.queue_declare("hello".into(), options, arguments).await?;

    // ANCHOR: consume
    let consumer_tag = "".into(); // the broker makes one up
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let arguments = FieldTable::default();
    let mut consumer = channel
        .basic_consume("hello".into(), consumer_tag, options, arguments)
        .await?;
    // ANCHOR_END: consume

    // ANCHOR: print
    println!("Waiting for messages. Press CTRL+C to leave.");
    while let Some(delivery) = consumer.next().await {
        let message = delivery?;
        println!("Received: {}", String::from_utf8_lossy(&message.data));
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
    // ANCHOR_END: print
}
// ANCHOR_END: all
