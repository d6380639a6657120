// wrong: A nack without `requeue` throws the letter away.
// says: both letters have to be in the mailbox

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicGetOptions, BasicNackOptions},
};

async fn look(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions::default();
    let Some(letter) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    letter.nack(BasicNackOptions { requeue: false, ..Default::default() }).await?;
    Ok(Some(String::from_utf8(letter.delivery.data)?))
}

fn main() {}
