// wrong: The request expires, and the program still waits for the reply.
// says: your program waits for ever

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
    let expiration = PATIENCE.as_millis().to_string();
    let properties = BasicProperties::default()
        .with_reply_to(REPLY_TO.into())
        .with_correlation_id("1".into())
        .with_expiration(expiration.into());
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "shipping".into(), options, weight.as_bytes(), properties).await?;
    let reply = replies.next().await;
    let reply = reply.context("the broker cancelled our subscription")??;
    Ok(String::from_utf8_lossy(&reply.data).into_owned())
}

fn main() {}
