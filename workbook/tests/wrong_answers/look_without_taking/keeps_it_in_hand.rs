// wrong: Neither acknowledges nor puts back: the message stays unacknowledged for as long as the channel is open.
// says: your program has not answered

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

async fn look(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions::default();
    let Some(message) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    Ok(Some(String::from_utf8(message.delivery.data)?))
}

fn main() {}
