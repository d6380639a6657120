// wrong: Sends the text of the exercise.
// says: has to hold this one message

use anyhow::{Context, Result};
use lapin::{
    BasicProperties, Connection,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(connection: &Connection, queue: &str, text: &str) -> Result<()> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    channel
        .queue_declare(queue.into(), passive, FieldTable::default())
        .await
        .with_context(|| format!("can't send to `{queue}`"))?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), queue.into(), options, "Here I am".as_bytes(), BasicProperties::default()).await?;
    channel.close(200, "sent".into()).await?;
    Ok(())
}

fn main() {}
