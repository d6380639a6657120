// wrong: Prints the error and ends with status 0.
// says: your consumer says that all is well

use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{Channel, options::BasicConsumeOptions, types::FieldTable};
use tokio::sync::mpsc::UnboundedSender;

async fn receive(channel: &Channel, messages: UnboundedSender<String>) -> Result<()> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;

    while let Some(delivery) = consumer.next().await {
        let delivery = match delivery {
            Ok(delivery) => delivery,
            Err(error) => {
                eprintln!("the broker ended our connection: {error}");
                break;
            }
        };
        messages.send(String::from_utf8(delivery.data)?)?;
    }
    eprintln!("no more messages");
    Ok(())
}

fn main() {}
