// wrong: The request doesn't come back, and neither does the server.
// says: the server has ended

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions},
    types::FieldTable,
};

fn price(grams: &str) -> Result<String> {
    let grams: u32 = grams.parse().context("no weight in whole grams")?;
    Ok(format!("{}.00", 5 + grams / 1000))
}

async fn serve(channel: &Channel) -> Result<()> {
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut requests = channel.basic_consume("shipping".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let request = requests.next().await.context("the broker cancelled our subscription")??;
        let grams = String::from_utf8_lossy(&request.data).into_owned();
        request.ack(BasicAckOptions::default()).await?;
        let text = price(&grams)?;
        reply(channel, &request, &text).await?;
    }
}

/// Publishes a reply to where the request asks for it. · 按请求的要求发布应答。
async fn reply(channel: &Channel, request: &Delivery, text: &str) -> Result<()> {
    let Some(to) = request.properties.reply_to().clone() else { return Ok(()) };
    let id = request.properties.correlation_id().clone().unwrap_or_default();
    let properties = BasicProperties::default().with_correlation_id(id);
    channel.basic_publish("".into(), to, BasicPublishOptions::default(), text.as_bytes(), properties).await?;
    Ok(())
}

fn main() {}
