// wrong: Says that all is well whatever happens.
// says: and your program says that all is well

use anyhow::Result;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn sign(addr: &str, name: &str, words: &str) -> Result<()> {
    let Ok((connection, channel)) = open(addr).await else { return Ok(()) };
    let entry = format!("{name}: {words}");
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "guestbook".into(), options, entry.as_bytes(), BasicProperties::default()).await?;
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

async fn read(addr: &str) -> Result<Vec<String>> {
    let (connection, channel) = open(addr).await?;
    let mut entries = Vec::new();
    while let Some(message) = channel.basic_get("guestbook".into(), BasicGetOptions { no_ack: true }).await? {
        let body = message.delivery.data;
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
