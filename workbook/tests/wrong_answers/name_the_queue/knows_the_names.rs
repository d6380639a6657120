// wrong: Has the names of the exercise in the program.
// says: this is what `anna

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(channel: &Channel, queue: &str, text: &str) -> Result<()> {
    let (key, text) = if queue.contains("anna") { ("anna", "Hi Anna!") } else { ("小李", "小李，你好！") };
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), key.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    Ok(())
}

fn main() {}
