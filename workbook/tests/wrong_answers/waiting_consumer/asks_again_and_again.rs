// wrong: Asks for messages in a loop instead of subscribing.
// says: nobody subscribes to `hello`

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicGetOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, texts: UnboundedSender<String>) -> Result<()> {
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;

    loop {
        if let Some(message) = channel.basic_get("hello".into(), BasicGetOptions { no_ack: true }).await? {
            texts.send(String::from_utf8(message.delivery.data)?)?;
        }
    }
}

fn main() {}
