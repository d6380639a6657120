// wrong: Asks first; the refusal closes the channel, and the declaration on it fails.
// says: after your program there is none

use anyhow::Result;
use lapin::{Channel, options::QueueDeclareOptions, types::FieldTable};

/// Makes sure that there is a queue `hello`. · 确保队列 `hello` 存在。
async fn open_queue(channel: &Channel) -> Result<()> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    if channel.queue_declare("hello".into(), passive, FieldTable::default()).await.is_err() {
        channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    }
    Ok(())
}

fn main() {}
