// wrong: Takes the message and never acknowledges it, so it comes back.
// says: is back in the queue

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

async fn receive_one(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions::default();
    let Some(message) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    Ok(Some(String::from_utf8(message.delivery.data)?))
}

fn main() {}
