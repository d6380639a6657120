// wrong: The broker deletes each message when it sends it.
// says: had not been begun, and it is lost

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{Channel, options::BasicConsumeOptions, types::FieldTable};

async fn receive(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        work(String::from_utf8(delivery.data.clone())?).await?;
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}
