// wrong: Nobody else can use what it declares.
// says: a durable queue `hello`, and your program returned an error

use anyhow::Result;
use lapin::{Channel, options::QueueDeclareOptions, types::FieldTable};

/// Makes sure that there is a queue `hello`. · 确保队列 `hello` 存在。
async fn open_queue(channel: &Channel) -> Result<()> {
    channel.queue_declare("hello".into(), QueueDeclareOptions::exclusive(), FieldTable::default()).await?;
    Ok(())
}

fn main() {}
