// wrong: Neither signs nor puts back: the letter stays unacknowledged for as long as the channel is open.
// says: both letters have to be in the mailbox

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

async fn look(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions::default();
    let Some(letter) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    Ok(Some(String::from_utf8(letter.delivery.data)?))
}

fn main() {}
