// wrong: Sets the limit when the subscription exists already.
// says: this is what another packer can have

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};

async fn pack(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        work(String::from_utf8_lossy(&delivery.data).into_owned()).await?;
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {}
