// ANCHOR: all
//! A program of the shop that reports what happens to it,
//! with a level: `info`, `warning`, `error`.
//!
//! Start a broker first, then, in any terminal:
//! `cargo run -p emit-log -- error "printer on fire"`

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
    let properties =
        ConnectionProperties::default().with_connection_name("emit-log".into());
    let connection = Connection::connect(&addr, properties)
        .await
        .context("no connection to the broker: does one run?")?;
    let channel = connection.create_channel().await?;
    // ANCHOR: exchange
    channel
        .exchange_declare(
            "logs".into(),
            ExchangeKind::Direct,
            ExchangeDeclareOptions { durable: true, ..Default::default() },
            FieldTable::default(),
        )
        .await?;
    // ANCHOR_END: exchange

    let mut words = env::args().skip(1);
    let level = words.next().unwrap_or_else(|| "info".into());
    let text = words.next().unwrap_or_else(|| "printer ready".into());
    // ANCHOR: publish
    channel
        .basic_publish(
            "logs".into(),
            level.as_str().into(), // the routing key
            BasicPublishOptions::default(),
            text.as_bytes(),
            BasicProperties::default(),
        )
        .await?;
    // ANCHOR_END: publish
    println!("Sent [{level}] {text}");
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}
// ANCHOR_END: all
