// wrong: A passive declaration asks whether the mailbox exists, and never makes one.
// says: there was no mailbox, and after your program there is none

use anyhow::Result;
use lapin::{Channel, options::QueueDeclareOptions, types::FieldTable};

async fn open_mailbox(channel: &Channel) -> Result<()> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    channel.queue_declare("hello".into(), passive, FieldTable::default()).await?;
    Ok(())
}

fn main() {}
