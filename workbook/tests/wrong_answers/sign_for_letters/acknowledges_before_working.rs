// wrong: Acknowledges when the message arrives, not when it is done.
// says: it was acknowledged too early

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions},
    types::FieldTable,
};

async fn receive(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        delivery.ack(BasicAckOptions::default()).await?;
        work(String::from_utf8(delivery.data.clone())?).await?;
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}
