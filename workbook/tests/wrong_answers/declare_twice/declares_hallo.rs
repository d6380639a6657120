// wrong: Makes another queue than everybody uses.
// says: there was no queue `hello`, and after your program there is none

use anyhow::Result;
use lapin::{Channel, options::QueueDeclareOptions, types::FieldTable};

/// Makes sure that there is a queue `hello`. · 确保队列 `hello` 存在。
async fn open_queue(channel: &Channel) -> Result<()> {
    channel.queue_declare("hallo".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    Ok(())
}

fn main() {}
