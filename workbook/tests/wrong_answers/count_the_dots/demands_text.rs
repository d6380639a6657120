// wrong: Ends at an order that is no text.
// says: your packer has ended

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
        let order = String::from_utf8(delivery.data.clone())?;
        let seconds = order.matches('.').count() as u64;
        work(Duration::from_secs(seconds)).await;
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {}
