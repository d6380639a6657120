// wrong: Takes silence for an empty queue.
// says: your program subscribes (basic_consume)

use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions},
    types::FieldTable,
};
use std::time::Duration;
use tokio::time::timeout;

async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    while let Ok(Some(delivery)) = timeout(Duration::from_millis(300), consumer.next()).await {
        let delivery = delivery?;
        delivery.ack(BasicAckOptions::default()).await?;
        texts.push(String::from_utf8(delivery.data)?);
    }
    Ok(texts)
}

fn main() {}
