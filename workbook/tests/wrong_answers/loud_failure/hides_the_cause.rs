// wrong: Notices the lost connection and does not say why it was lost.
// says: whoever reads the log can't find the cause

use anyhow::{Result, anyhow, bail};
use futures_lite::StreamExt;
use lapin::{Channel, options::BasicConsumeOptions, types::FieldTable};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, texts: UnboundedSender<String>) -> Result<()> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    while let Some(delivery) = consumer.next().await {
        let delivery = delivery.map_err(|_| anyhow!("the connection was lost"))?;
        texts.send(String::from_utf8(delivery.data)?)?;
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}
