// wrong: Characters in the place of bytes: still the length.
// says: `cup` takes 0 s, and your packer takes 3

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
        let seconds = order.chars().count() as u64;
        work(Duration::from_secs(seconds)).await;
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {}
