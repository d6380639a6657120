// wrong: Takes three seconds without a message for the end.
// says: your consumer has ended; it has to wait

use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
};
use std::time::Duration;
use tokio::{sync::mpsc::UnboundedSender, time::timeout};

async fn receive(channel: &Channel, texts: UnboundedSender<String>) -> Result<()> {
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;

    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    while let Ok(Some(delivery)) = timeout(Duration::from_secs(3), consumer.next()).await {
        texts.send(String::from_utf8(delivery?.data)?)?;
    }
    Ok(())
}

fn main() {}
