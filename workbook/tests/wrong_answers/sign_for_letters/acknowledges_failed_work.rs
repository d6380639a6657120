// wrong: Acknowledges whether the work succeeds or not, and goes on.
// says: the work has failed, and your consumer goes on

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
        let _ = work(String::from_utf8(delivery.data.clone())?).await;
        delivery.ack(BasicAckOptions::default()).await?;
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}
