// wrong: Rejects the first time, and the second time leaves it unacknowledged.
// says: the lamp was never packed

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::FieldTable,
};

async fn pack(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        let order = String::from_utf8_lossy(&delivery.data).into_owned();
        match work(order).await {
            Ok(()) => delivery.ack(BasicAckOptions::default()).await?,
            Err(_) if delivery.redelivered => continue,
            Err(_) => delivery.reject(BasicRejectOptions { requeue: true }).await?,
        };
    }
}

fn main() {}
