// wrong: Takes the letter in hand and never signs for it, so it comes back.
// says: “one” is back in the mailbox

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

async fn receive_one(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions::default();
    let Some(letter) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    Ok(Some(String::from_utf8(letter.delivery.data)?))
}

fn main() {}
