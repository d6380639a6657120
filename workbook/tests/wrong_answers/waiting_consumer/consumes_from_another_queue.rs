// wrong: Declares one queue and subscribes to another.
// says: nobody subscribes to `hello`

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, messages: UnboundedSender<String>) -> Result<()> {
    channel.queue_declare("hallo".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;

    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hallo".into(), "".into(), options, FieldTable::default()).await?;

    while let Some(delivery) = consumer.next().await {
        messages.send(String::from_utf8(delivery?.data)?)?;
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}
