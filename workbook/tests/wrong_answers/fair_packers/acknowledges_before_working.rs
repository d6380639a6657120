// wrong: Says that it is done before it begins, so the next order comes along.
// says: this is what another packer can have

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};

async fn pack(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        delivery.ack(BasicAckOptions::default()).await?;
        work(String::from_utf8_lossy(&delivery.data).into_owned()).await?;
    }
}

fn main() {}
