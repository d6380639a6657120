// wrong: A nack without `requeue` throws the message away.
// says: a message is gone for good

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicGetOptions, BasicNackOptions},
};

async fn look(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions::default();
    let Some(message) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    message.nack(BasicNackOptions { requeue: false, ..Default::default() }).await?;
    Ok(Some(String::from_utf8(message.delivery.data)?))
}

fn main() {}
