// wrong: Acknowledges the message, so that the broker deletes it.
// says: a message is gone for good

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicGetOptions},
};

async fn look(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions::default();
    let Some(message) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    message.ack(BasicAckOptions::default()).await?;
    Ok(Some(String::from_utf8(message.delivery.data)?))
}

fn main() {}
