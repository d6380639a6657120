// wrong: Asks once.
// says: these three messages were waiting

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let mut messages = Vec::new();
    let options = BasicGetOptions { no_ack: true };
    if let Some(message) = channel.basic_get("hello".into(), options).await? {
        messages.push(String::from_utf8(message.delivery.data)?);
    }
    Ok(messages)
}

fn main() {}
