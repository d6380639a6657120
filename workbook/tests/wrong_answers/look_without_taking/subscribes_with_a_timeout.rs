// wrong: Subscribes, puts the message back, and takes silence for an empty queue.
// says: your program subscribes (basic_consume)

use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::FieldTable,
};
use std::time::Duration;
use tokio::time::timeout;

async fn look(channel: &Channel) -> Result<Option<String>> {
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("hello".into(), "one".into(), options, FieldTable::default()).await?;
    let seen = timeout(Duration::from_millis(300), consumer.next()).await;
    channel.basic_cancel("one".into(), BasicCancelOptions::default()).await?;
    let Ok(Some(delivery)) = seen else { return Ok(None) };
    let delivery = delivery?;
    delivery.nack(BasicNackOptions { requeue: true, ..Default::default() }).await?;
    Ok(Some(String::from_utf8(delivery.data)?))
}

fn main() {}
