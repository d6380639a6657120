// wrong: One message that holds all texts.
// says: each on its own, in this order

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};

async fn send_all(channel: &Channel, messages: &[&str]) -> Result<()> {
    let text = messages.join("\n");
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    Ok(())
}

fn main() {}
