// wrong: Ends as if all were well when the subscription is cancelled.
// says: your consumer ended as if all were well

use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions},
    types::FieldTable,
};

async fn receive(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    let options = BasicConsumeOptions::default(); // no_ack: false
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        work(String::from_utf8(delivery.data.clone())?).await?;
        delivery.ack(BasicAckOptions::default()).await?;
    }
    Ok(())
}

fn main() {}
