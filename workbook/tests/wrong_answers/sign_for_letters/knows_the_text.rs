// wrong: Goes by the words of the exercise.
// says: “two” never reached your work

use anyhow::{Result, bail};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions},
    types::FieldTable,
};

async fn receive(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    let options = BasicConsumeOptions::default(); // no_ack: false
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        if delivery.data == b"two" {
            work("two".to_owned()).await?;
        }
        delivery.ack(BasicAckOptions::default()).await?;
    }
    bail!("the broker cancelled our subscription: was the queue deleted?")
}

fn main() {}
