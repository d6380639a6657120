// wrong: Relies on a consumer to declare the queue.
// says: there is no queue `packing`

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn order(channel: &Channel, text: &str) -> Result<()> {
    let properties = BasicProperties::default().with_delivery_mode(2);
    channel.basic_publish("".into(), "packing".into(), BasicPublishOptions::default(), text.as_bytes(), properties).await?;
    Ok(())
}

fn main() {}
