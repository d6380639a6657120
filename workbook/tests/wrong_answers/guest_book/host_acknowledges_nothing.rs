// wrong: The entries come back when the host goes.
// says: are the others acknowledged?

use anyhow::Result;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

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
    while let Some(message) = channel.basic_get("guestbook".into(), BasicGetOptions::default()).await? {
        let body = message.delivery.data;
        entries.push(String::from_utf8(body).unwrap_or_else(|error| error.as_bytes().escape_ascii().to_string()));
    }
    connection.close(200, "goodbye".into()).await?;
    Ok(entries)
}

async fn open(addr: &str) -> Result<(Connection, Channel)> {
    let connection = Connection::connect(addr, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.queue_declare("guestbook".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    Ok((connection, channel))
}

fn main() {}
