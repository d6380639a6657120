// ANCHOR: all
//! Asks once for each thing that a subscription can't answer:
//! is there a queue, is there a message, and who has it?
//!
//! `cargo run -p get`

use anyhow::{Context, Result};
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{
        BasicAckOptions, BasicGetOptions, BasicNackOptions,
        BasicPublishOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};
use std::env;

#[tokio::main]
async fn main() -> Result<()> {
    let addr = env::var_os("AMQP_ADDR")
        .unwrap_or_else(|| "amqp://127.0.0.1:5672".into());
    let name =
        ConnectionProperties::default().with_connection_name("get".into());
    let connection = Connection::connect(&addr.to_string_lossy(), name).await?;
    let channel = connection.create_channel().await?;

    // ANCHOR: passive
    let passive =
        QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    let queue = channel
        .queue_declare("hello".into(), passive, FieldTable::default())
        .await
        .context("there is no queue hello; run `send` first")?;
    println!("{} ready in hello", queue.message_count());
    // ANCHOR_END: passive

    // ANCHOR: publish
    let order = br#"{"order":4711,"book":"Rust"}"#;
    let properties =
        BasicProperties::default().with_content_type("application/json".into());
    channel
        .basic_publish(
            "".into(),
            "hello".into(),
            BasicPublishOptions::default(),
            order,
            properties,
        )
        .await?;
    // ANCHOR_END: publish

    // ANCHOR: nack
    let options = BasicGetOptions { no_ack: false };
    if let Some(message) = channel.basic_get("hello".into(), options).await? {
        println!("Looked at: {}", String::from_utf8_lossy(&message.data));
        let put_back = BasicNackOptions { requeue: true, ..Default::default() };
        message.nack(put_back).await?;
    }
    // ANCHOR_END: nack

    // ANCHOR: ack
    while let Some(message) = channel.basic_get("hello".into(), options).await?
    {
        let text = String::from_utf8_lossy(&message.data);
        let kind = message.properties.content_type();
        let kind = kind.as_ref().map_or("not said", |kind| kind.as_str());
        let again = if message.redelivered { ", redelivered" } else { "" };
        println!("Received: {text} (content type {kind}{again})");
        message.ack(BasicAckOptions::default()).await?;
    }
    println!("hello is empty");
    // ANCHOR_END: ack

    connection.close(200, "goodbye".into()).await?;
    Ok(())
}
// ANCHOR_END: all
