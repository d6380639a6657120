// wrong: Reads all messages and acknowledges none of them.
// says: messages are back in the queue

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let mut messages = Vec::new();
    let options = BasicGetOptions::default();
    while let Some(message) = channel.basic_get("hello".into(), options).await? {
        messages.push(String::from_utf8(message.delivery.data)?);
    }
    Ok(messages)
}

fn main() {}
