// ANCHOR: all
//! A packer, first version: takes orders from the queue `packing`,
//! with automatic acknowledgement.
//!
//! Start a broker first, then, in a terminal of its own:
//! `cargo run -p first-worker`

use anyhow::{Context, Result, bail};
use futures_lite::StreamExt;
use lapin::{
    Connection, ConnectionProperties,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
};
use std::{env, time::Duration};
use tokio::time::sleep;

#[tokio::main]
async fn main() -> Result<()> {
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties = ConnectionProperties::default()
        .with_connection_name("first-worker".into());
    let connection = Connection::connect(&addr, properties)
        .await
        .context("no connection to the broker: does one run?")?;
    let channel = connection.create_channel().await?;
    channel
        .queue_declare(
            "packing".into(),
            QueueDeclareOptions::durable(),
            FieldTable::default(),
        )
        .await?;

    // ANCHOR: work
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel
        .basic_consume(
            "packing".into(),
            "".into(),
            options,
            FieldTable::default(),
        )
        .await?;
    println!("Waiting for orders. Press CTRL+C to leave.");
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery.context("the broker ended our channel")?;
        let order = String::from_utf8_lossy(&delivery.data);
        println!("Packing {order}");
        let seconds = order.matches('.').count() as u64;
        sleep(Duration::from_secs(seconds)).await; // not std::thread::sleep
        println!("Packed {order}");
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
    // ANCHOR_END: work
}
// ANCHOR_END: all
