// wrong: Counts the messages of the exercise.
// says: your consumer has ended; it has to wait

use anyhow::{Result, bail};
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

    for _ in 0..3 {
        let Some(delivery) = consumer.next().await else { bail!("the subscription was cancelled") };
        texts.send(String::from_utf8(delivery?.data)?)?;
    }
    Ok(())
}

fn main() {}
