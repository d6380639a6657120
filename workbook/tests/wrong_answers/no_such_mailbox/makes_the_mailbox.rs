// wrong: Declares the mailbox, so that the letter lies where nobody looks.
// says: your program has made the mailbox `helo`

use anyhow::{Context, Result};
use lapin::{
    BasicProperties, Connection,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(connection: &Connection, mailbox: &str, text: &str) -> Result<()> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions::durable();
    channel
        .queue_declare(mailbox.into(), passive, FieldTable::default())
        .await
        .with_context(|| format!("there is no mailbox `{mailbox}`"))?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), mailbox.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    channel.close(200, "sent".into()).await?;
    Ok(())
}

fn main() {}
