// wrong: A dot is a second, not a millisecond.
// says: and your packer takes 0.002

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
        let seconds = order.matches('.').count() as u64;
        work(Duration::from_millis(seconds)).await;
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {}
