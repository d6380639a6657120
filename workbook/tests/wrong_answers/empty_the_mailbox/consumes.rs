// wrong: Subscribes, acknowledges each message, and waits for the next.
// says: your program still waits for a message

use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions},
    types::FieldTable,
};

async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let mut messages = Vec::new();
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        delivery.ack(BasicAckOptions::default()).await?;
        messages.push(String::from_utf8(delivery.data)?);
    }
    Ok(messages)
}

fn main() {}
