// wrong: Clears the difference away, with the letters in it.
// says: a letter was waiting in the mailbox, and it is lost

use anyhow::Result;
use lapin::{
    Channel,
    options::{QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};

async fn open_mailbox(channel: &Channel) -> Result<()> {
    channel.queue_delete("hello".into(), QueueDeleteOptions::default()).await?;
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    Ok(())
}

fn main() {}
