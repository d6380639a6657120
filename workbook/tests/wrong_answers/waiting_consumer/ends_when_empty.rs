// wrong: Takes what is there and leaves.
// says: your consumer has ended

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicGetOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, letters: UnboundedSender<String>) -> Result<()> {
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;

    while let Some(letter) = channel.basic_get("hello".into(), BasicGetOptions { no_ack: true }).await? {
        letters.send(String::from_utf8(letter.delivery.data)?)?;
    }
    Ok(())
}

fn main() {}
