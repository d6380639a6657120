// wrong: Sorts by the id, and takes a stranger's for the first.
// says: a parcel has the price of another

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel, Consumer,
    options::{BasicConsumeOptions, BasicPublishOptions},
    types::FieldTable,
};

const REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// Asks what each of two parcels costs; the prices in the order of the parcels.
/// 问两个包裹的运费，按包裹的顺序返回价格。
async fn prices(channel: &Channel, parcels: [&str; 2]) -> Result<[String; 2]> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut replies = channel.basic_consume(REPLY_TO.into(), "".into(), options, FieldTable::default()).await?;
    for (number, weight) in parcels.into_iter().enumerate() {
        let id = number.to_string();
        let properties = BasicProperties::default().with_reply_to(REPLY_TO.into()).with_correlation_id(id.into());
        let options = BasicPublishOptions::default();
        channel.basic_publish("".into(), "shipping".into(), options, weight.as_bytes(), properties).await?;
    }
    let mut prices = [String::new(), String::new()];
    for _ in 0..2 {
        let (id, price) = next(&mut replies).await?;
        prices[id.parse::<usize>().unwrap_or(0)] = price;
    }
    Ok(prices)
}

/// The next reply: its correlation id, and what it says. · 下一个应答：关联标识和内容。
async fn next(replies: &mut Consumer) -> Result<(String, String)> {
    let reply = replies.next().await.context("the broker cancelled our subscription")??;
    let id = reply.properties.correlation_id().as_ref().map(ToString::to_string).unwrap_or_default();
    Ok((id, String::from_utf8_lossy(&reply.data).into_owned()))
}

fn main() {}
