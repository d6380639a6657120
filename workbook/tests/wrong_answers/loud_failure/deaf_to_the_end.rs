// wrong: Ends without an error when the subscription is cancelled.
// says: the queue was deleted, and your consumer says that all is well

use anyhow::{Result, anyhow};
use futures_lite::StreamExt;
use lapin::{Channel, options::BasicConsumeOptions, types::FieldTable};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, messages: UnboundedSender<String>) -> Result<()> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    while let Some(delivery) = consumer.next().await {
        let delivery = delivery.map_err(|error| anyhow!("the broker ended our connection: {error}"))?;
        messages.send(String::from_utf8(delivery.data)?)?;
    }
    Ok(())
}

fn main() {}
