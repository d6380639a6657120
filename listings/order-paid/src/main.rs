// ANCHOR: all
//! The shop: tells everybody who wants to know that an order is paid.
//!
//! Start a broker first, then, in any terminal:
//! `cargo run -p order-paid -- order-1`

use anyhow::{Context, Result};
use lapin::{
    BasicProperties, Connection, ConnectionProperties, ExchangeKind,
    options::{BasicPublishOptions, ExchangeDeclareOptions},
    types::FieldTable,
};
use std::env;

#[tokio::main]
async fn main() -> Result<()> {
    let addr = env::var("AMQP_ADDR")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties = ConnectionProperties::default()
        .with_connection_name("order-paid".into());
    let connection = Connection::connect(&addr, properties)
        .await
        .context("no connection to the broker: does one run?")?;
    let channel = connection.create_channel().await?;
    // ANCHOR: exchange
    channel
        .exchange_declare(
            "paid".into(),
            ExchangeKind::Fanout,
            ExchangeDeclareOptions { durable: true, ..Default::default() },
            FieldTable::default(),
        )
        .await?;
    // ANCHOR_END: exchange

    let order = env::args().nth(1).unwrap_or_else(|| "order-1".into());
    // ANCHOR: publish
    channel
        .basic_publish(
            "paid".into(),
            "".into(), // a fanout exchange doesn't read it
            BasicPublishOptions::default(),
            order.as_bytes(),
            BasicProperties::default().with_delivery_mode(2), // persistent
        )
        .await?;
    // ANCHOR_END: publish
    println!("Paid: {order}");
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}
// ANCHOR_END: all
