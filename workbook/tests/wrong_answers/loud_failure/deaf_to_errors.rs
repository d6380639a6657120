// wrong: Ends without an error when the connection is lost.
// says: the connection was lost, and your consumer says that all is well

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{Channel, options::BasicConsumeOptions, types::FieldTable};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, messages: UnboundedSender<String>) -> Result<()> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    while let Some(delivery) = consumer.next().await {
        let Ok(delivery) = delivery else { return Ok(()) };
        messages.send(String::from_utf8(delivery.data)?)?;
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}
