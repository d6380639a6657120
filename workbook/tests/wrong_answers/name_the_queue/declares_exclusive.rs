// wrong: No other program can use the queue.
// says: is exclusive: no other program can use it

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(channel: &Channel, queue: &str, text: &str) -> Result<()> {
    channel.queue_declare(queue.into(), QueueDeclareOptions::exclusive(), FieldTable::default()).await?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), queue.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    Ok(())
}

fn main() {}
