// wrong: Reads on to the newest letter.
// says: the first letter comes first

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

async fn receive_one(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions { no_ack: true };
    let Some(mut letter) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    while let Some(next) = channel.basic_get("hello".into(), options).await? {
        letter = next;
    }
    Ok(Some(String::from_utf8(letter.delivery.data)?))
}

fn main() {}
