// wrong: Ends at each empty order, which then waits for the next packer.
// says: your packer has ended

use anyhow::{Context, Result, ensure};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::FieldTable,
};

async fn pack(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    channel.basic_qos(2, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        let order = String::from_utf8_lossy(&delivery.data).into_owned();
        ensure!(!order.is_empty(), "an order without a word");
        work(order).await?;
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {}
