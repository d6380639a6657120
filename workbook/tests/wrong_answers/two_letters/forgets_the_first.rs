// wrong: Begins to count at one.
// says: each on its own, in this order

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};

async fn send_all(channel: &Channel, messages: &[&str]) -> Result<()> {
    for text in messages.iter().skip(1) {
        let options = BasicPublishOptions::default();
        channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    }
    Ok(())
}

fn main() {}
