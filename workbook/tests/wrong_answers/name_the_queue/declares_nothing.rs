// wrong: The queue does not exist, so the message is thrown away.
// says: there is no queue `anna

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};

async fn send(channel: &Channel, queue: &str, text: &str) -> Result<()> {
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), queue.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    Ok(())
}

fn main() {}
