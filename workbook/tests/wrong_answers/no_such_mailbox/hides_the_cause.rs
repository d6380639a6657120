// wrong: Says in words of its own what it believes.
// says: 404 NOT_FOUND, is not in it

use anyhow::{Context, Result};
use lapin::{
    BasicProperties, Connection,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(connection: &Connection, queue: &str, text: &str) -> Result<()> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    channel.queue_declare(queue.into(), passive, FieldTable::default()).await.ok().context("there is no such queue")?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), queue.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    channel.close(200, "sent".into()).await?;
    Ok(())
}

fn main() {}
