// wrong: Takes a message and says what stands in the exercise.
// says: the first message comes first

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

/// Takes the next message out of `hello`, and no other; `None` if none waits.
/// 从 `hello` 里取出下一条消息，别的都不动；没有消息在等，就是 `None`。
async fn receive_one(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions { no_ack: true };
    let Some(message) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    Ok(Some("one".to_owned()))
}

fn main() {}
