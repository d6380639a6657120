// ANCHOR: all
//! The shop of the first page, in three programs:
//! it takes orders, sends receipts, and counts what was sold.
//!
//! `cargo run -p shop -- orders 3`, `cargo run -p shop -- receipts`,
//! `cargo run -p shop -- statistics`

use anyhow::{Context, Result, bail};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicGetOptions,
        BasicPublishOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};
use std::{env, time::Duration};
use tokio::time::sleep;

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<_> = env::args_os().skip(1).collect();
    let words: Vec<_> = words.iter().map(|word| word.to_str()).collect();
    let addr = env::var_os("AMQP_ADDR")
        .unwrap_or_else(|| "amqp://127.0.0.1:5672".into());
    let name =
        ConnectionProperties::default().with_connection_name("shop".into());
    let connection = Connection::connect(&addr.to_string_lossy(), name).await?;
    let channel = connection.create_channel().await?;
    for queue in ["receipts", "statistics"] {
        let options = QueueDeclareOptions::durable();
        let arguments = FieldTable::default();
        channel.queue_declare(queue.into(), options, arguments).await?;
    }
    match words[..] {
        [Some("orders"), Some(number)] => {
            take_orders(&channel, number.parse().context("how many orders?")?)
                .await?;
        }
        [Some("receipts")] => send_receipts(&channel).await?,
        [Some("statistics")] => count(&channel).await?,
        _ => bail!("say `orders` and a number, `receipts`, or `statistics`"),
    }
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

// ANCHOR: orders
/// Tells the other programs of each order, and answers the customer.
async fn take_orders(channel: &Channel, number: u32) -> Result<()> {
    for order in 1..=number {
        let body = format!(r#"{{"order":{order},"book":"Rust"}}"#);
        for queue in ["receipts", "statistics"] {
            let properties = BasicProperties::default()
                .with_content_type("application/json".into());
            let options = BasicPublishOptions::default();
            channel
                .basic_publish(
                    "".into(),
                    queue.into(),
                    options,
                    body.as_bytes(),
                    properties,
                )
                .await?;
        }
        println!("Thank you for your order {order}");
    }
    Ok(())
}
// ANCHOR_END: orders

// ANCHOR: receipts
/// Sends a receipt for each order, as soon as it comes.
/// Ends only with an error.
async fn send_receipts(channel: &Channel) -> Result<()> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let arguments = FieldTable::default();
    let mut consumer = channel
        .basic_consume("receipts".into(), "".into(), options, arguments)
        .await?;
    println!("Waiting for orders. Press CTRL+C to leave.");
    while let Some(delivery) = consumer.next().await {
        let order = delivery?;
        println!("Receipt for {}", String::from_utf8_lossy(&order.data));
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}
// ANCHOR_END: receipts

// ANCHOR: statistics
/// Counts the orders that are there, half a second for each, and goes home.
async fn count(channel: &Channel) -> Result<()> {
    let options = BasicGetOptions { no_ack: false };
    let mut sold = 0;
    while let Some(order) =
        channel.basic_get("statistics".into(), options).await?
    {
        sleep(Duration::from_millis(500)).await; // a large report
        sold += 1;
        println!("Sold: {sold}, to be counted: {}", order.message_count);
        order.ack(BasicAckOptions::default()).await?;
    }
    Ok(())
}
// ANCHOR_END: statistics
// ANCHOR_END: all
