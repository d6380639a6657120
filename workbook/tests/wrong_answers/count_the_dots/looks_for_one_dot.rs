// wrong: Asks whether there is a dot, not how many.
// says: `sofa..` takes 2 s, and your packer takes 1

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions},
    types::FieldTable,
};
use std::time::Duration;

async fn pack(channel: &Channel, work: impl AsyncFn(Duration)) -> Result<()> {
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        let order = String::from_utf8_lossy(&delivery.data);
        let seconds = u64::from(order.ends_with('.'));
        work(Duration::from_secs(seconds)).await;
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {}
