// wrong: Clears the difference away, with the messages in it.
// says: a message was waiting in the queue, and it is lost

use anyhow::Result;
use lapin::{
    Channel,
    options::{QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};

async fn open_queue(channel: &Channel) -> Result<()> {
    channel.queue_delete("hello".into(), QueueDeleteOptions::default()).await?;
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    Ok(())
}

fn main() {}
