// wrong: An urgent order is delivered earlier; it is not kept longer.
// says: its delivery mode is not 2

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn order(channel: &Channel, text: &str) -> Result<()> {
    let durable = QueueDeclareOptions::durable();
    channel.queue_declare("packing".into(), durable, FieldTable::default()).await?;
    let properties = BasicProperties::default().with_priority(9);
    channel.basic_publish("".into(), "packing".into(), BasicPublishOptions::default(), text.as_bytes(), properties).await?;
    Ok(())
}

fn main() {}
