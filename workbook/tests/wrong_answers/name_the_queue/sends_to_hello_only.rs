// wrong: Makes the right mailbox, and writes another name on the letter.
// says: Does the routing key name the mailbox that you declare?

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(channel: &Channel, mailbox: &str, text: &str) -> Result<()> {
    channel.queue_declare(mailbox.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    Ok(())
}

fn main() {}
