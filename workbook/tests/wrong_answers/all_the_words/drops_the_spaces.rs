// wrong: Joins the words without a space between them, and prints them with one.
// says: this is what the packers get

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

/// Hands in an order, which may be several words, and returns the line to print.
/// 交出一个订单（可以有好几个词），返回要打印的那一行。
async fn hand_in(channel: &Channel, words: &[&str]) -> Result<String> {
    let durable = QueueDeclareOptions::durable();
    channel.queue_declare("packing".into(), durable, FieldTable::default()).await?;
    let order = words.concat();
    let properties = BasicProperties::default().with_delivery_mode(2);
    channel
        .basic_publish("".into(), "packing".into(), BasicPublishOptions::default(), order.as_bytes(), properties)
        .await?;
    Ok(format!("To pack: {}", words.join(" ")))
}

fn main() {}
