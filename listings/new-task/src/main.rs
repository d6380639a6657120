// ANCHOR: all
//! The shop: puts an order to pack into the queue `packing`.
//! Each dot at its end stands for a second of work.
//!
//! Start a broker first, then, in any terminal:
//! `cargo run -p new-task -- sofa...`

use anyhow::{Context, Result};
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};
use std::env;

#[tokio::main]
async fn main() -> Result<()> {
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties =
        ConnectionProperties::default().with_connection_name("new-task".into());
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

    let order = env::args().nth(1).unwrap_or_else(|| "lamp..".into());
    // ANCHOR: publish
    channel
        .basic_publish(
            "".into(),
            "packing".into(),
            BasicPublishOptions::default(),
            order.as_bytes(),
            BasicProperties::default().with_delivery_mode(2), // persistent
        )
        .await?;
    // ANCHOR_END: publish
    println!("To pack: {order}");
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}
// ANCHOR_END: all
