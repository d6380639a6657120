// wrong: Takes all messages and returns the first.
// says: nobody has read these two

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

async fn receive_one(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions { no_ack: true };
    let Some(message) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    while channel.basic_get("hello".into(), options).await?.is_some() {}
    Ok(Some(String::from_utf8(message.delivery.data)?))
}

fn main() {}
