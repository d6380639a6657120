// wrong: Subscribes, and waits for as many messages as there were a moment ago.
// says: your program subscribes (basic_consume)

use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let passive = QueueDeclareOptions { passive: true, ..Default::default() };
    let count = channel.queue_declare("hello".into(), passive, FieldTable::default()).await?.message_count();
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    for _ in 0..count {
        let Some(delivery) = consumer.next().await else { break };
        let delivery = delivery?;
        delivery.ack(BasicAckOptions::default()).await?;
        texts.push(String::from_utf8(delivery.data)?);
    }
    Ok(texts)
}

fn main() {}
