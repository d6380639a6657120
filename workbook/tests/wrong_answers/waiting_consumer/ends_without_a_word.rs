// wrong: Ends as if all were well when the subscription is cancelled.
// says: your consumer ended as if all were well

use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, texts: UnboundedSender<String>) -> Result<()> {
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;

    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    while let Some(delivery) = consumer.next().await {
        texts.send(String::from_utf8(delivery?.data)?)?;
    }
    Ok(())
}

fn main() {}
