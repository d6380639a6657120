// wrong: No other program can use the queue.
// says: is exclusive: no other program can use it

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, texts: UnboundedSender<String>) -> Result<()> {
    channel.queue_declare("hello".into(), QueueDeclareOptions::exclusive(), FieldTable::default()).await?;

    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    while let Some(delivery) = consumer.next().await {
        texts.send(String::from_utf8(delivery?.data)?)?;
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}
