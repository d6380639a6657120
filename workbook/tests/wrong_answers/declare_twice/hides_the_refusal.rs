// wrong: Ignores the error. The broker has closed the channel, and what follows on it fails.
// says: the broker refused, and your program didn't say so

use anyhow::Result;
use lapin::{Channel, options::QueueDeclareOptions, types::FieldTable};

async fn open_queue(channel: &Channel) -> Result<()> {
    let _ = channel.queue_declare("hello".into(), QueueDeclareOptions::default(), FieldTable::default()).await;
    Ok(())
}

fn main() {}
