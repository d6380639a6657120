// wrong: Signs for the letter, so that the broker forgets it.
// says: both letters have to be in the mailbox

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicGetOptions},
};

async fn look(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions::default();
    let Some(letter) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    letter.ack(BasicAckOptions::default()).await?;
    Ok(Some(String::from_utf8(letter.delivery.data)?))
}

fn main() {}
