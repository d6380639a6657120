// wrong: Says that it is done before it begins.
// says: this is left in `packing`

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions},
    types::FieldTable,
};

/// Takes orders on one channel, and reports on the other what is packed. · 一条信道接订单，另一条信道报告打包好的。
async fn pack(orders: &Channel, reports: &Channel, work: impl AsyncFn(&str)) -> Result<()> {
    orders.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = orders.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        let order = String::from_utf8_lossy(&delivery.data).into_owned();
        delivery.ack(BasicAckOptions::default()).await?;
        work(&order).await;
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        reports.basic_publish("".into(), "packed".into(), options, order.as_bytes(), properties).await?;
    }
}

fn main() {}
