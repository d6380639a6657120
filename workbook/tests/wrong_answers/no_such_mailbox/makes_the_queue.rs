// wrong: Declares the queue, so that the message waits where nobody consumes.
// says: your program has made the queue `helo

use anyhow::{Context, Result};
use lapin::{
    BasicProperties, Connection,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(connection: &Connection, queue: &str, text: &str) -> Result<()> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions::durable();
    channel
        .queue_declare(queue.into(), passive, FieldTable::default())
        .await
        .with_context(|| format!("there is no queue `{queue}`"))?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), queue.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    channel.close(200, "sent".into()).await?;
    Ok(())
}

fn main() {}
