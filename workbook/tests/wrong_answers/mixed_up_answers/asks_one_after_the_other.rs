// wrong: Waits for the first reply before it asks again; and what if a stray one comes?
// says: two requests have to come

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
    let mut prices = Vec::new();
    for weight in parcels {
        let properties = BasicProperties::default().with_reply_to(REPLY_TO.into()).with_correlation_id("0".into());
        let options = BasicPublishOptions::default();
        channel.basic_publish("".into(), "shipping".into(), options, weight.as_bytes(), properties).await?;
        let reply = replies.next().await.context("the broker cancelled our subscription")??;
        prices.push(String::from_utf8_lossy(&reply.data).into_owned());
    }
    Ok([prices[0].clone(), prices[1].clone()])
}

fn main() {}
