// wrong: Sends on what stands in the exercise.
// says: your consumer did not receive it

use anyhow::{Result, anyhow, bail};
use futures_lite::StreamExt;
use lapin::{Channel, options::BasicConsumeOptions, types::FieldTable};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, texts: UnboundedSender<String>) -> Result<()> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    while let Some(delivery) = consumer.next().await {
        let delivery = delivery.map_err(|error| anyhow!("the broker ended our connection: {error}"))?;
        texts.send("one".to_owned())?;
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}
