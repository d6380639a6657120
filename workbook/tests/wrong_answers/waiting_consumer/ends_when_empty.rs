// wrong: Takes what is there and leaves.
// says: your consumer has ended

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicGetOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, messages: UnboundedSender<String>) -> Result<()> {
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;

    while let Some(message) = channel.basic_get("hello".into(), BasicGetOptions { no_ack: true }).await? {
        messages.send(String::from_utf8(message.delivery.data)?)?;
    }
    Ok(())
}

fn main() {}
