// wrong: The mailbox does not exist, so the letter is thrown away.
// says: there is no queue `anna`

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};

async fn send(channel: &Channel, mailbox: &str, text: &str) -> Result<()> {
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), mailbox.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    Ok(())
}

fn main() {}
