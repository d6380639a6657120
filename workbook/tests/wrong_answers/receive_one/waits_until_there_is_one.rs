// wrong: Asks again and again until a message comes.
// says: your program waits for a message

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

/// Takes the next message out of `hello`, and no other; `None` if none waits.
/// 从 `hello` 里取出下一条消息，别的都不动；没有消息在等，就是 `None`。
async fn receive_one(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions { no_ack: true };
    loop {
        if let Some(message) = channel.basic_get("hello".into(), options).await? {
            return Ok(Some(String::from_utf8(message.delivery.data)?));
        }
    }
}

fn main() {}
