// wrong: The host takes silence for the end of the book.
// says: your program subscribes (basic_consume)

use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};
use std::time::Duration;
use tokio::time::timeout;

async fn sign(addr: &str, name: &str, words: &str) -> Result<()> {
    let (connection, channel) = open(addr).await?;
    let entry = format!("{name}: {words}");
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "guestbook".into(), options, entry.as_bytes(), BasicProperties::default()).await?;
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

async fn read(addr: &str) -> Result<Vec<String>> {
    let (connection, channel) = open(addr).await?;
    let mut entries = Vec::new();
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("guestbook".into(), "".into(), options, FieldTable::default()).await?;
    while let Ok(Some(delivery)) = timeout(Duration::from_millis(300), consumer.next()).await {
        let body = delivery?.data;
        entries.push(String::from_utf8(body).unwrap_or_else(|error| error.as_bytes().escape_ascii().to_string()));
    }
    connection.close(200, "goodbye".into()).await?;
    Ok(entries)
}

/// What guest and host both begin with. Whoever comes first makes the queue, and both declare it alike.
/// 客人和主人都从这里开始。谁先来，谁建队列；两边声明得一样。
async fn open(addr: &str) -> Result<(Connection, Channel)> {
    let connection = Connection::connect(addr, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.queue_declare("guestbook".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    Ok((connection, channel))
}

fn main() {}
