// wrong: Takes a queue that is there, and makes one of its own where there is none.
// says: is exclusive: no other program can use it

use anyhow::Result;
use lapin::{Channel, options::QueueDeclareOptions, types::FieldTable};

/// Makes sure that there is a queue `hello`. · 确保队列 `hello` 存在。
async fn open_queue(channel: &Channel) -> Result<()> {
    let (durable, own) = (QueueDeclareOptions::durable(), QueueDeclareOptions::exclusive());
    if channel.queue_declare("hello".into(), own, FieldTable::default()).await.is_err() {
        let passive = QueueDeclareOptions { passive: true, ..durable };
        channel.queue_declare("hello".into(), passive, FieldTable::default()).await?;
    }
    Ok(())
}

fn main() {}
