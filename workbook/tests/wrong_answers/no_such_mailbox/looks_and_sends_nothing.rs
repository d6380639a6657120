// wrong: Asks for the queue and forgets the message.
// says: has to hold this one message

use anyhow::{Context, Result};
use lapin::{Connection, options::QueueDeclareOptions, types::FieldTable};

async fn send(connection: &Connection, queue: &str, text: &str) -> Result<()> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    channel
        .queue_declare(queue.into(), passive, FieldTable::default())
        .await
        .with_context(|| format!("there is no queue `{queue}`"))?;

    channel.close(200, "sent".into()).await?;
    Ok(())
}

fn main() {}
