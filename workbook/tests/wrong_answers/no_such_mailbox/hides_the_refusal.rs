// wrong: Asks and does not listen to the answer.
// says: the message was thrown away, and your program says

use anyhow::Result;
use lapin::{
    BasicProperties, Connection,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(connection: &Connection, queue: &str, text: &str) -> Result<()> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    channel.queue_declare(queue.into(), passive, FieldTable::default()).await.ok();
    let channel = connection.create_channel().await?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), queue.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    channel.close(200, "sent".into()).await?;
    Ok(())
}

fn main() {}
