// wrong: Sends the texts of the exercise.
// says: each on its own, in this order

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};

async fn send_all(channel: &Channel, texts: &[&str]) -> Result<()> {
    for text in ["first", "第二条"] {
        let options = BasicPublishOptions::default();
        channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    }
    Ok(())
}

fn main() {}
