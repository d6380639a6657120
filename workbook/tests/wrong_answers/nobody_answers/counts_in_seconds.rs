// wrong: Takes the expiration for seconds: one millisecond later the request is gone.
// says: and found no request

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel,
    options::{BasicConsumeOptions, BasicPublishOptions},
    types::FieldTable,
};
use std::time::Duration;
use tokio::time::timeout;

const REPLY_TO: &str = "amq.rabbitmq.reply-to";
const PATIENCE: Duration = Duration::from_millis(800);

async fn ask(channel: &Channel, weight: &str) -> Result<String> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut replies = channel.basic_consume(REPLY_TO.into(), "".into(), options, FieldTable::default()).await?;
    let expiration = "1".to_owned();
    let properties = BasicProperties::default()
        .with_reply_to(REPLY_TO.into())
        .with_correlation_id("1".into())
        .with_expiration(expiration.into());
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "shipping".into(), options, weight.as_bytes(), properties).await?;
    let reply = timeout(PATIENCE, replies.next()).await.context("no reply")?;
    let reply = reply.context("the broker cancelled our subscription")??;
    Ok(String::from_utf8_lossy(&reply.data).into_owned())
}

fn main() {}
