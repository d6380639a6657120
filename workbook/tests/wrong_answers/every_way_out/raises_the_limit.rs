// wrong: Falls asleep a little later.
// says: the empty orders are back

use anyhow::{Context, Result, ensure};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::FieldTable,
};

async fn pack(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    channel.basic_qos(100, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        let order = String::from_utf8_lossy(&delivery.data).into_owned();
        if order.is_empty() {
            eprintln!("an order without a word; going on");
            continue;
        }
        work(order).await?;
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {}
