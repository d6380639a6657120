// wrong: A passive declaration asks whether the queue exists, and never makes one.
// says: there was no queue `hello`, and after your program there is none

use anyhow::Result;
use lapin::{Channel, options::QueueDeclareOptions, types::FieldTable};

async fn open_queue(channel: &Channel) -> Result<()> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    channel.queue_declare("hello".into(), passive, FieldTable::default()).await?;
    Ok(())
}

fn main() {}
