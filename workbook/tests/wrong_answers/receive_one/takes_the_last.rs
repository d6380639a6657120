// wrong: Reads on to the newest message.
// says: the first message comes first

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

async fn receive_one(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions { no_ack: true };
    let Some(mut message) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    while let Some(next) = channel.basic_get("hello".into(), options).await? {
        message = next;
    }
    Ok(Some(String::from_utf8(message.delivery.data)?))
}

fn main() {}
