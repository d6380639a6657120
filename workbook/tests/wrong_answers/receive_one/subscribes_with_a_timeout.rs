// wrong: Subscribes to one message at a time, and takes silence for an empty queue.
// says: your program subscribes (basic_consume)

use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use std::time::Duration;
use tokio::time::timeout;

async fn receive_one(channel: &Channel) -> Result<Option<String>> {
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("hello".into(), "one".into(), options, FieldTable::default()).await?;
    let Ok(Some(delivery)) = timeout(Duration::from_millis(300), consumer.next()).await else { return Ok(None) };
    let delivery = delivery?;
    channel.basic_cancel("one".into(), BasicCancelOptions::default()).await?;
    delivery.ack(BasicAckOptions::default()).await?;
    Ok(Some(String::from_utf8(delivery.data)?))
}

fn main() {}
