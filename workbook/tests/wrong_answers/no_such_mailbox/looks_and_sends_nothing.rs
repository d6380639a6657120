// wrong: Asks for the mailbox and forgets the letter.
// says: `hello` has to hold this one letter

use anyhow::{Context, Result};
use lapin::{Connection, options::QueueDeclareOptions, types::FieldTable};

async fn send(connection: &Connection, mailbox: &str, text: &str) -> Result<()> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    channel
        .queue_declare(mailbox.into(), passive, FieldTable::default())
        .await
        .with_context(|| format!("there is no mailbox `{mailbox}`"))?;

    channel.close(200, "sent".into()).await?;
    Ok(())
}

fn main() {}
