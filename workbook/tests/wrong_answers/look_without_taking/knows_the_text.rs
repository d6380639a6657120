// wrong: Says what stands in the exercise, without looking.
// says: have you read another, or is it gone?

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicGetOptions, BasicNackOptions},
};

/// What the next message in `hello` says, or `None`. The message stays in the queue.
/// `hello` 里下一条消息的内容；没有消息就是 `None`。消息要留在队列里。
async fn look(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions::default(); // no_ack: false
    let Some(message) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    message.nack(BasicNackOptions { requeue: true, ..Default::default() }).await?;
    Ok(Some("first".to_owned()))
}

fn main() {}
