// wrong: Puts each message before the others.
// says: in this order

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicGetOptions},
};

/// Takes all messages out of `hello`, the oldest first. · 把 `hello` 里的消息全部取出来，先来的在前。
async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    while let Some(message) = channel.basic_get("hello".into(), BasicGetOptions::default()).await? {
        texts.insert(0, String::from_utf8(message.delivery.data.clone())?);
        message.ack(BasicAckOptions::default()).await?;
    }
    Ok(texts)
}

fn main() {}
